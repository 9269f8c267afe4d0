"""One connection to a center: many calls at once, flow control, and everything that a peer may say.

    connection.call(path, message, listener)         # unary: the message is the whole request
    stream = connection.open(path, listener)         # a stream: send, finish, cancel
    connection.send(stream, message)

Nothing here waits. A call that the peer's limit of streams does not admit yet is kept, and sent
when there is room: its time runs on, because it was due.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, cast

from juki_load.wire import frames
from juki_load.wire.frames import ErrorCode, Flag, Frame, FrameError, Kind, Prebuilt, Setting
from juki_load.wire.header_blocks import Ending, Endings, RequestBlocks
from juki_load.wire.streams import Listener, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

_OWN_WINDOW: Final = 1 << 20
_OWN_CONNECTION_WINDOW: Final = 16 << 20
_UNAVAILABLE: Final = 14
_LAST_STREAM: Final = 2**31 - 1
LOST: Final = Ending(_UNAVAILABLE, "CONNECTION_LOST")
GOING_AWAY: Final = Ending(_UNAVAILABLE, "GOING_AWAY")
CANCELLED: Final = Ending(1, "CANCELLED")
NO_STATUS: Final = Ending(2, "NO_STATUS")
_RESET: Final = {
    ErrorCode.REFUSED_STREAM: Ending(_UNAVAILABLE, "REFUSED_STREAM"),
    ErrorCode.ENHANCE_YOUR_CALM: Ending(8, "ENHANCE_YOUR_CALM"),
    ErrorCode.CANCEL: CANCELLED,
}


class Connection(asyncio.Protocol):
    """The client's side of a connection; made by `dial`."""

    def __init__(self, authority: str, *, patience: str = "20S") -> None:
        """`authority` is what requests name as the server."""
        self.is_open = False
        self.pings = 0
        """How many pings of the peer were answered."""
        self._blocks = RequestBlocks(authority, patience)
        self._endings = Endings()
        self._prebuilt: dict[tuple[bytes, int], Prebuilt] = {}
        self._streams: dict[int, Stream] = {}
        self._waiting: deque[Callable[[], None]] = deque()
        self._blocked: dict[int, Stream] = {}
        self._next = 1
        self._most = 1 << 30
        self._is_going = False
        self._window = frames.DEFAULT_WINDOW
        self._stream_window = frames.DEFAULT_WINDOW
        self._largest = frames.LARGEST_DEFAULT_FRAME
        self._consumed = 0
        self._rest = b""
        self._headers: Frame | None = None
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._handlers = {
            Kind.DATA: self._on_data,
            Kind.HEADERS: self._on_headers,
            Kind.RST_STREAM: self._on_reset,
            Kind.SETTINGS: self._on_settings,
            Kind.PING: self._on_ping,
            Kind.GOAWAY: self._on_goaway,
            Kind.WINDOW_UPDATE: self._on_window_update,
        }

    @property
    def takes_calls(self) -> bool:
        """Whether new calls may be made."""
        return self.is_open and not self._is_going

    @property
    def under_way(self) -> int:
        """How many calls have not ended, those that wait for a stream with them."""
        return len(self._streams) + len(self._waiting)

    async def ready(self) -> None:
        """Return when the peer has sent its settings; raise ConnectionError where it hung up."""
        await self._ready

    def call(self, path: str, message: bytes, listener: Listener) -> None:
        """Make a unary call; the listener hears of the answer and of the end, always of the end."""
        if not self.takes_calls:
            listener.ended(LOST)
        elif len(self._streams) >= self._most:
            self._waiting.append(lambda: self.call(path, message, listener))
        else:
            self._request(path, message, listener)

    def open(self, path: str, listener: Listener) -> Stream | None:
        """Begin a stream; None where the connection takes no calls. Its limit is not waited for."""
        if not self.takes_calls or len(self._streams) >= self._most:
            return None
        stream = self._new_stream(listener)
        block = self._blocks.block(path, is_stream=True)
        self._write(frames.frame(Kind.HEADERS, Flag.END_HEADERS, stream.number, block))
        return stream

    def send(self, stream: Stream, message: bytes, *, ends: bool = False) -> None:
        """Send a message on a stream, as far as the peer's windows allow; the rest follows."""
        stream.queue.append((frames.message(message), ends))
        self._flush(stream)

    def finish(self, stream: Stream) -> None:
        """Say that no more messages come."""
        stream.queue.append((b"", True))
        self._flush(stream)

    def cancel(self, stream: Stream) -> None:
        """End a stream now; its listener hears of it."""
        if stream.number in self._streams:
            self._write(frames.rst_stream(stream.number, ErrorCode.CANCEL))
            self._end(stream, CANCELLED)

    def close(self) -> None:
        """Hang up in order; calls under way end as lost."""
        if self._transport is not None and self.is_open:
            self._write(frames.goaway(ErrorCode.NO_ERROR))
            self._hang_up()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: preface, settings, and a window that no answer fills."""
        # uvloop's transports do not inherit from asyncio's, and do the same.
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True
        wanted: dict[int, int] = {
            Setting.HEADER_TABLE_SIZE: 0,
            Setting.ENABLE_PUSH: 0,
            Setting.INITIAL_WINDOW_SIZE: _OWN_WINDOW,
        }
        more = _OWN_CONNECTION_WINDOW - frames.DEFAULT_WINDOW
        self._write(frames.PREFACE + frames.settings(wanted) + frames.window_update(0, more))

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  # asyncio's
        """End everything that was under way."""
        self.is_open = False
        if not self._ready.done():
            self._ready.set_exception(ConnectionResetError("the center hung up"))
        for stream in list(self._streams.values()):
            self._end(stream, LOST)
        self._release()

    def data_received(self, data: bytes) -> None:
        """Take what arrived, frame by frame; hang up where it is no HTTP/2."""
        octets = self._rest + data if self._rest else data
        behind = 0
        try:
            for received, end in frames.parted(octets):
                behind = end
                self._take(received)
        except FrameError:
            self._write(frames.goaway(ErrorCode.PROTOCOL_ERROR))
            self._hang_up()
            return
        self._rest = octets[behind:]

    def _take(self, received: Frame) -> None:
        if self._headers is not None:
            received = self._continued(self._headers, received)
        handler = self._handlers.get(received.kind)  # type: ignore[call-overload]  # an int is one
        if handler is not None:
            handler(received)

    def _continued(self, begun: Frame, received: Frame) -> Frame:
        """Join a header block that came in parts (RFC 9113, 6.10)."""
        if received.kind != Kind.CONTINUATION or received.stream != begun.stream:
            raise FrameError("a header block was interrupted")
        self._headers = None
        joined = frames.without_padding(begun) + received.payload
        flags = begun.flags & Flag.END_STREAM | received.flags & Flag.END_HEADERS
        return Frame(Kind.HEADERS, flags, begun.stream, joined)

    def _on_data(self, received: Frame) -> None:
        self._consume(len(received.payload))
        stream = self._streams.get(received.stream)
        if stream is None:
            return
        stream.arrived(frames.without_padding(received))
        if received.flags & Flag.END_STREAM:
            self._end(stream, NO_STATUS)
        elif received.stream in self._streams:
            self._consume_of(stream, len(received.payload))

    def _on_headers(self, received: Frame) -> None:
        if not received.flags & Flag.END_HEADERS:
            self._headers = received
            return
        ending = self._endings.read(frames.without_padding(received))
        stream = self._streams.get(received.stream)
        if stream is not None and received.flags & Flag.END_STREAM:
            self._end(stream, ending or NO_STATUS)

    def _on_reset(self, received: Frame) -> None:
        stream = self._streams.get(received.stream)
        if stream is not None:
            code = frames.word(received.payload)
            ending = next((e for known, e in _RESET.items() if known == code), NO_STATUS)
            # A server may end the other direction in order where it needs no more of ours.
            self._end(stream, ending)

    def _on_settings(self, received: Frame) -> None:
        if received.flags & Flag.ACK:
            return
        told = frames.parse_settings(received.payload)
        self._most = told.get(Setting.MAX_CONCURRENT_STREAMS, self._most)
        self._largest = told.get(Setting.MAX_FRAME_SIZE, self._largest)
        if Setting.HEADER_TABLE_SIZE in told:
            self._blocks.limit_table(told[Setting.HEADER_TABLE_SIZE])
        # The peer counts with its new windows from the acknowledgement on, so that goes first.
        self._write(frames.settings_ack())
        self._resize(told.get(Setting.INITIAL_WINDOW_SIZE, self._stream_window))
        if not self._ready.done():
            self._ready.set_result(None)
        self._release()

    def _resize(self, window: int) -> None:
        """Give open streams the difference between new and old window (RFC 9113, 6.9.2)."""
        if window > frames.LARGEST_WINDOW:
            raise FrameError("a window is too large")
        difference, self._stream_window = window - self._stream_window, window
        for stream in self._streams.values():
            stream.window += difference
        if difference > 0:
            self._flush_blocked()

    def _on_ping(self, received: Frame) -> None:
        if not received.flags & Flag.ACK:
            self.pings += 1
            self._write(frames.ping_ack(received.payload))

    def _on_goaway(self, received: Frame) -> None:
        """End what the peer will not look at; what it took up goes on."""
        self._is_going = True
        last = frames.word(received.payload) & _LAST_STREAM
        for stream in [one for one in self._streams.values() if one.number > last]:
            self._end(stream, GOING_AWAY)
        self._release()

    def _on_window_update(self, received: Frame) -> None:
        more = frames.word(received.payload) & frames.LARGEST_WINDOW
        stream = self._streams.get(received.stream)
        if not received.stream:
            self._window += more
            self._flush_blocked()
        elif stream is not None:
            stream.window += more
            self._flush(stream)

    def _request(self, path: str, message: bytes, listener: Listener) -> None:
        stream = self._new_stream(listener)
        size = len(message) + frames.MESSAGE_HEAD_SIZE
        block = self._blocks.block(path)
        if size > min(self._window, stream.window, self._largest):
            head = frames.frame(Kind.HEADERS, Flag.END_HEADERS, stream.number, block)
            self._write(head)
            self.send(stream, message, ends=True)
            return
        key = (block, len(message))
        prebuilt = self._prebuilt.get(key)
        if prebuilt is None:
            prebuilt = self._prebuilt[key] = Prebuilt.of(block, len(message))
        self._window -= size
        self._write(prebuilt.request(stream.number, message))

    def _new_stream(self, listener: Listener) -> Stream:
        stream = Stream(self._next, listener, self._stream_window)
        self._next += 2
        self._is_going = self._is_going or self._next >= _LAST_STREAM
        self._streams[stream.number] = stream
        return stream

    def _flush(self, stream: Stream) -> None:
        """Send what waits on a stream, as far as both windows allow."""
        while (part := stream.take(self._window)) is not None:
            octets, ends = part
            self._window -= len(octets)
            number, largest = stream.number, self._largest
            self._write(frames.data_frames(number, octets, largest=largest, ends=ends))
        if stream.queue:
            self._blocked[stream.number] = stream
        else:
            self._blocked.pop(stream.number, None)

    def _flush_blocked(self) -> None:
        for stream in list(self._blocked.values()):
            self._flush(stream)

    def _consume(self, octets: int) -> None:
        """Give the peer its window back, in large pieces."""
        self._consumed += octets
        if self._consumed >= _OWN_CONNECTION_WINDOW // 2:
            self._write(frames.window_update(0, self._consumed))
            self._consumed = 0

    def _consume_of(self, stream: Stream, octets: int) -> None:
        stream.consumed += octets
        if stream.consumed >= _OWN_WINDOW // 2:
            self._write(frames.window_update(stream.number, stream.consumed))
            stream.consumed = 0

    def _end(self, stream: Stream, ending: Ending) -> None:
        if self._streams.pop(stream.number, None) is None:
            return
        self._blocked.pop(stream.number, None)
        stream.listener.ended(ending)
        if self._waiting:
            self._release()

    def _release(self) -> None:
        """Make the calls that waited; where no more can be made, they end as lost."""
        while self._waiting and (not self.takes_calls or len(self._streams) < self._most):
            self._waiting.popleft()()

    def _write(self, octets: bytes) -> None:
        """Send with all else of this turn of the loop: a system call costs more than frames."""
        if not self._outgoing:
            self._loop.call_soon(self._write_out)
        self._outgoing.append(octets)

    def _write_out(self) -> None:
        octets, self._outgoing = b"".join(self._outgoing), []
        if self._transport is not None and self.is_open:
            self._transport.write(octets)

    def _hang_up(self) -> None:
        self._write_out()
        if self._transport is not None:
            self._transport.close()
