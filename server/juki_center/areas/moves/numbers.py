"""The two numbers on a certificate of moving out: one names the move, the other opens it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from juki_center.areas.cards.numbers import PrintedNumber
from juki_center.errors import RuleBroken

CODE_CHANCE_OCTETS: Final = 16
_BODY: Final = 16
_LENGTH: Final = 18


class MoveNumber(PrintedNumber):
    """The number of a move: M and 12 digits."""

    __slots__ = ()
    prefix = "M"


@dataclass(frozen=True, slots=True)
class VerificationCode:
    """What a paper proves beyond its number: 16 random digits and 2 check digits (MOD 97-10).

    Raises RuleBroken, LENGTH, DIGITS or CHECK_DIGITS, when it is made.

    >>> VerificationCode("000000000000000195").is_same(VerificationCode("000000000000000195"))
    True
    """

    digits: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.digits) != _LENGTH:
            raise RuleBroken("LENGTH")
        if not (self.digits.isascii() and self.digits.isdecimal()):
            raise RuleBroken("DIGITS")
        if int(self.digits) % 97 != 1:
            raise RuleBroken("CHECK_DIGITS")

    @classmethod
    def drawn(cls, octets: bytes) -> VerificationCode:
        """Return the code that 16 random octets stand for."""
        body = int.from_bytes(octets, "big") % 10**_BODY
        return cls(f"{body:0{_BODY}d}{98 - body * 100 % 97:02d}")

    def is_same(self, other: VerificationCode) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.digits, other.digits)
