"""The ways in which a text can lie in a file or on a wire, to be searched for.

A search proves something only if it finds what was planted: see `found_in`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "shift_jis", "cp932", "euc_jp")
# A shorter form stands in megabytes of random bytes, such as sealed records, by mere chance.
SHORTEST = 6


def renderings(text: str) -> dict[str, bytes]:
    """Return each form of the text, by name.

    An encoding that lacks a character is left out, and so is a form that is too short to mean
    anything where it is found.
    """
    return {name: form for name, form in _forms(text) if len(form) >= SHORTEST}


def found_in(octets: bytes, text: str) -> list[str]:
    """Return the names of the forms of `text` that occur in `octets`."""
    return [name for name, form in renderings(text).items() if form in octets]


def encoded(text: str) -> Iterator[tuple[str, bytes]]:
    """Give the text in every encoding that has all its characters."""
    for encoding in ENCODINGS:
        try:
            yield encoding, text.encode(encoding)
        except UnicodeEncodeError:
            continue


def _forms(text: str) -> Iterator[tuple[str, bytes]]:
    for encoding, plain in encoded(text):
        yield encoding, plain
        yield f"{encoding} hex", plain.hex().encode("ascii")
        yield f"{encoding} HEX", plain.hex().upper().encode("ascii")
        for shift in range(3):
            yield f"{encoding} base64+{shift}", _base64_core(plain, shift)


def _base64_core(plain: bytes, shift: int) -> bytes:
    """Return the characters of base64 that do not depend on what stands around the text."""
    whole = base64.b64encode(bytes(shift) + plain)
    first = -(-shift * 8 // 6)
    last = (shift + len(plain)) * 8 // 6
    return whole[first:last]
