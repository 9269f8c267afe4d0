"""The pace of batches and imports: one slice of all of them at a time, and then as long a pause.

Slices and online requests share the store's one writer. No two slices stand in its queue together;
a slice that held the writer longer than its budget makes the next one shorter, so that whoever asks
online waits for a few lines at the most; and for as long as a slice has taken, the next one stays
away.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from juki_center.rpc.durable import durably

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Answer = TypeVar("Answer")

FEWEST_LINES: Final = 5
MOST_LINES: Final = 100
_BUDGET_SECONDS: Final = 0.005


class BatchPace:
    """Whose turn it is, and how many lines a slice has; one for all batches and imports."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._free_at = 0.0
        self.slice_lines = FEWEST_LINES

    async def run(self, slice_: Callable[[], Awaitable[Answer]]) -> Answer:
        """Run a slice when no other runs and the pause after the last one is over.

        A caller that is cancelled while its slice runs does not give up the turn before its end.
        """
        await self._turn.acquire()
        return await durably(self._in_turn(slice_))

    def learn(self, lines: int, held_seconds: float) -> None:
        """Hear how long a slice of so many lines has held the writer: the next one's size.

        It is the time of its own thread. What the slice waited for, the queue, the disk and other
        programs, does not depend on its size. The quick rest of a message says nothing of a whole
        slice.
        """
        if lines >= self.slice_lines or held_seconds > _BUDGET_SECONDS:
            self.slice_lines = following_lines(lines, held_seconds)

    async def _in_turn(self, slice_: Callable[[], Awaitable[Answer]]) -> Answer:
        loop = asyncio.get_running_loop()
        try:
            await asyncio.sleep(max(0.0, self._free_at - loop.time()))
            begun = loop.time()
            try:
                return await slice_()
            finally:
                ended = loop.time()
                self._free_at = ended + (ended - begun)
        finally:
            self._turn.release()


def following_lines(lines: int, seconds: float) -> int:
    """Return how many lines the slice after one of so many, and so long, may have.

    As many as fit the budget by that measure, at least half and at most twice as many as it had.

    >>> following_lines(40, 0.010), following_lines(40, 0.002), following_lines(5, 9.0)
    (20, 80, 5)
    """
    fitting = int(lines * _BUDGET_SECONDS / seconds) if seconds > 0 else MOST_LINES
    return max(FEWEST_LINES, lines // 2, min(fitting, 2 * lines, MOST_LINES))
