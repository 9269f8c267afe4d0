"""Handing a card over: opened by the clerk, ended by the card's own proof of its new PIN.

Until that proof the card is of no use to anybody; with it, the application, the card, the fee and
the session change in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

import cbor2

from juki_center.areas.audit.events import Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.application_reads import find_application
from juki_center.areas.cards.application_rows import Application, ApplicationState, Fee
from juki_center.areas.cards.application_rules import ApplicationEvent, after
from juki_center.areas.cards.birth_pins import birth_pins
from juki_center.areas.cards.card_codec import decode_card, encode_card
from juki_center.areas.cards.making import MakingTx
from juki_center.areas.cards.note_rows import CardNotes, NoteKind
from juki_center.areas.cards.notes import note_of
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber
from juki_center.areas.cards.personalisation_rows import Personalisation
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.references import refuse_gone
from juki_center.areas.cards.register import Card, CardStatus, Purpose
from juki_center.areas.cards.rules import REFUSED, CardEvent, refuse_expired
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.cards.states import moved
from juki_center.areas.cards.window import Done, Found, Window, look, once
from juki_center.areas.evidence import IdentityDocument, refuse_without_document
from juki_center.errors import NotAllowed, Reason, Refusal
from juki_center.rule_sets import RuleSet


class HandOverTx(MakingTx, Protocol):
    """What handing a card over needs of a transaction."""

    @property
    def card_notes(self) -> CardNotes: ...


@dataclass(frozen=True, slots=True)
class BeginHandOver:
    """Command: somebody has come for a card and shown these documents."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    application: ApplicationNumber
    documents: tuple[IdentityDocument, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HandOverBegun:
    """What the terminal needs to let the holder set a PIN. `transport_pin` is 5 digits."""

    card_number: CardNumber
    transport_pin: str = field(repr=False)
    forbidden_pins: tuple[str, ...] = field(repr=False)
    fee_yen: int


@dataclass(frozen=True, slots=True)
class HandOver:
    """Command: the card has proved its new PIN in a session, 16 bytes, and the fee is taken."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    application: ApplicationNumber
    session_id: bytes
    fee_yen: int


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The application at its end, and the card."""

    application: Application
    card: Card


def begin_hand_over(
    tx: HandOverTx, command: BeginHandOver, now: datetime, policy: CardPolicy
) -> HandOverBegun:
    """Open a hand-over; nothing changes, so that it may be opened again after a cut.

    By which documents the applicant was identified is noted: they answer for who has the card.
    Raises Refusal with a reason that the proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)
    begun: list[HandOverBegun] = []

    def act(found: Found) -> Done:
        application = _waiting(tx, window, found, command.application)
        _refuse_unidentified(window, application, command.documents)
        made, card = _ready(tx, window, application)
        if made.secrets is None:
            raise Refusal(Reason.CARD_REVOKED)
        tx.card_notes.add(note_of(window, card, NoteKind.HAND_OVER_BEGUN, command.documents))
        birth = tx.residents.resident(application.person).record.birth
        begun.append(
            HandOverBegun(
                card.number, made.secrets.transport_pin, birth_pins(birth), policy.fee_yen
            )
        )
        return Done(
            b"", Event.HAND_OVER_BEGUN, subjects=(card.person,), resource=application.number
        )

    look(tx, window, act)
    return begun[0]


def hand_over(tx: HandOverTx, command: HandOver, now: datetime, policy: CardPolicy) -> HandedOver:
    """Hand a card over: it is ACTIVE, its application DELIVERED, the fee is in the ledger.

    Consumes the session, which must be of the application's own card. Raises Refusal with a reason
    that the proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        application = _waiting(tx, window, found, command.application)
        if command.fee_yen != policy.fee_yen:
            raise Refusal(Reason.FEE_NOT_AS_SET, feeYen=str(policy.fee_yen))
        made, card = _ready(tx, window, application)
        session = use_session(tx, command.session_id, window.terminal.uri, Purpose.PIN_PROOF, now)
        if session.card_serial != card.serial:
            raise Refusal(Reason.CARD_NOT_OF_APPLICATION)
        handed = _handed(tx, window, application, card)
        tx.personalisations.forget_secrets(made.personalisation_id)
        return Done(
            cbor2.dumps([str(handed.application.number), encode_card(handed.card)], canonical=True),
            Event.CARD_HANDED_OVER,
            subjects=(card.person,),
            resource=application.number,
            details=(("card", card.number),),
        )

    return _reopened(tx, once(tx, window, command, request_id=command.request_id, act=act))


def _handed(tx: HandOverTx, window: Window, application: Application, card: Card) -> HandedOver:
    ended = replace(
        application,
        state=after(application.state, ApplicationEvent.HANDED_OVER),
        ended_at=window.now,
        card_number=card.number,
        papers=None,
    )
    handed = HandedOver(ended, moved(tx.cards, card, CardEvent.HANDED_OVER))
    tx.applications.update(ended)
    tx.applications.add_fee(_fee(window, handed))
    tx.card_notes.add(note_of(window, card, NoteKind.HANDED_OVER))
    return handed


def _waiting(
    tx: HandOverTx, window: Window, found: Found, number: ApplicationNumber
) -> Application:
    application = find_application(tx, window, found, number)
    if application.state is not ApplicationState.READY:
        raise NotAllowed(application.state, CardEvent.HANDED_OVER)
    return application


def _refuse_unidentified(
    window: Window, application: Application, documents: tuple[IdentityDocument, ...]
) -> None:
    # The first rule set took the letter, mailed to the registered address, as evidence enough.
    was_answered_by_letter = application.reply_until is not None
    if not (was_answered_by_letter and window.policy.rule_set is RuleSet.R2003_08):
        refuse_without_document(documents)


def _ready(
    tx: HandOverTx, window: Window, application: Application
) -> tuple[Personalisation, Card]:
    """Return the card that waits for its holder, and how it was made.

    Raises Refusal: NOT_IN_THIS_STATE, CARD_SUSPENDED, CARD_REVOKED, CARD_EXPIRED.
    """
    made = tx.personalisations.newest_of(application.number)
    card = None if made is None or made.card_serial is None else tx.cards.card(made.card_serial)
    if made is None or card is None:
        raise NotAllowed(application.state, CardEvent.HANDED_OVER)
    if card.status is not CardStatus.MADE:
        raise Refusal(REFUSED.get(card.status, Reason.CARD_REVOKED))
    refuse_expired(card, window.now)
    refuse_gone(tx, window, card.person)
    return made, card


def _fee(window: Window, handed: HandedOver) -> Fee:
    return Fee(
        application=handed.application.number,
        municipality=window.register,
        card_number=handed.card.number,
        kind=handed.application.kind,
        amount_yen=window.policy.fee_yen,
        taken_on=window.today,
        taken_at=window.now,
        terminal_uri=window.terminal.uri,
    )


def _reopened(tx: HandOverTx, octets: bytes) -> HandedOver:
    """Return what was answered; an application that was delivered never changes again."""
    number, card = cast("tuple[str, bytes]", cbor2.loads(octets))
    application = tx.applications.application(ApplicationNumber(number))
    if application is None:
        raise Refusal(Reason.APPLICATION_NOT_FOUND)
    return HandedOver(application, decode_card(card))
