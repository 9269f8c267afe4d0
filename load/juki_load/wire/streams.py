"""One call as it runs: what waits to be sent, what has arrived of a message, who hears of it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from juki_load.wire import frames

if TYPE_CHECKING:
    from juki_load.wire.header_blocks import Ending


class Listener(Protocol):
    """Who hears of a call. Neither method may raise, and neither may wait."""

    def message(self, octets: bytes) -> None:
        """Take a message of the center."""

    def ended(self, ending: Ending) -> None:
        """Take the end; nothing comes after it."""


class Stream:
    """The state of one stream."""

    __slots__ = ("buffer", "consumed", "is_half_closed", "listener", "number", "queue", "window")

    def __init__(self, number: int, listener: Listener, window: int) -> None:
        """A stream that may send `window` octets."""
        self.number = number
        self.listener = listener
        self.window = window
        self.queue: deque[tuple[bytes, bool]] = deque()
        self.buffer = b""
        self.consumed = 0
        self.is_half_closed = False

    def arrived(self, octets: bytes) -> None:
        """Take octets of DATA, and tell the listener of each whole message.

        Raises FrameError for a compressed message: none was asked for.
        """
        buffer = self.buffer + octets if self.buffer else octets
        while len(buffer) >= frames.MESSAGE_HEAD_SIZE:
            behind = frames.MESSAGE_HEAD_SIZE + frames.word(buffer, 1)
            if buffer[0]:
                raise frames.FrameError("a message is compressed")
            if len(buffer) < behind:
                break
            self.listener.message(buffer[frames.MESSAGE_HEAD_SIZE : behind])
            buffer = buffer[behind:]
        self.buffer = buffer

    def take(self, room: int) -> tuple[bytes, bool] | None:
        """Return the next octets that windows allow, and whether they end the stream."""
        if not self.queue:
            return None
        octets, ends = self.queue[0]
        allowed = min(room, self.window)
        if len(octets) <= allowed:
            self.queue.popleft()
            self.window -= len(octets)
            return octets, ends
        if allowed <= 0:
            return None
        self.queue[0] = (octets[allowed:], ends)
        self.window -= allowed
        return octets[:allowed], False
