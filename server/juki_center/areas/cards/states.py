"""The act of changing a card's state: suspend, resume, revoke."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.cards.register import Card, Cards
from juki_center.areas.cards.rules import CardEvent, after
from juki_center.errors import Reason, Refusal


class StateTx(Protocol):
    """What changing a card's state needs of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def cards(self) -> Cards: ...


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    """Command: something happened to a card; `serial` is 32 bytes."""

    caller_uri: str
    serial: bytes
    event: CardEvent


def change_status(tx: StateTx, command: ChangeStatus, now: datetime) -> Card:
    """Change a card's state by the transition table, and return the card.

    Works on the card register alone, so that a card can be suspended whatever is disconnected.
    Raises Refusal(CARD_UNKNOWN) and NotAllowed.
    """
    card = tx.cards.card(command.serial)
    if card is None:
        raise Refusal(Reason.CARD_UNKNOWN)
    changed = moved(tx.cards, card, command.event)
    tx.audit.append(
        AuditEvent(
            event=Event.CARD_STATUS_CHANGED,
            at=now,
            caller_uri=command.caller_uri,
            residence=card.municipality,
            subjects=(card.person,),
            resource=card.serial.hex(),
            details=(("event", command.event), ("status", changed.status)),
        )
    )
    return changed


def moved(cards: Cards, card: Card, event: CardEvent) -> Card:
    """Write what an event makes of a card, and return it; the caller's own leaf tells of it.

    Raises NotAllowed.
    """
    changed = replace(card, status=after(card.status, event))
    cards.set_status(card.serial, changed.status)
    return changed
