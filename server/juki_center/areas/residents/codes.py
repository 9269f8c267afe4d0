"""Resident record codes and municipality codes: two check digits that only look alike.

Both are modulus 11 with weights from the right. They differ where the remainder is 0: the resident
record code then takes check digit 0, the municipality code takes 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import mul

from juki_center.errors import RuleBroken

_RESIDENT_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_MUNICIPALITY_WEIGHTS = (6, 5, 4, 3, 2)


@dataclass(frozen=True, slots=True)
class ResidentCode:
    """A resident record code: 11 decimal digits, leading zeros kept (Notification 436 of 2002).

    >>> ResidentCode("24727059608")
    ResidentCode(***)
    """

    digits: str

    def __post_init__(self) -> None:
        if len(self.digits) != 11 or not _decimal(self.digits):
            raise RuleBroken("ELEVEN_DIGITS")
        if self.digits == "0" * 11:
            # The sum is zero and the check digit fits, but no pool has ever held this code.
            raise RuleBroken("ALL_ZERO")
        if resident_check_digit(self.digits[:10]) != self.digits[10]:
            raise RuleBroken("INVALID_CHECK_DIGIT")

    def __repr__(self) -> str:
        return "ResidentCode(***)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True, order=True)
class MunicipalityCode:
    """A local public entity code: 6 decimal digits with check digit (JIS X 0402)."""

    digits: str

    def __post_init__(self) -> None:
        if len(self.digits) != 6 or not _decimal(self.digits):
            raise RuleBroken("SIX_DIGITS")
        if not (1 <= int(self.digits[:2]) <= 47 and 100 <= int(self.digits[2:5]) <= 799):
            raise RuleBroken("NO_MUNICIPALITY")
        if municipality_check_digit(self.digits[:5]) != self.digits[5]:
            raise RuleBroken("INVALID_CHECK_DIGIT")

    def __str__(self) -> str:
        return self.digits

    @property
    def prefecture(self) -> str:
        """Two digits, 01 to 47 (JIS X 0401)."""
        return self.digits[:2]


def resident_check_digit(body: str) -> str:
    """Return the check digit of a resident record code's 10 body digits.

    >>> resident_check_digit("2472705960")
    '8'
    """
    remainder = _weighted(body, _RESIDENT_WEIGHTS) % 11
    return "0" if remainder in {0, 1} else str(11 - remainder)


def municipality_check_digit(body: str) -> str:
    """Return the check digit of a municipality code's 5 body digits.

    >>> municipality_check_digit("11208")
    '9'
    """
    return str((11 - _weighted(body, _MUNICIPALITY_WEIGHTS) % 11) % 10)


def is_issuable(code: ResidentCode) -> bool:
    """Tell whether a pool may hand the code out.

    Bodies with remainder 0 are left out: the notice's rule for them could not be confirmed, and
    leaving them costs one body in eleven.
    """
    return _weighted(code.digits[:10], _RESIDENT_WEIGHTS) % 11 != 0


def _decimal(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _weighted(body: str, weights: tuple[int, ...]) -> int:
    if len(body) != len(weights):
        raise ValueError("a body of another length has no check digit")
    return sum(map(mul, map(int, body), weights))
