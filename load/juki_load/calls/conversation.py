"""A stream as a dialogue: send a message, wait for the center's next one."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from juki_load.callers import NOT_CONNECTED

if TYPE_CHECKING:
    from juki_load.callers import Caller
    from juki_load.wire.connection import Connection
    from juki_load.wire.header_blocks import Ending
    from juki_load.wire.streams import Stream


class Over(Exception):
    """The stream is over; `ending` says how."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.name)
        self.ending = ending


class Conversation:
    """One stream; made by `begin`."""

    def __init__(self) -> None:
        """Not begun yet."""
        self._messages: deque[bytes] = deque()
        self._ending: Ending | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._line: tuple[Connection, Stream] | None = None

    @classmethod
    async def begin(cls, caller: Caller, path: str) -> Conversation:
        """Open a stream; raise Over where there is no connection, or no room on it."""
        made = cls()
        made._line = await caller.open(path, made)
        if made._line is None:
            raise Over(NOT_CONNECTED)
        return made

    def message(self, octets: bytes) -> None:
        """Take a message of the center."""
        self._messages.append(octets)
        self._wake()

    def ended(self, ending: Ending) -> None:
        """Take the end."""
        self._ending = ending
        self._wake()

    def send(self, message: bytes) -> None:
        """Send a message."""
        if self._line is not None and self._ending is None:
            connection, stream = self._line
            connection.send(stream, message)

    def finish(self) -> None:
        """Say that no more messages come."""
        if self._line is not None and self._ending is None:
            connection, stream = self._line
            connection.finish(stream)

    def cancel(self) -> None:
        """End the stream now."""
        if self._line is not None and self._ending is None:
            connection, stream = self._line
            connection.cancel(stream)

    async def receive(self) -> bytes:
        """Return the center's next message; raise Over behind the last one."""
        while not self._messages:
            if self._ending is not None:
                raise Over(self._ending)
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._messages.popleft()

    async def end(self) -> Ending:
        """Return how the stream ends; messages that still come are let go."""
        while True:
            try:
                await self.receive()
            except Over as over:
                return over.ending

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
