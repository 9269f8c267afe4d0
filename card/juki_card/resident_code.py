"""EF.DG1: the resident record code, the only personal datum on the chip.

Whether a code's check digit is right is a rule of the register and not asked here.
"""

from __future__ import annotations

from typing import Final

from juki_card import tlv
from juki_card.errors import ParseError

_DG1: Final = 0x61
_NUMERIC_STRING: Final = 0x12
_DIGITS: Final = 11


def encode_dg1(resident_code: str) -> bytes:
    """Return 61 0D 12 0B and the 11 digits; raise ParseError where they are not 11 digits."""
    if not (len(resident_code) == _DIGITS and resident_code.isascii() and resident_code.isdigit()):
        raise ParseError("EF.DG1: a resident record code has 11 ASCII digits")
    return tlv.encode(_DG1, tlv.encode(_NUMERIC_STRING, resident_code.encode("ascii")))


def decode_dg1(octets: bytes) -> str:
    """Return the 11 digits of EF.DG1; raise ParseError, which never shows them."""
    digits = tlv.expect(tlv.expect(octets, _DG1), _NUMERIC_STRING)
    if len(digits) != _DIGITS or not digits.isdigit():
        raise ParseError("EF.DG1: a resident record code has 11 ASCII digits")
    return digits.decode("ascii")
