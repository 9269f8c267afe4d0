"""The card of a drill: made for it, suspended in it, lapsed after it.

It belongs to nobody, so that no drill stops a resident's card, and none has to take a suspension
back: that takes a holder in person. Its row tells whose it was for ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.cards.batches import BatchTx, Origin, refuse_cut_off_batch
from juki_center.areas.cards.numbers import CHANCE_OCTETS, CardNumber
from juki_center.areas.cards.references import ENDED
from juki_center.areas.cards.register import Card, CardKind, CardStatus
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.states import ChangeStatus, StateTx, change_status
from juki_center.areas.days import day_in_japan
from juki_center.areas.ports import Chance
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID

OF_A_DRILL: Final = PersonID(b"a drill's card\x00\x00")
"""Who has the cards of drills: in no register, and never drawn for a person."""
_EVENT: Final = "MADE_FOR_A_DRILL"


class DrillTx(StateTx, BatchTx, Protocol):
    """What the card of a drill needs of a transaction."""

    @property
    def chance(self) -> Chance: ...


def enter_drill_card(
    tx: DrillTx, serial: bytes, municipality: MunicipalityCode, caller_uri: str, now: datetime
) -> Card:
    """Enter an active card, by its serial of 32 bytes, which is good until tomorrow.

    Raises Refusal(DISCONNECTED_CARD_BATCH) where cards of today are cut off.
    """
    today = day_in_japan(now)
    card = Card(
        serial=serial,
        person=OF_A_DRILL,
        kind=CardKind.RESIDENT,
        status=CardStatus.ACTIVE,
        municipality=municipality,
        valid_until=today + timedelta(days=1),
        number=CardNumber.drawn(tx.chance.octets(CHANCE_OCTETS)),
        made_on=today,
    )
    refuse_cut_off_batch(tx, Origin(today, None))
    tx.cards.add_card(card)
    tx.audit.append(
        AuditEvent(
            event=Event.CARD_STATUS_CHANGED,
            at=now,
            caller_uri=caller_uri,
            residence=municipality,
            subjects=(card.person,),
            resource=serial.hex(),
            details=(("event", _EVENT), ("status", card.status)),
        )
    )
    return card


def end_drill_cards(tx: StateTx, caller_uri: str, now: datetime) -> int:
    """Let the cards of all drills lapse that have not ended; return how many those were."""
    alive = [card for card in tx.cards.of_person(OF_A_DRILL) if card.status not in ENDED]
    for card in alive:
        change_status(tx, ChangeStatus(caller_uri, card.serial, CardEvent.HOLDER_GONE), now)
    return len(alive)
