"""Numbers that clerks type from papers: of applications, letters, cards and moves.

Their two check digits (ISO/IEC 7064, MOD 97-10) find a slip before it is sent: a letter number that
is wrong ends an application.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final

from juki_client.outcome import Problem

_DIGITS: Final = 12
_CODE_DIGITS: Final = 18


class NumberKind(StrEnum):
    """What a number names, by the letter before its digits."""

    APPLICATION = "A"
    LETTER = "L"
    CARD = ""
    MOVE = "M"


def read_number(text: str, kind: NumberKind, field: str) -> str:
    """Return a number as the center writes it; spaces, hyphens, width and case do not matter.

    Raises Problem USAGE_INVALID naming the field.

    >>> read_number("ａ0000-0000-0195", NumberKind.APPLICATION, "application_number")
    'A000000000195'
    """
    plain = _plain(text)
    digits = plain.removeprefix(kind.value)
    if not plain.startswith(kind.value) or not _are_digits(digits, _DIGITS):
        raise Problem("USAGE_INVALID", {"field": field, "rule": f"{kind.value}123456789012"})
    _require_check_digits(digits, field)
    return kind.value + digits


def read_verification_code(text: str, field: str) -> str:
    """Return the second number of a certificate of moving out, 18 digits, without its spaces.

    Raises Problem USAGE_INVALID naming the field.

    >>> read_verification_code("0000 0000 0000 0001 95", "verification_code")
    '000000000000000195'
    """
    digits = _plain(text)
    if not _are_digits(digits, _CODE_DIGITS):
        raise Problem("USAGE_INVALID", {"field": field, "rule": "18 digits"})
    _require_check_digits(digits, field)
    return digits


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).upper()
    return "".join(character for character in folded if character not in " -")


def _are_digits(text: str, count: int) -> bool:
    return len(text) == count and text.isascii() and text.isdecimal()


def _require_check_digits(digits: str, field: str) -> None:
    if int(digits) % 97 != 1:
        raise Problem("USAGE_INVALID", {"field": field, "rule": "CHECK_DIGITS"})
