"""What becomes of an application whose card ends before it is handed over."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from juki_center.areas.cards.personalisations import FinishTx, give_up
from juki_center.areas.cards.register import Card, CardStatus

_UNDELIVERED: Final = frozenset({CardStatus.MADE, CardStatus.HELD})


def make_another(tx: FinishTx, before: Card, caller_uri: str, now: datetime) -> None:
    """Let an application wait for another card, where its own has just ended undelivered.

    `before` is the card as it was. Does nothing where no open application waits for it. Needs no
    municipality's key.
    """
    if before.status not in _UNDELIVERED:
        return
    made = tx.personalisations.of_card(before.serial)
    waiting = {one.number for one in tx.applications.open_of_person(before.person)}
    if made is not None and made.application in waiting:
        give_up(tx, made, caller_uri, now)
