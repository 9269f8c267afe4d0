"""Where a PIN comes from: the holder's hand, without echo and in time, or a file for tests.

A PIN that has not the form of one is asked for again here, before the card could count it.
"""

from __future__ import annotations

import os
import select
import sys
import termios
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from juki_card.errors import ParseError
from juki_card.passwords import Pin
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONGEST_LINE: Final = 64


class PinSource(Protocol):
    """Somebody or something that gives a PIN."""

    def ask(self, tries_left: int | None, seconds: float) -> Pin:
        """Return a PIN; `tries_left` is what the card says, None for a full counter.

        Raises Problem PIN_NOT_ENTERED where none came within `seconds`; nothing was counted then.
        """
        ...


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
        try:
            text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise Problem("USAGE_INVALID", {"field": "pin-from"}) from error
        return cls(text.split())

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
    device: str = "/dev/tty"
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def ask(self, tries_left: int | None, seconds: float) -> Pin:
        """Ask until a PIN was entered or the time is over."""
        end = self.monotonic() + seconds
        malformed = False
        with _silent(self.device) as terminal:
            while True:
                os.write(terminal, self.prompt(tries_left, malformed).encode("utf-8"))
                line = _line(terminal, end - self.monotonic())
                os.write(terminal, b"\n")
                try:
                    return Pin(line.decode("ascii", errors="replace"))
                except ParseError:
                    # The rest of a line that was too long must not pass for the next PIN.
                    termios.tcflush(terminal, termios.TCIFLUSH)
                    malformed = True


@contextmanager
def _silent(device: str) -> Iterator[int]:
    """Open the device with the echo off, and forget what was typed before and after."""
    try:
        terminal = os.open(device, os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise Problem(
            "USAGE_INVALID", {"field": "pin", "rule": "a terminal, or --pin-from"}
        ) from error
    before = termios.tcgetattr(terminal)
    silent = termios.tcgetattr(terminal)
    silent[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
        yield terminal
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        os.close(terminal)


def _line(terminal: int, seconds: float) -> bytes:
    """Read a line; raise Problem PIN_NOT_ENTERED after the time or at the end of input."""
    ready, _, _ = select.select([terminal], [], [], max(0.0, seconds))
    line = os.read(terminal, _LONGEST_LINE) if ready else b""
    if not line:
        raise Problem("PIN_NOT_ENTERED")
    return line.strip()
