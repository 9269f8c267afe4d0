"""Where a new PIN comes from: typed twice by the holder, or two lines of a file for tests.

What may be chosen is decided in `pin_rule`. An entry that breaks the rule never reaches a card.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from juki_client.outcome import Problem
from juki_terminal.keyboard import DEVICE, Keyboard
from juki_terminal.pin import read_lines
from juki_terminal.pin_rule import chosen_pin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from juki_card.passwords import Pin
    from juki_terminal.keyboard import SilentLines


class NewPinSource(Protocol):
    """Somebody or something that chooses a PIN."""

    def ask(self, seconds: float) -> Pin:
        """Return the PIN that was entered twice and keeps the rule.

        Raises Problem PIN_NOT_ENTERED where none came within `seconds`, and where nobody can be
        asked again PIN_NOT_FOUR_DIGITS, PIN_TOO_OBVIOUS or PIN_ENTRIES_DIFFER.
        """
        ...


class FileNewPin:
    """A new PIN from the next two lines of a text; there is nobody to ask again."""

    def __init__(self, lines: list[str], forbidden: Collection[str] = ()) -> None:
        self._lines = lines
        self._forbidden = forbidden

    def __repr__(self) -> str:
        """Show nothing."""
        return "FileNewPin(***)"

    @classmethod
    def read(cls, source: str, forbidden: Collection[str] = ()) -> FileNewPin:
        """Read a file, or standard input for `-`; raise Problem USAGE_INVALID where it cannot."""
        return cls(read_lines(source, "new-pin-from"), forbidden)

    def ask(self, seconds: float) -> Pin:  # noqa: ARG002  # lines do not wait
        """Return the PIN of the next two lines."""
        if len(self._lines) < 2:
            raise Problem("PIN_NOT_ENTERED")
        return same_twice(self._lines.pop(0), self._lines.pop(0), self._forbidden)


@dataclass(frozen=True, slots=True)
class PromptNewPin:
    """Asks twice at the terminal device, without echo, until two entries fit or the time is over.

    `prompt` makes the text from whether it is the second entry, and from the problem with the
    entries before. `forbidden` are PINs that the center names, without saying why.
    """

    prompt: Callable[[bool, Problem | None], str]
    forbidden: Collection[str] = field(default=(), repr=False)
    device: str = DEVICE
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def ask(self, seconds: float) -> Pin:
        """Ask until a PIN was entered twice."""
        problem: Problem | None = None
        keyboard = Keyboard(self.device, "--new-pin-from", self.monotonic)
        with keyboard.silent(seconds) as lines:
            while True:
                try:
                    return self._asked(lines, problem)
                except Problem as found:
                    if found.reason == "PIN_NOT_ENTERED":
                        raise
                    lines.forget()
                    problem = found

    def _asked(self, lines: SilentLines, problem: Problem | None) -> Pin:
        """Ask once and, where that entry may be chosen, once more."""
        first = _entered(lines.ask(self.prompt(False, problem)))
        chosen_pin(first, self.forbidden)
        second = _entered(lines.ask(self.prompt(True, None)))
        return same_twice(first, second, self.forbidden)


def same_twice(first: str, second: str, forbidden: Collection[str] = ()) -> Pin:
    """Return the PIN of two entries.

    Raises Problem PIN_ENTRIES_DIFFER, and what `pin_rule.chosen_pin` raises of the first.
    """
    pin = chosen_pin(first, forbidden)
    if not hmac.compare_digest(first.encode("utf-8"), second.encode("utf-8")):
        raise Problem("PIN_ENTRIES_DIFFER")
    return pin


def _entered(line: str | None) -> str:
    if line is None:
        raise Problem("PIN_NOT_ENTERED")
    return line
