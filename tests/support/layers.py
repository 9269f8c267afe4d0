"""What lies folded in octets: hex, base64, escapes of a log, compressed streams; each is unfolded.

Unfolding is bounded, so that a stream made to burst cannot hold a search up.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Callable, Iterator

from tests.support.renderings import SHORTEST

DEPTH = 2
_PROBE = 16
STREAM_LIMIT = 16 << 20
TOTAL_LIMIT = 128 << 20
# A raw deflate stream has no header, so each offset is tried, but only in so much of a buffer.
RAW_LIMIT = 8 << 10

# What is unfolded stands in one buffer; this keeps two texts from becoming a third.
_BETWEEN = b"\x00\xff\x00"
_HEX = re.compile(rb"[0-9a-fA-F]{12,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*")
_PRINTABLE = re.compile(rb"[\t\r\n\x20-\x7e]{8,}")
_ESCAPE = re.compile(
    rb"\\x([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|((?:\\u[0-9a-fA-F]{4})+)|\\([0-3][0-7]{2})"
)
# RFC 1950, 2.2: method 8 with each window, a check of 31, no preset dictionary.
_ZLIB = re.compile(
    b"|".join(
        re.escape(bytes([method, flags]))
        for method in range(0x08, 0x80, 0x10)
        for flags in range(256)
        if not flags & 0x20 and (method << 8 | flags) % 31 == 0
    )
)
_GZIP = re.compile(rb"\x1f\x8b\x08")
_ZIP = re.compile(rb"PK\x03\x04.{4}\x08\x00.{16}(..)(..)", re.DOTALL)


def layers(octets: bytes, depth: int = DEPTH) -> Iterator[tuple[str, bytes]]:
    """Give the octets themselves under the name "", then all that lies folded in them by name.

    A name such as "base64 in zlib" is read from the inside: what was found lay in base64, and that
    lay in a zlib stream.
    """
    yield "", octets
    if depth == 0:
        return
    printed = _BETWEEN.join(_PRINTABLE.findall(octets))
    for name, unfold in UNFOLDINGS.items():
        inner = unfold(octets if unfold is from_streams else printed)
        if len(inner) < SHORTEST:
            continue
        for deeper, found in layers(inner, depth - 1):
            yield f"{deeper} in {name}" if deeper else name, found


def from_hex(printed: bytes) -> bytes:
    """Decode each run of hexadecimal digits, from its first digit and from its second."""
    runs = _HEX.findall(printed)
    shifted = (run[shift:] for run in runs for shift in (0, 1))
    return _BETWEEN.join(binascii.unhexlify(run[: len(run) // 2 * 2]) for run in shifted)


def from_base64(printed: bytes) -> bytes:
    """Decode each run of base64, plain or for URLs, in lines too, at each of its alignments."""
    return _BETWEEN.join(_base64_pieces(printed))


def from_escapes(printed: bytes) -> bytes:
    """Resolve the escapes of Python, JSON, URLs and protobuf's text form."""
    return _ESCAPE.sub(_unescaped, printed) if _ESCAPE.search(printed) else b""


def from_streams(octets: bytes) -> bytes:
    """Decompress every zlib and gzip stream, each member of a ZIP file, and raw deflate."""
    pieces, total = [], 0
    for piece in _streams(octets):
        pieces.append(piece)
        total += len(piece)
        if total > TOTAL_LIMIT:
            raise ValueError(f"more than {TOTAL_LIMIT} octets come out of {len(octets)}")
    return _BETWEEN.join(pieces)


def inflated(octets: bytes | memoryview, window: int) -> bytes:
    """Decompress what begins here, as far as it goes: a stream that breaks off gives its part.

    What is no stream betrays itself within the first octets, and gives nothing.
    """
    stream, out = zlib.decompressobj(window), list[bytes]()
    place, step, size = 0, _PROBE, 0
    while place < len(octets) and not stream.eof and size < STREAM_LIMIT:
        piece = octets[place : place + step]
        before = stream.copy() if place else None
        try:
            out.append(stream.decompress(piece, STREAM_LIMIT - size))
        except zlib.error:
            out.append(_octet_by_octet(before, piece) if before else b"")
            break
        size += len(out[-1])
        place, step = place + step, 64 << 10
    return b"".join(out)


def _octet_by_octet(stream: zlib._Decompress, octets: bytes | memoryview) -> bytes:
    out = bytearray()
    try:
        for place in range(len(octets)):
            out += stream.decompress(octets[place : place + 1])
    except zlib.error:
        pass  # the damaged place; what came out before it is searched
    return bytes(out)


def _streams(octets: bytes) -> Iterator[bytes]:
    view = memoryview(octets)
    starts = [(match.start(), zlib.MAX_WBITS) for match in _ZLIB.finditer(octets)]
    starts += [(match.start(), zlib.MAX_WBITS | 16) for match in _GZIP.finditer(octets)]
    starts += [(_after_names(match), -zlib.MAX_WBITS) for match in _ZIP.finditer(octets)]
    starts += [(place, -zlib.MAX_WBITS) for place in range(min(len(octets), RAW_LIMIT))]
    for place, window in starts:
        found = inflated(view[place:], window)
        if len(found) >= SHORTEST:
            yield found


def _after_names(header: re.Match[bytes]) -> int:
    return header.end() + sum(int.from_bytes(length, "little") for length in header.groups())


def _base64_pieces(printed: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(printed):
        run = match[0].translate(_STANDARD, b"\r\n")
        for shift in range(4):
            # A single character after the last whole four holds no octet.
            end = len(run) - ((len(run) - shift) % 4 == 1)
            yield binascii.a2b_base64(run[shift:end] + b"=" * (-(end - shift) % 4))


def _unescaped(match: re.Match[bytes]) -> bytes:
    octet, percent, units, octal = match.groups()
    if units:
        text = bytes.fromhex(units.decode().replace("\\u", "")).decode("utf-16-be", "replace")
        return text.encode("utf-8")
    return bytes([int(octal, 8) if octal else int(octet or percent, 16)])


_STANDARD = bytes.maketrans(b"-_", b"+/")
UNFOLDINGS: dict[str, Callable[[bytes], bytes]] = {
    "hex": from_hex,
    "base64": from_base64,
    "escapes": from_escapes,
    "zlib": from_streams,
}
