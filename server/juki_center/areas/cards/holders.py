"""What happens to a person's cards and applications when something happens to the person."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.cards.application_ends import cancel_open
from juki_center.areas.cards.application_rows import Applications
from juki_center.areas.cards.application_rules import ApplicationEvent
from juki_center.areas.cards.rules import TRANSITIONS, CardEvent
from juki_center.areas.cards.states import ChangeStatus, StateTx, change_status
from juki_center.areas.residents.records import PersonID

_TO_APPLICATIONS: Final = {
    CardEvent.HOLDER_GONE: ApplicationEvent.HOLDER_GONE,
    CardEvent.CODE_CHANGED: ApplicationEvent.CODE_CHANGED,
}


class HolderTx(StateTx, Protocol):
    """What ending a person's cards needs of a transaction."""

    @property
    def applications(self) -> Applications: ...


def end_cards(
    tx: HolderTx, person: PersonID, event: CardEvent, *, caller_uri: str, now: datetime
) -> int:
    """End all cards of a person that the event still concerns; return how many there were.

    `event` is HOLDER_GONE or CODE_CHANGED; the person's open applications are cancelled by it too.
    A session that one of the cards has finished is worth nothing from then on: whoever uses a
    session looks at its card again. Needs no municipality's key.
    """
    cancel_open(tx, person, _TO_APPLICATIONS[event], caller_uri=caller_uri, now=now)
    concerned = [card for card in tx.cards.of_person(person) if (card.status, event) in TRANSITIONS]
    for card in concerned:
        change_status(tx, ChangeStatus(caller_uri, card.serial, event), now)
    return len(concerned)
