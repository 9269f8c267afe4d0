"""A terminal's stream that tells what it must know at once; it stays open and is mostly silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_load.callers import NOT_CONNECTED
from juki_load.wire.header_blocks import DONE, Ending
from jukinet.fleet.v1 import terminal_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_load.callers import Caller
    from juki_load.wire.connection import Connection
    from juki_load.wire.streams import Stream

PATH: Final = "/jukinet.fleet.v1.TerminalService/Watch"
_REQUEST: Final = pb.WatchRequest().SerializeToString()
ENDED_EARLY: Final = Ending(14, "STREAM_ENDED")


class Watch:
    """One open stream. It counts as answered when its first message comes, and as failed each time
    when it ends before the run does."""

    def __init__(self, caller: Caller, begun: Callable[[], Callable[[Ending], None]]) -> None:
        """`begun` notes a call that is due and returns who counts its end."""
        self._caller = caller
        self._begun = begun
        self._opened: Callable[[Ending], None] | None = None
        self._line: tuple[Connection, Stream] | None = None
        self._is_over = False

    async def open(self) -> None:
        """Open the stream."""
        self._opened = self._begun()
        self._line = await self._caller.open(PATH, self)
        if self._line is None:
            self._opened(NOT_CONNECTED)
            return
        connection, stream = self._line
        connection.send(stream, _REQUEST, ends=True)

    def close(self) -> None:
        """End it in order."""
        self._is_over = True
        if self._line is not None:
            connection, stream = self._line
            connection.cancel(stream)

    def message(self, octets: bytes) -> None:  # noqa: ARG002  # that something came is enough
        """Count the first message as the answer."""
        if self._opened is not None:
            self._opened(DONE)
            self._opened = None

    def ended(self, ending: Ending) -> None:
        """Count an end that nobody asked for."""
        if self._is_over:
            return
        ended = self._opened or self._begun()
        self._opened = None
        ended(ENDED_EARLY if ending.is_ok else ending)
