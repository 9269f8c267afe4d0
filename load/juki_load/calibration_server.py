"""A server of a known capacity: one clerk, who takes the same time for every call.

It speaks gRPC over plain HTTP/2 and answers each unary call with an empty message. Calls are
answered in the order in which they come, `capacity` a second and never faster: what `knee` finds
here is what is known.

    python -m juki_load.calibration_server 500    # prints its port
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final, cast

import uvloop
from hpack import Encoder

from juki_load.wire import frames
from juki_load.wire.frames import Flag, Frame, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

_WINDOW: Final = 1 << 20
_RETURNED: Final = 1 << 19
_NO_TABLE: Final = b"\x20"
"""The table has size 0, as the generator asks for (RFC 7541, 6.3)."""
# Sensitive fields are never put into a table: these blocks are good for every connection.
_HEADERS: Final = _NO_TABLE + Encoder().encode(
    ((":status", "200", True), ("content-type", "application/grpc", True))
)
_TRAILERS: Final = Encoder().encode((("grpc-status", "0", True),))


class Clerk:
    """Serves one call after the other, each for 1/capacity seconds."""

    def __init__(self, capacity: float) -> None:
        """`capacity` is in calls a second."""
        self._loop = asyncio.get_running_loop()
        self._seconds = 1 / capacity
        self._free_at = 0.0

    def serve(self, done: Callable[[], None]) -> None:
        """Serve a call behind those that wait; then call `done`."""
        self._free_at = max(self._free_at, self._loop.time()) + self._seconds
        self._loop.call_at(self._free_at, done)

    def stall(self, seconds: float) -> None:
        """Stand still, from now on if nobody waits."""
        self._free_at = max(self._free_at, self._loop.time()) + seconds


class ServedConnection(asyncio.Protocol):
    """The server's side of one connection."""

    def __init__(self, clerk: Clerk) -> None:
        """All connections share the clerk."""
        self._clerk = clerk
        self._rest = b""
        self._is_greeted = False
        self._consumed = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say the settings."""
        self._transport = cast("asyncio.Transport", transport)
        self._write(frames.settings({frames.Setting.INITIAL_WINDOW_SIZE: _WINDOW}))

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  # asyncio's
        """Write no more."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        octets = self._rest + data
        if not self._is_greeted:
            if len(octets) < len(frames.PREFACE):
                self._rest = octets
                return
            octets, self._is_greeted = octets[len(frames.PREFACE) :], True
        behind = 0
        for received, end in frames.parted(octets):
            behind = end
            self._take(received)
        self._rest = octets[behind:]

    def _take(self, received: Frame) -> None:
        match received.kind:
            case Kind.DATA:
                self._return_window(len(received.payload))
                if received.flags & Flag.END_STREAM:
                    self._clerk.serve(lambda: self._answer(received.stream))
            case Kind.SETTINGS if not received.flags & Flag.ACK:
                self._write(frames.settings_ack())
            case Kind.PING if not received.flags & Flag.ACK:
                self._write(frames.ping_ack(received.payload))
            case _:
                pass

    def _return_window(self, octets: int) -> None:
        self._consumed += octets
        if self._consumed >= _RETURNED // 16:
            self._write(frames.window_update(0, self._consumed))
            self._consumed = 0

    def _answer(self, stream: int) -> None:
        self._write(
            frames.frame(Kind.HEADERS, Flag.END_HEADERS, stream, _HEADERS)
            + frames.frame(Kind.DATA, 0, stream, frames.message(b""))
            + frames.frame(Kind.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, stream, _TRAILERS)
        )

    def _write(self, octets: bytes) -> None:
        if self._transport is not None:
            self._transport.write(octets)


async def listen(clerk: Clerk) -> tuple[asyncio.Server, int]:
    """Listen at a free port of the loopback; return the listener and the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ServedConnection(clerk), "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    return server, port


async def _serve(capacity: float) -> None:
    server, port = await listen(Clerk(capacity))
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(float(sys.argv[1])))
