"""Applies and delivers what has waited at a municipality that is connected or released, beside the
calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final

from juki_center.areas.fleet.queued_updates import apply_waiting
from juki_center.areas.fleet.queues import QueueState
from juki_center.areas.moves.deliveries import deliver_next
from juki_center.cli.housekeeping import CALLER_URI
from juki_center.errors import Refusal
from juki_center.rpc.beside import going_on
from juki_center.rpc.metrics import QueueLength

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from juki_center.areas.fleet.queued_updates import Round
    from juki_center.areas.moves.deliveries import Delivery
    from juki_center.areas.moves.waiting_rows import NoticeQueue
    from juki_center.areas.ports import Store
    from juki_center.areas.residents.codes import MunicipalityCode
    from juki_center.rpc.metrics import Metrics

logger = logging.getLogger(__name__)

PERIOD_SECONDS: Final = 0.5


@contextlib.asynccontextmanager
async def draining(store: Store, clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """Look for what is to be applied until the block ends."""
    async with going_on(_drain(store, clock)):
        yield


def measure_queues(store: Store, clock: Callable[[], datetime], metrics: Metrics) -> None:
    """Tell with each reading of the metrics what waits."""
    metrics.tell_queues(lambda: _lengths(store, clock()))


def _lengths(store: Store, now: datetime) -> list[QueueLength]:
    """Return what waits; nothing where the store cannot be read, so that the others are told."""
    try:
        queues, updates = store.read(lambda tx: (tx.notices.every(), tx.queues.every()))
    except Refusal:
        return []
    return [
        *(
            QueueLength(
                "notices", str(one.municipality), one.waiting, one.set_aside, _age(one, now)
            )
            for one in queues
        ),
        *(QueueLength("updates", str(one.municipality), one.held) for one in updates),
    ]


def _age(queue: NoticeQueue, now: datetime) -> float:
    return 0.0 if queue.oldest is None else (now - queue.oldest).total_seconds()


async def _drain(store: Store, clock: Callable[[], datetime]) -> None:
    while True:
        await drain(store, clock)
        await asyncio.sleep(PERIOD_SECONDS)


async def drain(store: Store, clock: Callable[[], datetime]) -> None:
    """Apply and deliver everything that may be; one register's trouble stops no other.

    Notices of other offices are delivered first, and under a quarantine too: that keeps back what
    the municipality's own system says, and nothing else.
    """
    try:
        queues, offices = store.read(lambda tx: (tx.queues.every(), tx.notices.delivering()))
    except Refusal as refusal:
        logger.warning("no look at queues: %s", refusal.reason)
        return
    for municipality in offices:
        await _guarded(municipality, _deliver(store, clock, municipality))
    for queue in queues:
        if queue.state is QueueState.RELEASING:
            await _guarded(queue.municipality, _apply(store, clock, queue.municipality))


async def _deliver(
    store: Store, clock: Callable[[], datetime], municipality: MunicipalityCode
) -> None:
    while delivery := await _delivery(store, clock(), municipality):
        if delivery.rule:
            logger.error("%s: a notice was set aside: %s", municipality, delivery.rule)


async def _delivery(store: Store, now: datetime, municipality: MunicipalityCode) -> Delivery | None:
    return await store.act(lambda tx: deliver_next(tx, municipality, now, caller_uri=CALLER_URI))


async def _apply(
    store: Store, clock: Callable[[], datetime], municipality: MunicipalityCode
) -> None:
    while this := await _round(store, clock(), municipality):
        if this.refused:
            logger.warning("%s: %d of those that waited are refused", municipality, this.refused)
        if this.is_over:
            return


async def _guarded(municipality: MunicipalityCode, work: Awaitable[None]) -> None:
    try:
        await work
    except Refusal as refusal:
        logger.warning("%s: what waits is left to the next time: %s", municipality, refusal.reason)
    except Exception as error:
        # Its text may quote a person's data: only its kind is told.
        logger.error("%s: what waits failed: %s", municipality, type(error).__name__)  # noqa: TRY400


async def _round(store: Store, now: datetime, municipality: MunicipalityCode) -> Round | None:
    return await store.act(lambda tx: apply_waiting(tx, municipality, now, caller_uri=CALLER_URI))
