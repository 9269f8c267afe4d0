"""The act of taking a suspension back: in person, with the card and two documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from juki_center.areas.audit.events import Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.admission import PROVE_THE_PIN
from juki_center.areas.cards.card_codec import decode_card, encode_card
from juki_center.areas.cards.note_rows import CardNotes, NoteKind
from juki_center.areas.cards.notes import note_of
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.references import (
    ReferenceTx,
    own,
    refuse_gone,
    refuse_not_meant,
)
from juki_center.areas.cards.register import Card, Purpose
from juki_center.areas.cards.rules import CardEvent, after, refuse_expired
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.cards.states import moved
from juki_center.areas.cards.window import Done, Found, Window, WindowTx, once
from juki_center.areas.evidence import IdentityDocument, refuse_without_two


class ResumeTx(WindowTx, ReferenceTx, Protocol):
    """What resuming a card needs of a transaction."""

    @property
    def card_notes(self) -> CardNotes: ...


@dataclass(frozen=True, slots=True)
class ResumeCard:
    """Command: the holder has come with the card, which `session_id`, 16 bytes, has shown."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    session_id: bytes
    documents: tuple[IdentityDocument, ...] = field(repr=False)
    card_number: CardNumber | None = None
    """The card that the clerk means, so that a neighbour's in the reader is not resumed."""


def resume_card(tx: ResumeTx, command: ResumeCard, now: datetime, policy: CardPolicy) -> Card:
    """Take a suspension back: the card is what it was before it was reported lost.

    Raises Refusal with a reason that the proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        terminal_uri = window.terminal.uri
        session = use_session(tx, command.session_id, terminal_uri, Purpose.CARD_CHECK, now)
        card = own(tx, window, found, tx.cards.card(session.card_serial))
        refuse_not_meant(card, command.card_number, "card_number")
        after(card.status, CardEvent.RESUMED)
        refuse_expired(card, now)
        refuse_without_two(command.documents)
        refuse_gone(tx, window, card.person)
        # A PIN that was typed before the loss does not come back to life with the card.
        tx.cards.use_up_sessions(card.serial, PROVE_THE_PIN)
        resumed = moved(tx.cards, card, CardEvent.RESUMED)
        tx.card_notes.add(note_of(window, card, NoteKind.RESUMED, command.documents))
        return Done(
            encode_card(resumed),
            Event.CARD_RESUMED,
            subjects=(card.person,),
            resource=card.number,
            details=(("status", resumed.status),),
        )

    return decode_card(once(tx, window, command, request_id=command.request_id, act=act))
