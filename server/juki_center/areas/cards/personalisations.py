"""The end of making a card: a session over the CAN has proved that the chip is a card of ours."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.cards.application_rows import Applications, ApplicationState
from juki_center.areas.cards.personalisation_rows import Personalisations, PersonalisationState
from juki_center.areas.cards.register import Card, Cards
from juki_center.areas.cards.rules import CardEvent, after
from juki_center.errors import Reason, Refusal


class FinishTx(Protocol):
    """What finishing a card needs of a transaction."""

    @property
    def applications(self) -> Applications: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def personalisations(self) -> Personalisations: ...


def finish(tx: FinishTx, card: Card, caller_uri: str, now: datetime) -> None:
    """Write that a card was made: MAKING becomes MADE, its application READY.

    Needs no municipality's key. Raises Refusal(PERSONALISATION_NOT_FOUND) where nothing open has
    made the card, or its application has ended meanwhile, and NotAllowed for a card in another
    state.
    """
    made = tx.personalisations.of_card(card.serial)
    if made is None or made.state is not PersonalisationState.OPEN:
        raise Refusal(Reason.PERSONALISATION_NOT_FOUND)
    waiting = [
        one
        for one in tx.applications.open_of_person(card.person)
        if (one.number, one.state) == (made.application, ApplicationState.APPROVED)
    ]
    if not waiting:
        raise Refusal(Reason.PERSONALISATION_NOT_FOUND)
    status = after(card.status, CardEvent.PROVED)
    tx.cards.set_status(card.serial, status)
    tx.personalisations.end(made.personalisation_id, PersonalisationState.DONE, now)
    tx.applications.set_state(
        made.application, ApplicationState.READY, ended_at=None, end_reason=None
    )
    tx.audit.append(
        AuditEvent(
            event=Event.CARD_MADE,
            at=now,
            caller_uri=caller_uri,
            residence=card.municipality,
            subjects=(card.person,),
            resource=card.serial.hex(),
            details=(("status", status),),
        )
    )
