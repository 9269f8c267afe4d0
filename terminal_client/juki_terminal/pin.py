"""Where a PIN comes from: the holder's hand, without echo and in time, or a file for tests.

A PIN that has not the form of one is asked for again here, before the card could count it. New
PINs are in `new_pin`, the number from the card's face is in `can`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from juki_card.errors import ParseError
from juki_card.passwords import Pin
from juki_client.outcome import Problem
from juki_terminal.keyboard import DEVICE, Keyboard

if TYPE_CHECKING:
    from collections.abc import Callable


class PinSource(Protocol):
    """Somebody or something that gives a PIN."""

    def ask(self, tries_left: int | None, seconds: float) -> Pin:
        """Return a PIN; `tries_left` is what the card says, None for a full counter.

        Raises Problem PIN_NOT_ENTERED where none came within `seconds`; nothing was counted then.
        """
        ...


class KnownPin:
    """A PIN that was just set at this terminal; it is given once, and never repeated."""

    def __init__(self, pin: Pin) -> None:
        self._left = [pin]

    def __repr__(self) -> str:
        """Show nothing."""
        return "KnownPin(***)"

    def ask(self, tries_left: int | None, seconds: float) -> Pin:  # noqa: ARG002  # it is known
        """Return the PIN; raise Problem PIN_NOT_ENTERED the second time."""
        if not self._left:
            raise Problem("PIN_NOT_ENTERED")
        return self._left.pop()


class FilePin:
    """PINs from lines of text, one for each time that one is asked for."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def __repr__(self) -> str:
        """Show nothing."""
        return "FilePin(***)"

    @classmethod
    def read(cls, source: str) -> FilePin:
        """Read a file, or standard input for `-`; raise Problem USAGE_INVALID where it cannot."""
        return cls(read_lines(source, "pin-from"))

    def ask(self, tries_left: int | None, seconds: float) -> Pin:  # noqa: ARG002  # lines do not wait
        """Return the next line's PIN."""
        if not self._lines:
            raise Problem("PIN_NOT_ENTERED")
        try:
            return Pin(self._lines.pop(0))
        except ParseError as error:
            raise Problem("USAGE_INVALID", {"field": "pin-from", "rule": "4 digits"}) from error


@dataclass(frozen=True, slots=True)
class PromptPin:
    """Asks at the terminal device, not at standard input, and does not echo.

    `prompt` makes the text from the tries that are left and from whether the last entry had not
    the form of a PIN.
    """

    prompt: Callable[[int | None, bool], str]
    device: str = DEVICE
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def ask(self, tries_left: int | None, seconds: float) -> Pin:
        """Ask until a PIN was entered or the time is over."""
        malformed = False
        keyboard = Keyboard(self.device, "--pin-from", self.monotonic)
        with keyboard.silent(seconds) as lines:
            while True:
                line = lines.ask(self.prompt(tries_left, malformed))
                if line is None:
                    raise Problem("PIN_NOT_ENTERED")
                try:
                    return Pin(line)
                except ParseError:
                    # The rest of a line that was too long must not pass for the next PIN.
                    lines.forget()
                    malformed = True


def read_lines(source: str, option: str) -> list[str]:
    """Return the words of a file, or of standard input for `-`; raise Problem USAGE_INVALID."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem("USAGE_INVALID", {"field": option}) from error
    return text.split()
