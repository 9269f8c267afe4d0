"""The bell that rings when there may be news for those who watch changes: one look for all of them.

News are notices that any process has appended, and municipalities that are connected again. A look
each quarter of a second finds them all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from juki_center.errors import Refusal
from juki_center.rpc.beside import going_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from juki_center.areas.ports import Store, Tx
    from juki_center.areas.residents.codes import MunicipalityCode

logger = logging.getLogger(__name__)

PERIOD_SECONDS: Final = 0.25


class ChangeBell:
    """Counts its rings, and wakes those who wait for the next one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rung = asyncio.Event()
        self._seen: tuple[int, frozenset[MunicipalityCode]] = (0, frozenset())
        self.rings = 0

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look at the store until the block ends."""
        async with going_on(self._watch()):
            yield

    async def wait_beyond(self, rings: int, seconds: float) -> bool:
        """Wait until it has rung oftener than `rings`; say whether it did in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.rings <= rings:
                    await self._rung.wait()
        return self.rings > rings

    async def _watch(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(PERIOD_SECONDS)

    def look(self) -> None:
        """Look once; a store that cannot be read is looked at again the next time."""
        try:
            seen = self._store.read(_look)
        except Refusal as refusal:
            logger.warning("no look at changes: %s", refusal.reason)
            return
        if seen != self._seen:
            self._seen = seen
            self.rings += 1
            self._rung.set()
            # Who waits from now on waits for the next ring.
            self._rung = asyncio.Event()


def _look(tx: Tx) -> tuple[int, frozenset[MunicipalityCode]]:
    return tx.changes.last_position(), tx.subscriptions.disconnected()
