"""The pace of batches and imports: one slice of all of them at a time, then as long a pause.

Slices and online requests share the store's one writer. A slice is short, no two of them stand in
the queue together, and for as long as a slice has held the writer the next one stays away.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from juki_center.rpc.durable import durably

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Answer = TypeVar("Answer")


class BatchPace:
    """Whose turn it is; one for all batches and imports of a process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._free_at = 0.0

    async def run(self, slice_: Callable[[], Awaitable[Answer]]) -> Answer:
        """Run a slice when no other runs and the pause after the last one is over.

        A caller that is cancelled while its slice runs does not give up the turn before its end.
        """
        await self._turn.acquire()
        return await durably(self._in_turn(slice_))

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
