"""Work that one process does among several, and another takes over when that one has ended.

Whose turn it is, is settled by a lock that ends with its holder: on the database for what the
store needs, on a file for what the machine has once.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol

from juki_center.rpc.beside import going_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

logger = logging.getLogger(__name__)

PERIOD_SECONDS: Final = 1.0


class Turn(Protocol):
    """A lock that one process has at a time; for one thread at a time."""

    def take(self) -> bool:
        """Try to get it."""

    def holds(self) -> bool:
        """Whether it is still held."""

    def close(self) -> None:
        """Let it go."""


class FileTurn:
    """The turn of whoever has locked a file, among the processes of one machine."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Try to lock the file, which is made where it is missing. Raises OSError."""
        self.close()
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def holds(self) -> bool:
        """Whether it is still held: nobody can take it away."""
        return self._file is not None

    def close(self) -> None:
        """Let it go."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


@contextlib.asynccontextmanager
async def by_one(
    turn: Turn,
    work: Callable[[], AbstractAsyncContextManager[object]],
    period_seconds: float = PERIOD_SECONDS,
) -> AsyncIterator[None]:
    """Have `work` entered while it is this process's turn, until the block ends."""
    with ThreadPoolExecutor(1, "duty") as thread:
        duty = _Duty(turn, work, thread, period_seconds)
        try:
            async with going_on(duty.run()):
                yield
        finally:
            # The thread does one thing after the other: what it was asked before is over then.
            await duty.asked(turn.close)


class _Duty:
    def __init__(
        self,
        turn: Turn,
        work: Callable[[], AbstractAsyncContextManager[object]],
        thread: ThreadPoolExecutor,
        period_seconds: float,
    ) -> None:
        self._turn = turn
        self._work = work
        self._thread = thread
        self._period_seconds = period_seconds

    async def run(self) -> None:
        """Take the turn, work while it lasts, and begin again."""
        while True:
            try:
                await self._once()
            except Exception as error:
                # Its text may quote what a row holds: only its kind is told.
                logger.error("not on duty: %s", type(error).__name__)  # noqa: TRY400
            await asyncio.sleep(self._period_seconds)

    async def _once(self) -> None:
        if not await self.asked(self._turn.take):
            return
        async with self._work():
            while await self.asked(self._turn.holds):  # noqa: ASYNC110  # nothing tells a loss
                await asyncio.sleep(self._period_seconds)

    async def asked(self, question: Callable[[], bool | None]) -> bool:
        """Ask the turn beside the event loop, which it may keep waiting."""
        return bool(await asyncio.get_running_loop().run_in_executor(self._thread, question))
