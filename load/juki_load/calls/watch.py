"""A terminal's stream that tells what it must know at once; it stays open and is mostly silent.

Where it ends, it is opened again as a terminal does it: with the cursor of what it has heard, after
the time that the center has told it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from juki_load.callers import NOT_CONNECTED
from juki_load.wire.header_blocks import DONE, Ending
from jukinet.fleet.v1 import terminal_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_load.callers import Caller
    from juki_load.wire.connection import Connection
    from juki_load.wire.streams import Stream

    Begun = Callable[[str], Callable[[Ending], None]]

PATH: Final = "/jukinet.fleet.v1.TerminalService/Watch"
ENDED_EARLY: Final = Ending(14, "STREAM_ENDED")
_UNTOLD_SECONDS: Final = 5.0


class Watch:
    """One stream that is kept open.

    As "watch" it counts as answered when its first message comes, and as shed or failed each time
    when it ends before the run does. What follows counts as "reconnect", from the end of one stream
    to the first message of the next.
    """

    def __init__(self, caller: Caller, begun: Begun) -> None:
        """`begun` notes a call of a kind that is due now, and returns who counts its end."""
        self._caller = caller
        self._begun = begun
        self._waiting: Callable[[Ending], None] | None = None
        self._line: tuple[Connection, Stream] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None
        self._last = NOT_CONNECTED
        self._cursor = 0
        self._told_seconds = _UNTOLD_SECONDS
        self._is_over = False

    async def open(self) -> None:
        """Open the stream for the first time."""
        self._waiting = self._begun("watch")
        await self._open()

    def close(self) -> None:
        """End it in order; what is not open again counts by what was said of it last."""
        self._is_over = True
        if self._again is not None:
            self._again.cancel()
        if self._line is not None:
            connection, stream = self._line
            connection.cancel(stream)
        if self._waiting is not None:
            self._waiting(self._last)

    def message(self, octets: bytes) -> None:
        """Count the first message as the answer, and keep what each says about coming back."""
        if self._waiting is not None:
            self._waiting(DONE)
            self._waiting = None
        told = pb.WatchResponse.FromString(octets)
        self._cursor = max(self._cursor, told.cursor)
        for settings in (told.welcome.configuration, told.configuration, told.heartbeat):
            if settings.HasField("reconnect_after"):
                self._told_seconds = settings.reconnect_after.ToTimedelta().total_seconds()

    def ended(self, ending: Ending) -> None:
        """Count an end that nobody asked for, and come back in time."""
        self._line = None
        if self._is_over:
            return
        self._last = ENDED_EARLY if ending.is_ok else ending
        if self._waiting is None:
            self._begun("watch")(self._last)
            self._waiting = self._begun("reconnect")
        told = self._last.retry_after_seconds
        wait = self._told_seconds if told is None else told
        self._again = asyncio.get_running_loop().call_later(wait, self._come_back)

    def _come_back(self) -> None:
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        line = await self._caller.open(PATH, self)
        if line is None:
            self.ended(NOT_CONNECTED)
        elif self._is_over:
            line[0].cancel(line[1])
        else:
            self._line = line
            request = pb.WatchRequest(cursor=self._cursor).SerializeToString()
            line[0].send(line[1], request, ends=True)
