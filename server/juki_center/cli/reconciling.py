"""Going through all cards that were begun and not finished, for the clock and for an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_center.areas.cards.personalisations import GIVEN_UP_AFTER, Reconciled, reconcile

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from juki_center.areas.ports import Store, Tx


async def reconcile_all(
    store: Store,
    caller_uri: str,
    now: datetime,
    *,
    older_than: timedelta = GIVEN_UP_AFTER,
    is_trial: bool = False,
) -> Reconciled:
    """Go through everything that is open, a page in a transaction; return all of it at once.

    Raises Refusal(STORE_UNAVAILABLE).
    """
    whole = Reconciled((), (), 0)
    while (after := whole.next_after) is not None:

        def look(tx: Tx, after: int = after) -> Reconciled:
            return reconcile(
                tx, caller_uri, now, older_than=older_than, after_cursor=after, is_trial=is_trial
            )

        page = store.read(look) if is_trial else await store.act(look)
        whole = Reconciled(whole.given_up + page.given_up, whole.left + page.left, page.next_after)
    return whole
