"""Strict tag-length-value objects (ISO/IEC 7816-4, 6.3; DER length rules of ITU-T X.690).

Only definite, shortest lengths and tags of one to three octets are accepted, so that what parses
encodes back to the same octets. What a tag means is not here.

>>> encode(0x7F49, b"\\x86\\x00").hex()
'7f49028600'
>>> parse_one(bytes.fromhex("7f49028600")).tag == 0x7F49
True
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_card.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable

_MORE_TAG: Final = 0x1F
_LONG: Final = 0x80
_MAX_LENGTH_OCTETS: Final = 3
INTEGER: Final = 0x02
SEQUENCE: Final = 0x30
SET: Final = 0x31


@dataclass(frozen=True, slots=True)
class TLV:
    """One data object."""

    tag: int
    value: bytes

    def __repr__(self) -> str:
        """Show tag and length; the value may be secret."""
        return f"TLV({self.tag:X}, {len(self.value)} octets)"

    def encode(self) -> bytes:
        """Return the octets."""
        return encode(self.tag, self.value)


def encode(tag: int, value: bytes) -> bytes:
    """Return the octets of one data object."""
    length = len(value)
    head = tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")
    if length < _LONG:
        return head + bytes((length,)) + value
    size = (length.bit_length() + 7) // 8
    return head + bytes((_LONG | size,)) + length.to_bytes(size, "big") + value


def encode_all(objects: Iterable[TLV]) -> bytes:
    """Return the octets of data objects one after the other."""
    return b"".join(item.encode() for item in objects)


def split(octets: bytes) -> tuple[TLV, bytes]:
    """Return the first data object and what follows it; raise ParseError."""
    tag, start = _tag(octets)
    length, start = _length(octets, start)
    end = start + length
    if end > len(octets):
        raise ParseError(f"TLV {tag:X}: {length} octets announced, {len(octets) - start} there")
    return TLV(tag, octets[start:end]), octets[end:]


def announced_size(octets: bytes) -> int:
    """Return how long the first data object says it is, head included; raise ParseError."""
    _, start = _tag(octets)
    length, start = _length(octets, start)
    return start + length


def parse_all(octets: bytes, *, unique: bool = False) -> tuple[TLV, ...]:
    """Parse data objects up to the end; with `unique`, refuse a tag that comes twice."""
    found: list[TLV] = []
    rest = octets
    while rest:
        item, rest = split(rest)
        found.append(item)
    if unique and len({item.tag for item in found}) != len(found):
        raise ParseError("TLV: a tag comes twice")
    return tuple(found)


def parse_one(octets: bytes) -> TLV:
    """Parse exactly one data object; raise ParseError where octets follow it."""
    item, rest = split(octets)
    if rest:
        raise ParseError(f"TLV {item.tag:X}: {len(rest)} octets follow it")
    return item


def expect(octets: bytes, tag: int) -> bytes:
    """Return the value of the one data object in `octets`, which has this tag."""
    item = parse_one(octets)
    if item.tag != tag:
        raise ParseError(f"TLV: tag {item.tag:X} where {tag:X} belongs")
    return item.value


def take(octets: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the value of the first data object, which has this tag, and what follows it."""
    item, rest = split(octets)
    if item.tag != tag:
        raise ParseError(f"TLV: tag {item.tag:X} where {tag:X} belongs")
    return item.value, rest


def take_optional(octets: bytes, tag: int) -> tuple[bytes | None, bytes]:
    """Return the value of the first data object if it has this tag, and what follows it."""
    if not octets:
        return None, b""
    item, rest = split(octets)
    return (item.value, rest) if item.tag == tag else (None, octets)


def encode_integer(number: int) -> bytes:
    """Return a DER INTEGER; `number` is not negative (ITU-T X.690, 8.3)."""
    return encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def decode_integer(value: bytes) -> int:
    """Return the number in the value of a DER INTEGER; refuse negative and padded ones."""
    if not value or value[0] >= _LONG:
        raise ParseError("INTEGER: empty or negative")
    if len(value) > 1 and value[0] == 0 and value[1] < _LONG:
        raise ParseError("INTEGER: not the shortest form")
    return int.from_bytes(value, "big")


def _tag(octets: bytes) -> tuple[int, int]:
    if not octets:
        raise ParseError("TLV: nothing there")
    first = octets[0]
    if first in (0x00, 0xFF):
        raise ParseError("TLV: not a tag")
    if first & _MORE_TAG != _MORE_TAG:
        return first, 1
    return _long_tag(octets)


def _long_tag(octets: bytes) -> tuple[int, int]:
    second, third = octets[1:2], octets[2:3]
    if not second or second[0] < _MORE_TAG or second[0] == _LONG:
        raise ParseError("TLV: not the shortest tag, or cut off")
    if second[0] < _LONG:
        return int.from_bytes(octets[:2], "big"), 2
    if not third or third[0] >= _LONG:
        raise ParseError("TLV: tag is longer than three octets, or cut off")
    return int.from_bytes(octets[:3], "big"), 3


def _length(octets: bytes, start: int) -> tuple[int, int]:
    if start >= len(octets):
        raise ParseError("TLV: length is missing")
    first = octets[start]
    start += 1
    if first < _LONG:
        return first, start
    size = first & ~_LONG
    field = octets[start : start + size]
    if not 1 <= size <= _MAX_LENGTH_OCTETS or len(field) != size:
        raise ParseError("TLV: length is indefinite, too long or cut off")
    length = int.from_bytes(field, "big")
    if field[0] == 0 or length < _LONG:
        raise ParseError("TLV: not the shortest length")
    return length, start + size
