"""A server of HTTP/2 by a library that is not ours, at the other end of a connection in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events

from juki_load.wire.connection import Connection
from juki_load.wire.header_blocks import Ending


@dataclass
class Heard:
    """A listener that keeps what it hears."""

    messages: list[bytes] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    def message(self, octets: bytes) -> None:
        self.messages.append(octets)

    def ended(self, ending: Ending) -> None:
        self.endings.append(ending)
        self.over.set()


class _Transport(asyncio.Transport):
    """Carries what the client writes to the judge at once."""

    def __init__(self, judge: Judge) -> None:
        super().__init__()
        self._judge = judge

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        self._judge.take(bytes(data))

    def close(self) -> None:
        self._judge.is_closed = True


class Judge:
    """The server's end. It raises for every octet that the client must not send."""

    def __init__(self) -> None:
        configuration = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.server = h2.connection.H2Connection(configuration)
        self.server.initiate_connection()
        self.client = Connection("center:7443")
        self.events: list[h2.events.Event] = []
        self.is_closed = False

    async def start(self) -> None:
        """Connect, and let both ends exchange their settings."""
        self.client.connection_made(_Transport(self))
        await self.settle()
        await self.client.ready()

    def take(self, octets: bytes) -> None:
        """Take what the client wrote; whatever is wrong with it is raised by the library."""
        self.events += self.server.receive_data(octets)

    def say(self) -> None:
        """Give the client what the server has to say."""
        octets = self.server.data_to_send()
        if octets:
            self.client.data_received(octets)

    async def settle(self) -> None:
        """Let both ends speak until neither has anything to say."""
        for _ in range(8):
            await asyncio.sleep(0)
            self.say()

    def of(self, kind: type[h2.events.Event]) -> list[h2.events.Event]:
        """The events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def headers(self) -> list[dict[str, str]]:
        """The fields of all requests."""
        return [
            dict(event.headers)
            for event in self.events
            if isinstance(event, h2.events.RequestReceived) and event.headers
        ]

    def body(self, stream: int) -> bytes:
        """What came on a stream so far."""
        return b"".join(
            bytes(event.data or b"")
            for event in self.events
            if isinstance(event, h2.events.DataReceived) and event.stream_id == stream
        )

    def answer(self, stream: int, message: bytes, *, status: str = "0") -> None:
        """Answer a call as gRPC does: headers, one message, trailers."""
        framed = b"\0" + len(message).to_bytes(4, "big") + message
        fields = [(":status", "200"), ("content-type", "application/grpc")]
        self.server.send_headers(stream, fields)
        self.server.send_data(stream, framed)
        self.server.send_headers(stream, [("grpc-status", status)], end_stream=True)
