"""Strict reading of deterministic CBOR: known keys, exact types, bounded lengths.

Only the maps and values that the signed content and the QR code are made of; what they mean is
in `content`, `envelope` and `qr`.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

import cbor2

from juki_terminal.paper.errors import ContentRefused

# Controls, invisible format and bidi characters, surrogates, private use, line separators: none
# of them has a picture on paper, so a reader could not tell two texts apart.
UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# The decoder also reads numbers and references behind tags, and what those raise is their own.
_UNREADABLE: Final = (
    cbor2.CBORError,
    ArithmeticError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
SPACES: Final = frozenset({"\u0020", "\u3000"})


def encode_canonical(value: object) -> bytes:
    """Return the deterministic CBOR of a value (RFC 8949, 4.2.1).

    The library sorts keys by length first (RFC 7049, 3.9). For the keys used here, text shorter
    than 24 bytes and small integers, that is the same order as the bytewise one of RFC 8949.
    """
    return cbor2.dumps(value, canonical=True)


def decode_canonical(octets: bytes, name: str) -> object:
    """Return the value of one deterministic CBOR item, refusing any other encoding of it.

    The decoder is more generous than the format (trailing bytes, long lengths, repeated keys,
    indefinite lengths), so the value is encoded again and must give the same octets.
    """
    try:
        stream = io.BytesIO(octets)
        value: object = cbor2.CBORDecoder(stream).decode()
        same = encode_canonical(value) == octets
    except _UNREADABLE as error:
        raise ContentRefused(name, "is not CBOR") from error
    if not same:
        raise ContentRefused(name, "is not in its deterministic encoding")
    return value


class Fields:
    """A decoded map, whose every key must be read exactly once; `done` refuses the others."""

    def __init__(self, name: str, value: object) -> None:
        if not isinstance(value, Mapping):
            raise ContentRefused(name, "is not a map")
        self._name = name
        self._left: dict[object, object] = dict(value)

    def _take(self, key: str, kind: type) -> object:
        if key not in self._left:
            raise ContentRefused(self._path(key), "is missing")
        value = self._left.pop(key)
        # Exactly this type: True would pass as an int, a tag as anything.
        if type(value) is not kind:
            raise ContentRefused(self._path(key), f"is not of type {kind.__name__}")
        return value

    def _path(self, key: str) -> str:
        return f"{self._name}.{key}"

    def mapping(self, key: str) -> dict[object, object]:
        """Return a map, still to be read with `Fields` of its own."""
        value = self._take(key, dict)
        assert isinstance(value, dict)  # for the type checker; _take has refused anything else
        return value

    def sequence(self, key: str, least: int, most: int) -> list[object]:
        """Return a list of `least` to `most` values."""
        value = self._take(key, list)
        assert isinstance(value, list)  # for the type checker
        if not least <= len(value) <= most:
            raise ContentRefused(self._path(key), f"has not {least} to {most} entries")
        return value

    def octets(self, key: str, size: int) -> bytes:
        """Return a byte string of exactly `size` bytes."""
        value = self._take(key, bytes)
        assert isinstance(value, bytes)  # for the type checker
        if len(value) != size:
            raise ContentRefused(self._path(key), f"is not {size} bytes long")
        return value

    def uint(self, key: str, least: int, most: int) -> int:
        """Return an integer from `least` to `most`."""
        value = self._take(key, int)
        assert isinstance(value, int)  # for the type checker
        if not least <= value <= most:
            raise ContentRefused(self._path(key), f"is not from {least} to {most}")
        return value

    def text(self, key: str, limit: int) -> str:
        """Return printable text of 1 to `limit` code points, exactly as it stands."""
        value = self._string(key)
        if not 1 <= len(value) <= limit:
            raise ContentRefused(self._path(key), f"has not 1 to {limit} characters")
        refused = sorted({f"U+{ord(c):04X}" for c in value if not _is_printable(c)})
        if refused:
            raise ContentRefused(self._path(key), f"has unprintable {', '.join(refused)}")
        return value

    def optional_text(self, key: str, limit: int) -> str | None:
        """Return printable text, or None where the key is absent."""
        return self.text(key, limit) if key in self._left else None

    def matching(self, key: str, pattern: re.Pattern[str]) -> str:
        """Return text that matches the pattern as a whole."""
        value = self._string(key)
        if pattern.fullmatch(value) is None:
            raise ContentRefused(self._path(key), "has not the form that docs/wire.md gives")
        return value

    def optional_matching(self, key: str, pattern: re.Pattern[str]) -> str | None:
        """Return matching text, or None where the key is absent."""
        return self.matching(key, pattern) if key in self._left else None

    def choice(self, key: str, among: tuple[str, ...]) -> str:
        """Return one of the given words."""
        value = self._string(key)
        if value not in among:
            raise ContentRefused(self._path(key), "is none of the words that docs/wire.md lists")
        return value

    def done(self) -> None:
        """Refuse what was not read, without naming it: an unknown key may hold anything."""
        if self._left:
            raise ContentRefused(self._name, f"has {len(self._left)} unknown or unasked-for keys")

    def _string(self, key: str) -> str:
        value = self._take(key, str)
        assert isinstance(value, str)  # for the type checker
        return value


def _is_printable(character: str) -> bool:
    kind = unicodedata.category(character)
    return character in SPACES if kind == "Zs" else kind not in UNPRINTABLE
