"""The end of a day for all moves: what is due is found, and done move by move.

One that cannot be ended, because its municipality is disconnected or by a defect, is left to the
next time, and keeps no other from its end.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from juki_center.errors import Reason, Refusal

if TYPE_CHECKING:
    from juki_center.areas.moves.day_end import Due, Round
    from juki_center.areas.moves.numbers import MoveNumber
    from juki_center.areas.moves.rows import Move
    from juki_center.areas.ports import Store

logger = logging.getLogger(__name__)

AT_ONCE: Final = 20
"""How many moves end beside each other, in one commit where the store can: no window waits long."""


async def end_day(store: Store, due: Due, this: Round) -> int:
    """End everything that is due; return how many moves that were.

    Raises Refusal(STORE_UNAVAILABLE).
    """
    ended, cursor = 0, 0
    while page := _page(store, due, this, cursor):
        outcomes = await asyncio.gather(
            *(_end_one(store, due, move.number, this) for _, move in page)
        )
        ended, cursor = ended + sum(outcomes), page[-1][0]
    return ended


def _page(store: Store, due: Due, this: Round, after: int) -> list[tuple[int, Move]]:
    return store.read(lambda tx: due.find(tx, this.now, after, AT_ONCE))


async def _end_one(store: Store, due: Due, number: MoveNumber, this: Round) -> bool:
    try:
        return await store.act(lambda tx: due.act(tx, number, this))
    except Refusal as refusal:
        if refusal.reason is Reason.STORE_UNAVAILABLE:
            raise
        logger.warning("move %s: left to the next time: %s", number, refusal.reason)
    except Exception as error:
        # Its text may quote a person's data: only its kind is told.
        logger.error("move %s: failed: %s", number, type(error).__name__)  # noqa: TRY400
    return False
