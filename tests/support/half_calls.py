"""Callers who say too little: connections that fall silent, and calls with half of a request."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass

ENROL = "/jukinet.fleet.v1.EnrollmentService/Enroll"
# Five octets of frame that announce a request of 256 octets, and four of those.
HALF = b"\x00" + (256).to_bytes(4, "big") + b"half"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS = 0, 1, 3, 4
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_REQUEST = (
    (":method", "POST"),
    (":scheme", "https"),
    (":path", ENROL),
    (":authority", "center"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
)


def _frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    """Write a frame (RFC 9113, 4.1)."""
    head = len(content).to_bytes(3, "big") + bytes((kind, flags))
    return head + stream.to_bytes(4, "big") + content


def _fields(pairs: tuple[tuple[str, str], ...]) -> bytes:
    """Write header fields as literals that nobody remembers (RFC 7541, 6.2.2)."""
    texts = ((name.encode(), value.encode()) for name, value in pairs)
    return b"".join(
        b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value for name, value in texts
    )


def _anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


@dataclass
class HalfCaller:
    """A connection over TLS from an address of this machine, driven frame by frame."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    next_stream: int = 1

    @classmethod
    async def silent(cls, port: int, source: str = "127.0.0.2") -> HalfCaller:
        """Complete TLS, and say nothing more."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=_anybody(), local_addr=(source, 0)
        )
        return cls(reader, writer)

    @classmethod
    async def connect(cls, port: int, source: str = "127.0.0.2") -> HalfCaller:
        """Connect, and say the preface of HTTP/2."""
        caller = await cls.silent(port, source)
        await caller._send(_PREFACE + _frame(_SETTINGS, 0, 0))
        return caller

    async def begin_call(self, octets: bytes = HALF) -> None:
        """Begin to enrol, send some octets of the request, and say nothing more."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        begun = _frame(_HEADERS, _END_HEADERS, stream, _fields(_REQUEST))
        await self._send(begun + (_frame(_DATA, 0, stream, octets) if octets else b""))

    async def begin_headers(self) -> None:
        """Begin the header of a call, and never end it."""
        await self._send(_frame(_HEADERS, 0, 1, _fields(_REQUEST[:2])))

    async def ended(self, calls: int) -> None:
        """Wait until so many calls have ended. Raises IncompleteReadError where all is over."""
        while calls:
            kind, flags = await self._next()
            is_end = kind == _RST_STREAM or (kind == _HEADERS and flags & _END_STREAM)
            calls -= 1 if is_end else 0

    async def closed(self) -> None:
        """Wait until the other side has closed the connection."""
        with suppress(ConnectionError, ssl.SSLError):
            while await self.reader.read(65_536):
                pass

    def close(self) -> None:
        """Close this side."""
        self.writer.close()

    async def _next(self) -> tuple[int, int]:
        head = await self.reader.readexactly(9)
        await self.reader.readexactly(int.from_bytes(head[:3], "big"))
        kind, flags = head[3], head[4]
        if kind == _SETTINGS and not flags & _ACK:
            await self._send(_frame(_SETTINGS, _ACK, 0))
        return kind, flags

    async def _send(self, octets: bytes) -> None:
        self.writer.write(octets)
        await self.writer.drain()
