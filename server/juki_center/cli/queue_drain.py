"""Applies what has waited at a municipality that is connected or released, beside the calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from juki_center.areas.fleet.queued_updates import apply_waiting
from juki_center.areas.fleet.queues import QueueState
from juki_center.cli.housekeeping import CALLER_URI
from juki_center.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from juki_center.areas.fleet.queued_updates import Round
    from juki_center.areas.ports import Store
    from juki_center.areas.residents.codes import MunicipalityCode

logger = logging.getLogger(__name__)

PERIOD_SECONDS: Final = 0.5


@contextlib.asynccontextmanager
async def draining(store: Store, clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """Look for what is to be applied until the block ends."""
    task = asyncio.create_task(_drain(store, clock))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _drain(store: Store, clock: Callable[[], datetime]) -> None:
    while True:
        await drain(store, clock)
        await asyncio.sleep(PERIOD_SECONDS)


async def drain(store: Store, clock: Callable[[], datetime]) -> None:
    """Apply everything that waits and may be applied; one register's trouble stops no other."""
    try:
        queues = store.read(lambda tx: tx.queues.every())
    except Refusal as refusal:
        logger.warning("no look at queues: %s", refusal.reason)
        return
    for queue in queues:
        if queue.state is QueueState.RELEASING:
            await _drain_one(store, clock, queue.municipality)


async def _drain_one(
    store: Store, clock: Callable[[], datetime], municipality: MunicipalityCode
) -> None:
    try:
        while this := await _round(store, clock(), municipality):
            if this.refused:
                logger.warning(
                    "%s: %d of those that waited are refused", municipality, this.refused
                )
            if this.is_over:
                return
    except Refusal as refusal:
        logger.warning("%s: what waits is left to the next time: %s", municipality, refusal.reason)
    except Exception as error:
        # Its text may quote a person's data: only its kind is told.
        logger.error("%s: what waits failed: %s", municipality, type(error).__name__)  # noqa: TRY400


async def _round(store: Store, now: datetime, municipality: MunicipalityCode) -> Round | None:
    return await store.act(lambda tx: apply_waiting(tx, municipality, now, caller_uri=CALLER_URI))
