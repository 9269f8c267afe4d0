"""The act of looking at a resident's cards; each look is in the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.references import (
    ByCode,
    ByNumber,
    CardReference,
    ReferenceTx,
    own,
    own_cards_of,
)
from juki_center.areas.cards.register import Card
from juki_center.areas.cards.window import Done, Found, Window, WindowTx, look
from juki_center.errors import Reason, Refusal


class LookTx(WindowTx, ReferenceTx, Protocol):
    """What looking at cards needs of a transaction."""


@dataclass(frozen=True, slots=True)
class GetCard:
    """Command: which cards a resident has, or how the one with a number is."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    card: CardReference = field(repr=False)


def get_card(tx: LookTx, command: GetCard, now: datetime, policy: CardPolicy) -> tuple[Card, ...]:
    """Return the card with a number, or all cards of a resident, newest first.

    Works whoever is disconnected. Raises Refusal with a reason that the proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)
    cards: list[Card] = []

    def act(found: Found) -> Done:
        match command.card:
            case ByCode(code):
                cards.extend(own_cards_of(tx, window, code))
            case ByNumber(number):
                cards.append(own(tx, window, found, tx.cards.by_number(number)))
        if not cards:
            raise Refusal(Reason.CARD_UNKNOWN)
        return Done(b"", Event.CARD_READ, subjects=(cards[0].person,), resource=cards[0].number)

    look(tx, window, act)
    return tuple(cards)
