"""The act of applying for a card in place of one that is lost or handed in.

The old card ends in the transaction of the application: either both are written, or neither is.
A lost card is revoked for ever, also where somebody finds it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.application_codec import decode_reissued, encode_reissued
from juki_center.areas.cards.application_commands import HandedIn, Lost, ReissueCard, Reissued
from juki_center.areas.cards.application_rows import ApplicationKind
from juki_center.areas.cards.applications import ApplyTx, apply_for, facts_of, find_applicant
from juki_center.areas.cards.note_rows import CardNotes, NoteKind
from juki_center.areas.cards.notes import note_of
from juki_center.areas.cards.personalisations import FinishTx
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import Card, CardKind, CardStatus, Purpose
from juki_center.areas.cards.returns import take_back
from juki_center.areas.cards.rules import CardEvent, as_of
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.cards.states import moved
from juki_center.areas.cards.window import Done, Found, Window, once
from juki_center.areas.evidence import refuse_without_document
from juki_center.areas.residents.records import PersonID
from juki_center.errors import Reason, Refusal

_IN_HOLDERS_HANDS: Final = frozenset({CardStatus.ACTIVE, CardStatus.SUSPENDED})


class ReissueTx(ApplyTx, FinishTx, Protocol):
    """What a reissue needs of a transaction."""

    @property
    def card_notes(self) -> CardNotes: ...


def reissue_card(
    tx: ReissueTx, command: ReissueCard, now: datetime, policy: CardPolicy
) -> Reissued:
    """End the old card and enter an application for a new one.

    Raises Refusal with a reason that the proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        resident = find_applicant(tx, window, found, command.form)
        if tx.applications.open_of_person(resident.person):
            raise Refusal(Reason.APPLICATION_OPEN)
        old_card, kind = _ended(tx, window, resident.person, command)
        taken = apply_for(tx, window, resident, command.form, kind)
        return Done(
            encode_reissued(Reissued(taken, old_card)),
            Event.CARD_REISSUED,
            subjects=(resident.person,),
            resource=taken.application.number,
            details=(*facts_of(taken.application), ("old_card", old_card.number)),
        )

    return decode_reissued(once(tx, window, command, request_id=command.request_id, act=act))


def _ended(
    tx: ReissueTx, window: Window, person: PersonID, command: ReissueCard
) -> tuple[Card, ApplicationKind]:
    """End the old card; raise CARD_UNKNOWN where the applicant holds no such card.

    A card that is handed in shows itself. One that is only said to be lost ends for ever by these
    words, so that whoever says them must show a document, as for every other revocation.
    """
    match command.old_card:
        case Lost(reason, police_report):
            card = _held_by(tx, window, person)
            documents = command.form.documents
            refuse_without_document(documents)
            note = note_of(
                window,
                card,
                NoteKind.REVOKED,
                documents,
                reason=str(reason),
                police_report=police_report,
            )
            tx.card_notes.add(note)
            return moved(tx.cards, card, CardEvent.REVOKED), ApplicationKind.REISSUE
        case HandedIn(session_id):
            card = _shown(tx, window, person, session_id)
            tx.card_notes.add(note_of(window, card, NoteKind.RETURNED, chip_answered=True))
            returned = take_back(tx, card, window.terminal.uri, window.now)
            return returned, ApplicationKind.RENEWAL


def _held_by(tx: ReissueTx, window: Window, person: PersonID) -> Card:
    held = (card for card in tx.cards.of_person(person) if _is_held(card, window))
    card = next(held, None)
    if card is None:
        raise Refusal(Reason.CARD_UNKNOWN)
    return card


def _shown(tx: ReissueTx, window: Window, person: PersonID, session_id: bytes) -> Card:
    session = use_session(tx, session_id, window.terminal.uri, Purpose.CARD_CHECK, window.now)
    card = tx.cards.card(session.card_serial)
    if card is None or card.person != person or not _is_held(card, window):
        raise Refusal(Reason.CARD_UNKNOWN)
    return card


def _is_held(card: Card, window: Window) -> bool:
    is_resident_card = card.kind is CardKind.RESIDENT
    return is_resident_card and as_of(card, window.now).status in _IN_HOLDERS_HANDS
