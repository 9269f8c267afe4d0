"""Where the card access number (CAN) comes from: the card's face, typed by the clerk, or a file.

The number is printed on the card, opens no data and has no counter. It is a password of the card
all the same, and is treated as the PIN is: no echo, no log, no trace.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from juki_card.errors import ParseError
from juki_card.passwords import Can
from juki_client.outcome import Problem
from juki_terminal.keyboard import DEVICE, Keyboard
from juki_terminal.pin import read_lines

if TYPE_CHECKING:
    from collections.abc import Callable


class CanSource(Protocol):
    """Somebody or something that gives the number from a card's face."""

    def ask(self, tries_left: int | None, seconds: float) -> Can:
        """Return the number; `tries_left` is always None, because nothing counts it.

        Raises Problem CARD_ACCESS_NUMBER_NOT_ENTERED where none came within `seconds`.
        """
        ...


class KnownCan:
    """A number that was typed before, for further steps with the same card; given once each."""

    def __init__(self, can: Can) -> None:
        self._left = [can]

    def __repr__(self) -> str:
        """Show nothing."""
        return "KnownCan(***)"

    def ask(self, tries_left: int | None, seconds: float) -> Can:  # noqa: ARG002  # it is known
        """Return the number; raise Problem CARD_ACCESS_NUMBER_NOT_ENTERED the second time."""
        if not self._left:
            raise Problem("CARD_ACCESS_NUMBER_NOT_ENTERED")
        return self._left.pop()


class FileCan:
    """Numbers from lines of text, one for each time that one is asked for."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def __repr__(self) -> str:
        """Show nothing."""
        return "FileCan(***)"

    @classmethod
    def read(cls, source: str) -> FileCan:
        """Read a file, or standard input for `-`; raise Problem USAGE_INVALID where it cannot."""
        return cls(read_lines(source, "can-from"))

    def ask(self, tries_left: int | None, seconds: float) -> Can:  # noqa: ARG002  # lines do not wait
        """Return the next line's number."""
        if not self._lines:
            raise Problem("CARD_ACCESS_NUMBER_NOT_ENTERED")
        try:
            return Can(self._lines.pop(0))
        except ParseError as error:
            raise Problem("USAGE_INVALID", {"field": "can-from", "rule": "6 digits"}) from error


@dataclass(frozen=True, slots=True)
class PromptCan:
    """Asks at the terminal device; `prompt` makes the text from whether the last had no form."""

    prompt: Callable[[bool], str]
    device: str = DEVICE
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def ask(self, tries_left: int | None, seconds: float) -> Can:  # noqa: ARG002  # nothing counts it
        """Ask until six digits were entered or the time is over."""
        malformed = False
        with Keyboard(self.device, "--can-from", self.monotonic).silent(seconds) as lines:
            while True:
                line = lines.ask(self.prompt(malformed))
                if line is None:
                    raise Problem("CARD_ACCESS_NUMBER_NOT_ENTERED")
                try:
                    return Can(line)
                except ParseError:
                    lines.forget()
                    malformed = True
