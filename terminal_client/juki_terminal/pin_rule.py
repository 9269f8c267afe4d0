"""Which PIN a resident may choose: four ASCII digits, none of the obvious ones.

Refused are one digit repeated, a rising or a falling sequence (9 and 0 are neighbours), and the
forms of the birth date, which come from the center as a list, so that the date itself never does.
The rule holds at the terminal alone: the center never sees a PIN.

>>> chosen_pin("2580")
Pin(***)
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from juki_card.passwords import Pin
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Collection

PIN_DIGITS: Final = 4
_STEPS: Final = {0: "repeated", 1: "sequence", 9: "sequence"}
"""What is wrong with a PIN in which each digit is the one before plus this, modulo ten."""


def chosen_pin(entry: str, forbidden: Collection[str] = ()) -> Pin:
    """Return the PIN of an entry.

    Raises Problem PIN_NOT_FOUR_DIGITS, or PIN_TOO_OBVIOUS with the rule that it breaks:
    `repeated`, `sequence` or `birth_date`.
    """
    if len(entry) != PIN_DIGITS or not (entry.isascii() and entry.isdigit()):
        raise Problem("PIN_NOT_FOUR_DIGITS")
    digits = [int(digit) for digit in entry]
    steps = {(after - before) % 10 for before, after in pairwise(digits)}
    rule = _STEPS.get(next(iter(steps))) if len(steps) == 1 else None
    if rule is None and entry in forbidden:
        rule = "birth_date"
    if rule is not None:
        raise Problem("PIN_TOO_OBVIOUS", {"rule": rule})
    return Pin(entry)
