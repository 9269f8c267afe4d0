"""Numbers that clerks type from papers: of applications, letters and cards.

Their two check digits (ISO/IEC 7064, MOD 97-10) find a slip before it is sent: a letter number that
is wrong ends an application.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Final

from juki_client.outcome import Problem

_DIGITS: Final = 12


class NumberKind(StrEnum):
    """What a number names, by the letter before its digits."""

    APPLICATION = "A"
    LETTER = "L"
    CARD = ""


def read_number(text: str, kind: NumberKind, field: str) -> str:
    """Return a number as the center writes it; spaces, hyphens, width and case do not matter.

    Raises Problem USAGE_INVALID naming the field.

    >>> read_number("ａ0000-0000-0195", NumberKind.APPLICATION, "application_number")
    'A000000000195'
    """
    folded = unicodedata.normalize("NFKC", text).upper()
    plain = "".join(character for character in folded if character not in " -")
    digits = plain.removeprefix(kind.value)
    is_whole = len(digits) == _DIGITS and digits.isascii() and digits.isdecimal()
    if not plain.startswith(kind.value) or not is_whole:
        raise Problem("USAGE_INVALID", {"field": field, "rule": f"{kind.value}123456789012"})
    if int(digits) % 97 != 1:
        raise Problem("USAGE_INVALID", {"field": field, "rule": "CHECK_DIGITS"})
    return kind.value + digits
