"""The act of taking a card back: handed in, found after a reissue, or damaged.

A card that has ended already stays what it is; that it was handed in is written beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from juki_center.areas.audit.events import Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.card_codec import decode_card, encode_card
from juki_center.areas.cards.note_rows import CardNotes, NoteKind
from juki_center.areas.cards.notes import note_of
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.personalisations import FinishTx
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.references import ReferenceTx, own, refuse_not_meant
from juki_center.areas.cards.register import Card, CardStatus, Purpose
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.cards.states import moved
from juki_center.areas.cards.undelivered import make_another
from juki_center.areas.cards.window import Done, Found, Window, WindowTx, once
from juki_center.errors import Reason, Refusal

_ENDED_IN_HOLDERS_HANDS: Final = frozenset({CardStatus.REVOKED, CardStatus.LAPSED})


class ReturnTx(WindowTx, ReferenceTx, FinishTx, Protocol):
    """What taking a card back needs of a transaction."""

    @property
    def card_notes(self) -> CardNotes: ...


@dataclass(frozen=True, slots=True)
class ByCheck:
    """The card that a finished session with purpose CARD_CHECK has shown; 16 bytes.

    `meant` is the card that the clerk named, so that a neighbour's in the reader is not taken.
    """

    session_id: bytes
    meant: CardNumber | None = None


@dataclass(frozen=True, slots=True)
class ByFace:
    """The card whose chip no longer answers, by the number on its face."""

    number: CardNumber


@dataclass(frozen=True, slots=True)
class ReturnCard:
    """Command: a card lies on the counter and is taken back."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    card: ByCheck | ByFace


def return_card(tx: ReturnTx, command: ReturnCard, now: datetime, policy: CardPolicy) -> Card:
    """Take a card back.

    Raises Refusal with a reason that the proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        card = own(tx, window, found, _shown(tx, window, command))
        if card.returned_at is not None:
            raise Refusal(Reason.ALREADY_RETURNED)
        returned = take_back(tx, card, window.terminal.uri, now)
        by_face = isinstance(command.card, ByFace)
        tx.card_notes.add(note_of(window, card, NoteKind.RETURNED, chip_answered=not by_face))
        return Done(
            encode_card(returned),
            Event.CARD_RETURNED,
            subjects=(card.person,),
            resource=card.number,
            details=(("status", returned.status),),
        )

    return decode_card(once(tx, window, command, request_id=command.request_id, act=act))


def take_back(tx: FinishTx, card: Card, caller_uri: str, now: datetime) -> Card:
    """Write that a card was handed in, and return it; an act that takes a card back calls this.

    An application that waited for it waits for another one. Raises NotAllowed.
    """
    if card.status not in _ENDED_IN_HOLDERS_HANDS:
        before, card = card, moved(tx.cards, card, CardEvent.HANDED_IN)
        make_another(tx, before, caller_uri, now)
    tx.cards.set_returned(card.serial, now)
    return replace(card, returned_at=now)


def _shown(tx: ReturnTx, window: Window, command: ReturnCard) -> Card | None:
    match command.card:
        case ByCheck(session_id, meant):
            session = use_session(
                tx, session_id, window.terminal.uri, Purpose.CARD_CHECK, window.now
            )
            card = tx.cards.card(session.card_serial)
            if card is not None:
                refuse_not_meant(card, meant, "expected_card_number")
            return card
        case ByFace(number):
            return tx.cards.by_number(number)
