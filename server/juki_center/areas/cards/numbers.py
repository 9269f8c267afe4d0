"""Numbers that people read to each other: of cards, applications, letters, and more elsewhere.

Ten random digits and two check digits (ISO/IEC 7064, MOD 97-10), which find every wrong digit and
every two that were exchanged. They tell nothing about anybody, and no volume.
"""

from __future__ import annotations

from typing import Final, Self

from juki_center.errors import RuleBroken

CHANCE_OCTETS: Final = 8
_BODY: Final = 10
_LENGTH: Final = 12


class PrintedNumber(str):
    """A number with a prefix, checked when it is made."""

    __slots__ = ()
    prefix = ""

    def __new__(cls, text: str) -> Self:
        """Check a number; raise RuleBroken, LENGTH, DIGITS or CHECK_DIGITS."""
        digits = text.removeprefix(cls.prefix)
        if len(text) != len(cls.prefix) + _LENGTH or len(digits) != _LENGTH:
            raise RuleBroken("LENGTH")
        if not (digits.isascii() and digits.isdecimal()):
            raise RuleBroken("DIGITS")
        if int(digits) % 97 != 1:
            raise RuleBroken("CHECK_DIGITS")
        return super().__new__(cls, text)

    @classmethod
    def drawn(cls, octets: bytes) -> Self:
        """Return the number that 8 random octets stand for."""
        body = int.from_bytes(octets, "big") % 10**_BODY
        check = 98 - body * 100 % 97
        return cls(f"{cls.prefix}{body:0{_BODY}d}{check:02d}")


class CardNumber(PrintedNumber):
    """The number on a card's face, 12 digits.

    >>> CardNumber.drawn(bytes(7) + b"\\x01")
    '000000000195'
    """

    __slots__ = ()


class ApplicationNumber(PrintedNumber):
    """The number of an application for a card: A and 12 digits."""

    __slots__ = ()
    prefix = "A"


class LetterNumber(PrintedNumber):
    """The number of an inquiry letter: L and 12 digits."""

    __slots__ = ()
    prefix = "L"
