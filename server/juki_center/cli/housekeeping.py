"""What a running center forgets by itself: old answers, sessions, batches and provisions.

It runs when the center starts and then every hour, beside the calls and never in their way. What
is kept how long is decided in the areas.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from juki_center.areas.agencies.batch_rows import forget_old_batches
from juki_center.areas.agencies.provisions import forget_old_provisions
from juki_center.areas.cards.sessions import forget_old_sessions
from juki_center.areas.requests.answers import forget_old_answers
from juki_center.areas.residents.edit_locks import forget_old_locks
from juki_center.cli.reconciling import reconcile_all
from juki_center.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from juki_center.areas.ports import Store, Tx

logger = logging.getLogger(__name__)

CALLER_URI: Final = "juki://center/housekeeping"
"""Whom the log names for what no person has asked for."""
_PERIOD_SECONDS: Final = 3600.0


@contextlib.asynccontextmanager
async def housekeeping(store: Store, clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """Keep house until the block ends."""
    task = asyncio.create_task(keep_house(store, clock, _an_hour))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def keep_house(
    store: Store, clock: Callable[[], datetime], pause: Callable[[], Awaitable[None]]
) -> None:
    """Forget what is due, pause, and begin again."""
    while True:
        await forget(store, clock())
        await pause()


async def forget(store: Store, now: datetime) -> None:
    """Forget what is due now; a store that cannot be written is left to the next time."""

    def act(tx: Tx) -> None:
        forget_old_answers(tx, now)
        forget_old_sessions(tx, now)
        forget_old_batches(tx, now)
        forget_old_locks(tx, now)

    try:
        await store.act(act)
        while await store.act(lambda tx: forget_old_provisions(tx, now)):
            pass
        await reconcile_all(store, CALLER_URI, now)
    except Refusal as refusal:
        logger.warning("nothing forgotten: %s", refusal.reason)


async def _an_hour() -> None:
    await asyncio.sleep(_PERIOD_SECONDS)
