"""What a running center does by itself: it forgets what is old, and ends the day for moves.

It runs when the center starts and then every hour, beside the calls and never in their way. What
is kept how long, and what is due, is decided in the areas.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final, Protocol

from juki_center.areas.agencies.batch_rows import forget_old_batches
from juki_center.areas.agencies.provisions import forget_old_provisions
from juki_center.areas.approvals.acts import forget_old_approvals
from juki_center.areas.cards.application_ends import end_overdue
from juki_center.areas.cards.continuations import lapse_overdue_continuations
from juki_center.areas.cards.retention import AT_ONCE, forget_due
from juki_center.areas.cards.sessions import forget_old_sessions
from juki_center.areas.cards.unlocks import give_up_old_unlocks
from juki_center.areas.copies.voids import forget_persons_of_copies
from juki_center.areas.days import day_in_japan
from juki_center.areas.fleet.control import forget_old_events
from juki_center.areas.moves.day_end import ARRIVALS, DEADLINES, DEPARTURES, TRANSFERS, Round
from juki_center.areas.moves.waiting import forget_old_fates
from juki_center.areas.open_days import is_open
from juki_center.areas.ports import Store
from juki_center.areas.requests.answers import forget_old_answers
from juki_center.areas.residents.edit_locks import forget_old_locks
from juki_center.cli.day_end import end_day
from juki_center.cli.reconciling import reconcile_all
from juki_center.errors import Refusal
from juki_center.rpc.beside import going_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from juki_center.areas.ports import Tx

logger = logging.getLogger(__name__)

CALLER_URI: Final = "juki://center/housekeeping"
"""Whom the log names for what no person has asked for."""
_PERIOD_SECONDS: Final = 3600.0


class KeptStore(Store, Protocol):
    """A store whose write-ahead log can be emptied."""

    def empty_log(self) -> bool:
        """Move the log into the database; tell whether that was possible."""


@contextlib.asynccontextmanager
async def housekeeping(store: KeptStore, clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """Keep house until the block ends."""
    async with going_on(keep_house(store, clock, _an_hour)):
        yield


async def keep_house(
    store: KeptStore, clock: Callable[[], datetime], pause: Callable[[], Awaitable[None]]
) -> None:
    """Forget what is due, pause, and begin again."""
    while True:
        await forget(store, clock())
        await pause()


async def forget(store: KeptStore, now: datetime) -> None:
    """Do every job that is due now; one that cannot be done is left to the next time.

    No job waits for another: a defect in one of them must not keep what the others delete.
    """
    for job in _JOBS:
        try:
            await job(store, now)
        except Refusal as refusal:
            logger.warning("%s: left to the next time: %s", job.__name__, refusal.reason)
        except Exception as error:
            # Its text may quote a person's data: only its kind is told.
            logger.error("%s: failed: %s", job.__name__, type(error).__name__)  # noqa: TRY400


async def load_calendars(_store: KeptStore, now: datetime) -> None:
    """Load the holidays of the year beside the calls, so that no deadline has to wait for them."""
    await asyncio.to_thread(is_open, day_in_japan(now))


async def forget_of_calls(store: KeptStore, now: datetime) -> None:
    """Forget old answers, sessions, batches, locks and others; give up old unlockings."""

    def act(tx: Tx) -> None:
        forget_old_answers(tx, now)
        forget_persons_of_copies(tx, now)
        forget_old_sessions(tx, now)
        forget_old_batches(tx, now)
        forget_old_locks(tx, now)
        forget_old_approvals(tx, now)
        give_up_old_unlocks(tx, now)
        forget_old_events(tx, now)
        forget_old_fates(tx, now)

    await store.act(act)


async def forget_of_agencies(store: KeptStore, now: datetime) -> None:
    """Delete the provisions that the law lets go."""
    while await store.act(lambda tx: forget_old_provisions(tx, now)):
        pass


async def give_up_making(store: KeptStore, now: datetime) -> None:
    """Give up the cards whose making nobody will finish."""
    await reconcile_all(store, CALLER_URI, now)


async def forget_of_cards(store: KeptStore, now: datetime) -> None:
    """End applications that nobody has answered, and delete what their retention rule ends.

    What is deleted is in none of the store's files afterwards, unless another process reads an
    older state just then. Raises Refusal(STORE_UNAVAILABLE).
    """
    while await store.act(lambda tx: _end_overdue(tx, now)):
        pass
    is_deleted = False
    while await store.act(lambda tx: forget_due(tx, now, caller_uri=CALLER_URI)):
        is_deleted = True
    if is_deleted:
        await asyncio.to_thread(store.empty_log)


async def depart(store: KeptStore, now: datetime) -> None:
    """Delete the records of those whose planned day has come."""
    await end_day(store, DEPARTURES, Round(now, CALLER_URI))


async def give_back_transfers(store: KeptStore, now: datetime) -> None:
    """Give back what destinations have fetched and never used."""
    await end_day(store, TRANSFERS, Round(now, CALLER_URI))


async def lapse_moves(store: KeptStore, now: datetime) -> None:
    """End the special case of moves whose last day is over."""
    await end_day(store, DEADLINES, Round(now, CALLER_URI))


async def miss_arrivals(store: KeptStore, now: datetime) -> None:
    """Tell the origins of those who have arrived nowhere."""
    await end_day(store, ARRIVALS, Round(now, CALLER_URI))


async def lapse_cards(store: KeptStore, now: datetime) -> None:
    """Write that cards have lapsed whose use was not continued in time."""
    while await store.act(lambda tx: _lapse_cards(tx, now)):
        pass


def _lapse_cards(tx: Tx, now: datetime) -> bool:
    lapsed = lapse_overdue_continuations(tx, now, limit=AT_ONCE, caller_uri=CALLER_URI)
    return lapsed == AT_ONCE


def _end_overdue(tx: Tx, now: datetime) -> bool:
    return end_overdue(tx, now, caller_uri=CALLER_URI, limit=AT_ONCE) == AT_ONCE


async def _an_hour() -> None:
    await asyncio.sleep(_PERIOD_SECONDS)


# What was given back may lapse in the same round.
_JOBS: Final = (
    forget_of_calls,
    load_calendars,
    depart,
    give_back_transfers,
    lapse_moves,
    miss_arrivals,
    lapse_cards,
    forget_of_agencies,
    give_up_making,
    forget_of_cards,
)
