"""The acts of ending a card for ever: at the residence's window, or by an operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from juki_center.areas.audit.events import Event
from juki_center.areas.callers import Operator, Terminal
from juki_center.areas.cards.card_codec import decode_card, encode_card
from juki_center.areas.cards.note_rows import CardNote, CardNotes, NoteKind
from juki_center.areas.cards.notes import note_of
from juki_center.areas.cards.personalisations import FinishTx
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.references import CardReference, ReferenceTx, find_own_card
from juki_center.areas.cards.register import Card
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.states import ChangeStatus, change_status, moved
from juki_center.areas.cards.undelivered import make_another
from juki_center.areas.cards.window import Done, Found, Window, WindowTx, once
from juki_center.areas.evidence import IdentityDocument, refuse_without_document
from juki_center.errors import Reason, Refusal


class RevokeTx(WindowTx, ReferenceTx, FinishTx, Protocol):
    """What ending a card needs of a transaction."""

    @property
    def card_notes(self) -> CardNotes: ...


@dataclass(frozen=True, slots=True)
class RevokeCard:
    """Command: the holder wants a card to end."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    card: CardReference = field(repr=False)
    documents: tuple[IdentityDocument, ...] = field(repr=False)


def revoke_card(tx: RevokeTx, command: RevokeCard, now: datetime, policy: CardPolicy) -> Card:
    """End a card for ever; an application that waited for it waits for another one.

    Raises Refusal with a reason that the proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        card = find_own_card(tx, window, found, command.card)
        refuse_without_document(command.documents)
        revoked = moved(tx.cards, card, CardEvent.REVOKED)
        make_another(tx, card, window.terminal.uri, now)
        tx.card_notes.add(note_of(window, card, NoteKind.REVOKED, command.documents))
        return Done(
            encode_card(revoked), Event.CARD_REVOKED, subjects=(card.person,), resource=card.number
        )

    return decode_card(once(tx, window, command, request_id=command.request_id, act=act))


@dataclass(frozen=True, slots=True)
class RevokeAtStore:
    """Command: an operator ends a card, a clerk's too; `serial` is 32 bytes."""

    operator: Operator
    clerk_name: str = field(repr=False)
    serial: bytes


def revoke_at_store(tx: RevokeTx, command: RevokeAtStore, now: datetime) -> Card:
    """End a card for ever, whoever is disconnected.

    Raises Refusal: CLERK_NAME_REQUIRED, CARD_UNKNOWN; and NotAllowed.
    """
    if not command.clerk_name.strip():
        raise Refusal(Reason.CLERK_NAME_REQUIRED)
    before = tx.cards.card(command.serial)
    uri = command.operator.uri
    revoked = change_status(tx, ChangeStatus(uri, command.serial, CardEvent.REVOKED), now)
    if before is not None:
        make_another(tx, before, uri, now)
    facts: dict[str, object] = {"clerk": command.clerk_name, "documents": []}
    tx.card_notes.add(
        CardNote(revoked.serial, now, NoteKind.REVOKED, revoked.municipality, uri, facts)
    )
    return revoked
