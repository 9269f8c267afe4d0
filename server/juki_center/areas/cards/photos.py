"""Photos for a card: JPEG files, looked at segment by segment before anything decodes them.

What a file tells besides its picture (EXIF, thumbnails, comments, colour profiles, whatever stands
behind its end) is left out by writing the file anew from the segments that a decoder needs. The
picture's own data stays as it was: nothing is compressed a second time, and the same photo always
gives the same octets. Decoding is no matter of this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from juki_center.errors import Reason, Refusal

MOST_OCTETS: Final = 200 * 1024
LEAST_WIDTH, LEAST_HEIGHT = 413, 531
MOST_WIDTH, MOST_HEIGHT = 2_000, 2_600
# A progressive file has some ten scans; thousands of them would keep a decoder busy for minutes.
MOST_SCANS: Final = 64
# 35 mm to 45 mm, within 2 in 100.
_WIDE, _HIGH, _TOLERANCE = 35, 45, 2

_SOI, _EOI, _SOS, _DRI = 0xD8, 0xD9, 0xDA, 0xDD
_APP0, _APP1, _APP14 = 0xE0, 0xE1, 0xEE
# Quantisation and Huffman tables.
_TABLES: Final = frozenset({0xDB, 0xC4})
# Frames of Huffman-coded DCT: baseline, extended, progressive.
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})
# Frames that no window program writes: lossless, differential, arithmetic; and what goes with them.
_OTHER_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - _FRAMES - _TABLES
_LENGTH_OCTETS: Final = 2
_GREY_OR_COLOUR: Final = frozenset({1, 3})
_PLAIN_JFIF: Final = b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00"
_ADOBE: Final = b"Adobe"
_ADOBE_OCTETS: Final = 12
_EXIF: Final = b"Exif\x00\x00"
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = frozenset({0, 1})


@dataclass(frozen=True, slots=True)
class _Segment:
    """A marker, its parameters, and behind a start of scan the coded picture."""

    marker: int
    body: bytes = field(repr=False)
    coded: bytes = field(default=b"", repr=False)


def not_usable(rule: str) -> Refusal:
    """Return the refusal of a photo; the rule tells the clerk what to bring."""
    return Refusal(Reason.PHOTO_NOT_USABLE, rule=rule)


def stripped(octets: bytes) -> bytes:
    """Return the photo without anything but its picture.

    Raises Refusal, PHOTO_NOT_USABLE, with the rule: TOO_LARGE (before anything else is looked at),
    NOT_JPEG, DAMAGED, KIND_OF_JPEG, COLOURS, PIXELS, PROPORTION, TURNED, SCANS.
    """
    if len(octets) > MOST_OCTETS:
        raise not_usable("TOO_LARGE")
    if not octets.startswith(b"\xff\xd8\xff"):
        raise not_usable("NOT_JPEG")
    segments = list(_segments(octets))
    _check_frame([one for one in segments if one.marker in _FRAMES])
    scans = sum(one.marker == _SOS for one in segments)
    if not 1 <= scans <= MOST_SCANS:
        raise not_usable("SCANS")
    for one in segments:
        _refuse_turned(one)
    kept = (_kept(one) for one in segments)
    return b"\xff\xd8" + b"".join(one for one in kept if one) + b"\xff\xd9"


def _segments(octets: bytes) -> Iterator[_Segment]:
    """Give the segments between the start and the end of the image."""
    at = 2
    while True:
        marker, at = _marker(octets, at)
        if marker == _EOI:
            return
        body = _body(octets, at)
        at += _LENGTH_OCTETS + len(body)
        end = _end_of_coded(octets, at) if marker == _SOS else at
        yield _Segment(marker, body, octets[at:end])
        at = end


def _marker(octets: bytes, at: int) -> tuple[int, int]:
    """Return the marker that stands at a place, and the place behind it; filling is skipped."""
    if octets[at : at + 1] != b"\xff":
        raise not_usable("DAMAGED")
    while octets[at : at + 1] == b"\xff":
        at += 1
    marker = octets[at : at + 1]
    # Neither nothing, nor a stuffed octet, nor what has no parameters can stand here.
    if not marker or marker[0] <= 0x01 or 0xD0 <= marker[0] <= _SOI:
        raise not_usable("DAMAGED")
    if marker[0] in _OTHER_FRAMES:
        raise not_usable("KIND_OF_JPEG")
    return marker[0], at + 1


def _body(octets: bytes, at: int) -> bytes:
    length = int.from_bytes(octets[at : at + _LENGTH_OCTETS], "big")
    body = octets[at + _LENGTH_OCTETS : at + length]
    if length < _LENGTH_OCTETS or len(body) != length - _LENGTH_OCTETS:
        raise not_usable("DAMAGED")
    return body


def _end_of_coded(octets: bytes, at: int) -> int:
    """Return where the coded picture ends: at the next marker that is neither stuffed nor RST."""
    while True:
        at = octets.find(b"\xff", at)
        if at < 0 or at + 1 == len(octets):
            raise not_usable("DAMAGED")
        follower = octets[at + 1]
        if follower != 0 and not 0xD0 <= follower <= 0xD7:
            return at
        at += 2


def _check_frame(frames: list[_Segment]) -> None:
    if len(frames) != 1 or len(frames[0].body) < 6:
        raise not_usable("DAMAGED")
    body = frames[0].body
    if body[0] != 8:
        raise not_usable("KIND_OF_JPEG")
    # Four components are inks, of which every program makes other colours.
    if body[5] not in _GREY_OR_COLOUR:
        raise not_usable("COLOURS")
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    if not (LEAST_WIDTH <= width <= MOST_WIDTH and LEAST_HEIGHT <= height <= MOST_HEIGHT):
        raise not_usable("PIXELS")
    if abs(width * _HIGH - height * _WIDE) * 100 > height * _WIDE * _TOLERANCE:
        raise not_usable("PROPORTION")


def _refuse_turned(segment: _Segment) -> None:
    """Refuse a picture that only its metadata turns upright: it would be printed lying."""
    if segment.marker != _APP1 or not segment.body.startswith(_EXIF):
        return
    if _orientation(segment.body.removeprefix(_EXIF)) not in _UPRIGHT:
        raise not_usable("TURNED")


def _orientation(tiff: bytes) -> int:
    """Return the orientation of EXIF's first directory; 0 where it has none."""
    orders = {b"II": "little", b"MM": "big"}
    if tiff[:2] not in orders:
        return 0

    def number(at: int, size: int) -> int:
        piece = tiff[at : at + size]
        return int.from_bytes(piece, "little" if tiff[:2] == b"II" else "big")

    start = number(4, 4)
    entries = (start + 2 + 12 * index for index in range(min(number(start, 2), len(tiff) // 12)))
    return next((number(at + 8, 2) for at in entries if number(at, 2) == _ORIENTATION), 0)


def _kept(segment: _Segment) -> bytes:
    """Return what is written of a segment; nothing of one that a decoder does not need."""
    match segment.marker:
        case marker if marker in _TABLES or marker in _FRAMES or marker in {_DRI, _SOS}:
            body = segment.body
        case marker if marker == _APP0 and segment.body.startswith(b"JFIF\x00"):
            # It says how the colours are meant; its thumbnail is left out.
            body = _PLAIN_JFIF
        case marker if marker == _APP14 and _is_adobe(segment.body):
            body = segment.body[:_ADOBE_OCTETS]
        case _:
            return b""
    length = (len(body) + _LENGTH_OCTETS).to_bytes(_LENGTH_OCTETS, "big")
    return b"\xff" + bytes([segment.marker]) + length + body + segment.coded


def _is_adobe(body: bytes) -> bool:
    return body.startswith(_ADOBE) and len(body) >= _ADOBE_OCTETS
