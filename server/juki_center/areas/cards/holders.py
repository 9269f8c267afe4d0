"""What happens to a person's cards when something happens to the person."""

from __future__ import annotations

from datetime import datetime

from juki_center.areas.cards.rules import TRANSITIONS, CardEvent
from juki_center.areas.cards.states import ChangeStatus, StateTx, change_status
from juki_center.areas.residents.records import PersonID


def end_cards(
    tx: StateTx, person: PersonID, event: CardEvent, *, caller_uri: str, now: datetime
) -> int:
    """End all cards of a person that the event still concerns; return how many there were.

    A session that one of them has finished is worth nothing from then on: whoever uses a session
    looks at its card again.
    """
    concerned = [card for card in tx.cards.of_person(person) if (card.status, event) in TRANSITIONS]
    for card in concerned:
        change_status(tx, ChangeStatus(caller_uri, card.serial, event), now)
    return len(concerned)
