"""Frames of HTTP/2 as octets (RFC 9113, 4 and 6): what is sent, and how what arrives is parted.

Nothing here keeps a state or does I/O.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_SIZE: Final = 9
LARGEST_DEFAULT_FRAME: Final = 16_384
DEFAULT_WINDOW: Final = 65_535
LARGEST_WINDOW: Final = 2**31 - 1
MESSAGE_HEAD_SIZE: Final = 5
"""Compression flag and length before each message of gRPC."""

_HEAD: Final = struct.Struct(">BHBBL")
_WORD: Final = struct.Struct(">L")
_SETTING: Final = struct.Struct(">HL")
_STREAM_BITS: Final = 0x7FFF_FFFF


class Kind(IntEnum):
    """Kinds of frames (RFC 9113, 6)."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Flag:
    """Flags, plain numbers: an enumeration would cost as much as all the rest of a frame."""

    END_STREAM: Final = 0x1
    ACK: Final = 0x1
    END_HEADERS: Final = 0x4
    PADDED: Final = 0x8
    PRIORITY: Final = 0x20


class Setting(IntEnum):
    """Settings that matter here (RFC 9113, 6.5.2)."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5


class ErrorCode(IntEnum):
    """Error codes that are sent or told apart (RFC 9113, 7)."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    FLOW_CONTROL_ERROR = 3
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class FrameError(ValueError):
    """The peer sent what no frame of HTTP/2 is."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame that arrived."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: Kind, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame."""
    size = len(payload)
    return _HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def settings(values: Mapping[int, int]) -> bytes:
    """Return a SETTINGS frame."""
    payload = b"".join(_SETTING.pack(name, value) for name, value in values.items())
    return frame(Kind.SETTINGS, 0, 0, payload)


def parse_settings(payload: bytes) -> dict[int, int]:
    """Return the settings of a frame; raise FrameError for a length that is none."""
    if len(payload) % _SETTING.size:
        raise FrameError("SETTINGS: not a whole number of settings")
    return {name: value for name, value in _SETTING.iter_unpack(payload)}


def settings_ack() -> bytes:
    """Return the acknowledgement of the peer's settings."""
    return frame(Kind.SETTINGS, Flag.ACK, 0, b"")


def ping_ack(payload: bytes) -> bytes:
    """Return the answer to a PING."""
    return frame(Kind.PING, Flag.ACK, 0, payload)


def window_update(stream: int, octets: int) -> bytes:
    """Return leave for the peer to send so many octets more."""
    return frame(Kind.WINDOW_UPDATE, 0, stream, _WORD.pack(octets))


def rst_stream(stream: int, code: ErrorCode) -> bytes:
    """Return the end of one stream."""
    return frame(Kind.RST_STREAM, 0, stream, _WORD.pack(code))


def goaway(code: ErrorCode) -> bytes:
    """Return the end of the connection; no stream of the peer was ever open."""
    return frame(Kind.GOAWAY, 0, 0, _WORD.pack(0) + _WORD.pack(code))


def word(payload: bytes, offset: int = 0) -> int:
    """Return a number of 4 octets, without its reserved bit where it has one."""
    if len(payload) < offset + _WORD.size:
        raise FrameError("a frame is too short for its number")
    found: int = _WORD.unpack_from(payload, offset)[0]
    return found


def parted(octets: bytes, largest: int = LARGEST_DEFAULT_FRAME) -> Iterator[tuple[Frame, int]]:
    """Yield whole frames, each with the offset behind it; raise FrameError for one too large."""
    at, end = 0, len(octets)
    while end - at >= HEAD_SIZE:
        high, low, kind, flags, stream = _HEAD.unpack_from(octets, at)
        size = high << 16 | low
        if size > largest:
            raise FrameError("a frame is larger than allowed")
        behind = at + HEAD_SIZE + size
        if behind > end:
            return
        payload = octets[at + HEAD_SIZE : behind]
        yield Frame(kind, flags, stream & _STREAM_BITS, payload), behind
        at = behind


def without_padding(received: Frame) -> bytes:
    """Return the payload of DATA or HEADERS without padding and priority (RFC 9113, 6.1, 6.2)."""
    payload = received.payload
    start, stop = 0, len(payload)
    if received.flags & Flag.PADDED:
        if not payload or payload[0] >= stop:
            raise FrameError("padding is longer than its frame")
        start, stop = 1, stop - payload[0]
    if received.kind == Kind.HEADERS and received.flags & Flag.PRIORITY:
        start += 5
    if start > stop:
        raise FrameError("padding is longer than its frame")
    return payload[start:stop]


def message(octets: bytes) -> bytes:
    """Return a message of gRPC, uncompressed, with its head."""
    return b"\0" + _WORD.pack(len(octets)) + octets


def data_frames(stream: int, octets: bytes, *, largest: int, ends: bool) -> bytes:
    """Return DATA frames that carry all octets; the last ends the stream where that is wanted."""
    parts = [octets[at : at + largest] for at in range(0, len(octets), largest)] or [b""]
    last = len(parts) - 1
    return b"".join(
        frame(Kind.DATA, Flag.END_STREAM if ends and number == last else 0, stream, part)
        for number, part in enumerate(parts)
    )


@dataclass(frozen=True, slots=True)
class Prebuilt:
    """HEADERS and DATA of a whole unary request, of which only stream and message vary."""

    before: bytes
    between: bytes

    @classmethod
    def of(cls, block: bytes, message_size: int) -> Prebuilt:
        """Return the frames for a header block and messages of one size."""
        size = message_size + MESSAGE_HEAD_SIZE
        head = _HEAD.pack(len(block) >> 16, len(block) & 0xFFFF, Kind.HEADERS, Flag.END_HEADERS, 0)
        data = _HEAD.pack(size >> 16, size & 0xFFFF, Kind.DATA, Flag.END_STREAM, 0)
        return cls(head[:5], block + data[:5])

    def request(self, stream: int, octets: bytes) -> bytes:
        """Return the frames; the message must have the size that was named."""
        number = _WORD.pack(stream)
        head = b"\0" + _WORD.pack(len(octets))
        return b"".join((self.before, number, self.between, number, head, octets))
