"""Sixteen octets as a code that a person can read out, type and mistype: groups with a check.

26 letters and digits carry the octets, two more a check over them and what the code is for, so that
a slip of the finger, or one code in the place of another, is found before anything is sent. The
alphabet is Crockford's: neither I, L, O nor U, and what looks like 1 or 0 is read as that.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final

from juki_pki.errors import CodeMistyped

OCTETS: Final = 16
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_CARRYING: Final = 26
_CHECKS: Final = 2
_GROUP: Final = 4
_PADDING_BITS: Final = 2


class Use(StrEnum):
    """What a code is for; one in the place of another is refused."""

    TOKEN = "token"  # noqa: S105  # the word, not a secret
    CENTER_MARK = "center mark"


def write_code(octets: bytes, use: Use) -> str:
    """Return 16 octets as seven groups of four.

    >>> write_code(bytes(16), Use.TOKEN)
    '0000-0000-0000-0000-0000-0000-002R'
    """
    if len(octets) != OCTETS:
        raise ValueError(f"{len(octets)} octets, a code carries {OCTETS}")
    number = int.from_bytes(octets, "big") << _PADDING_BITS
    letters = _letters(number, _CARRYING) + _check(octets, use)
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def read_code(text: str, use: Use) -> bytes:
    """Return the 16 octets of a code; raise CodeMistyped, which never repeats what was typed."""
    letters = text.strip().upper().translate(_ALIKE)
    if len(letters) != _CARRYING + _CHECKS or not all(one in _VALUES for one in letters):
        raise CodeMistyped(use.value)
    number = 0
    for letter in letters[:_CARRYING]:
        number = number * 32 + _VALUES[letter]
    octets = (number >> _PADDING_BITS).to_bytes(OCTETS, "big")
    if number & 0b11 or letters[_CARRYING:] != _check(octets, use):
        raise CodeMistyped(use.value)
    return octets


def _check(octets: bytes, use: Use) -> str:
    digest = hashlib.sha256(f"juki-net typed code v1 {use}\0".encode() + octets).digest()
    return _letters(int.from_bytes(digest[:2], "big") >> 6, _CHECKS)


def _letters(number: int, count: int) -> str:
    return "".join(_ALPHABET[number >> (5 * at) & 31] for at in range(count - 1, -1, -1))
