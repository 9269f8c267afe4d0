"""Acts around a card session: find the card, and keep what the session has proved."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Cause, DeniedAttempt, Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.register import Card, CardKind, Cards, CardSession, Purpose
from juki_center.areas.cards.rules import refuse_unusable
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import Residents, Whereabouts
from juki_center.errors import Reason, Refusal

# A used or late session keeps its own refusal for a day; after that it is like one that never was.
KEPT_AFTER_EXPIRY = timedelta(days=1)
_KIND_FOR = {
    Purpose.CERTIFICATE_COPY: CardKind.RESIDENT,
    Purpose.PIN_PROOF: CardKind.RESIDENT,
    Purpose.CARD_CHECK: CardKind.RESIDENT,
    Purpose.PIN_UNLOCK: CardKind.RESIDENT,
    Purpose.CLERK_SIGN_IN: CardKind.CLERK,
}


class CardsTx(Protocol):
    """What finding a card needs of a transaction."""

    @property
    def cards(self) -> Cards: ...


class SessionTx(CardsTx, Protocol):
    """What recording a session needs of a transaction."""

    @property
    def residents(self) -> Residents: ...

    @property
    def audit(self) -> AuditLog: ...


@dataclass(frozen=True, slots=True)
class RecordSession:
    """Command: a session has ended well. `transcript_hash` and `card_serial` are 32 bytes.

    `usable_for` is the time in which one act may use the session.
    """

    terminal: Terminal
    session_id: bytes
    purpose: Purpose
    card_serial: bytes
    resident_code: ResidentCode = field(repr=False)
    transcript_hash: bytes
    usable_for: timedelta = timedelta(seconds=300)


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """Command: a session has ended in a refusal that the log must show.

    `card_serial` is known only where Chip Authentication had succeeded.
    """

    terminal: Terminal
    purpose: Purpose
    reason: Reason
    card_serial: bytes | None = None


def find_card(tx: CardsTx, serial: bytes, purpose: Purpose, now: datetime) -> Card:
    """Return the card with this serial, if it may be used for the purpose now.

    Raises Refusal: CARD_UNKNOWN, CARD_NOT_FOR_PURPOSE (before anything about its state),
    CARD_SUSPENDED, CARD_REVOKED, CARD_EXPIRED.
    """
    card = tx.cards.card(serial)
    if card is None:
        raise Refusal(Reason.CARD_UNKNOWN)
    if card.kind is not _KIND_FOR[purpose]:
        raise Refusal(Reason.CARD_NOT_FOR_PURPOSE)
    refuse_unusable(card, now)
    return card


def record_session(tx: SessionTx, command: RecordSession, now: datetime) -> CardSession:
    """Keep a finished session, so that one act of the same terminal can use it.

    Everything that was looked at while the card was in the reader is read again here. Raises
    Refusal as `find_card` does, and CARD_NOT_AUTHENTIC where the code that the chip gave is not
    that of the card's holder.
    """
    try:
        card = find_card(tx, command.card_serial, command.purpose, now)
    except Refusal as refusal:
        raise DeniedAttempt(refusal, _refused(command, refusal.reason, now)) from refusal
    holder = tx.residents.by_code(command.resident_code)
    if holder is None or holder.person != card.person:
        raise DeniedAttempt(
            Refusal(Reason.CARD_NOT_AUTHENTIC), _refused(command, Cause.CODE_NOT_OF_CARD, now)
        )
    session = _session(command, card, now)
    tx.cards.add_session(session)
    tx.audit.append(_authenticated(command, holder, now))
    return session


def record_failure(tx: SessionTx, command: RecordFailure, now: datetime) -> None:
    """Write into the log that a card session was refused."""
    tx.audit.append(_refused(command, command.reason, now))


def forget_old_sessions(tx: CardsTx, now: datetime) -> None:
    """Act: remove the sessions whose time has been over for a day; the log keeps what they did."""
    tx.cards.remove_sessions_before(now - KEPT_AFTER_EXPIRY)


def _session(command: RecordSession, card: Card, now: datetime) -> CardSession:
    return CardSession(
        session_id=command.session_id,
        terminal_uri=command.terminal.uri,
        purpose=command.purpose,
        person=card.person,
        card_serial=card.serial,
        transcript_hash=command.transcript_hash,
        usable_until=now + command.usable_for,
    )


def _authenticated(command: RecordSession, holder: Whereabouts, now: datetime) -> AuditEvent:
    return AuditEvent(
        event=Event.CARD_AUTHENTICATED,
        at=now,
        caller_uri=command.terminal.uri,
        issuing=command.terminal.municipality,
        residence=holder.municipality,
        subjects=(holder.person,),
        resource=command.session_id.hex(),
        details=(("purpose", command.purpose),),
    )


def _refused(
    command: RecordSession | RecordFailure, cause: Reason | Cause, now: datetime
) -> AuditEvent:
    return AuditEvent(
        event=Event.CARD_SESSION_REFUSED,
        at=now,
        caller_uri=command.terminal.uri,
        cause=cause,
        issuing=command.terminal.municipality,
        resource=command.card_serial.hex() if command.card_serial else "",
        details=(("purpose", command.purpose),),
    )
