"""Acts around a card session: find the card, keep what the session has proved, use it once.

Which cards a purpose takes stands in `admission`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from juki_center.areas.audit.events import AuditEvent, Cause, DeniedAttempt, Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.admission import admit
from juki_center.areas.cards.personalisations import FinishTx, finish
from juki_center.areas.cards.register import Card, Cards, CardSession, CardStatus, Purpose
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import Residents
from juki_center.errors import Reason, Refusal

# A used or late session keeps its own refusal for a day; after that it is like one that never was.
KEPT_AFTER_EXPIRY = timedelta(days=1)


class CardsTx(Protocol):
    """What finding a card needs of a transaction."""

    @property
    def cards(self) -> Cards: ...


class SessionTx(FinishTx, Protocol):
    """What recording a session needs of a transaction."""

    @property
    def residents(self) -> Residents: ...


@dataclass(frozen=True, slots=True)
class RecordSession:
    """Command: a session has ended well. `transcript_hash` and `card_serial` are 32 bytes.

    `resident_code` is what the chip gave, None for a purpose that reads none; `usable_for` is the
    time in which one act may use the session.
    """

    terminal: Terminal
    session_id: bytes
    purpose: Purpose
    card_serial: bytes
    resident_code: ResidentCode | None = field(repr=False)
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

    Raises Refusal: CARD_UNKNOWN, and what `admission.admit` raises.
    """
    card = tx.cards.card(serial)
    if card is None:
        raise Refusal(Reason.CARD_UNKNOWN)
    admit(card, purpose, now)
    return card


def record_session(tx: SessionTx, command: RecordSession, now: datetime) -> CardSession:
    """Keep a finished session, so that one act of the same terminal can use it.

    Everything that was looked at while the card was in the reader is read again here. The first
    CARD_CHECK of a card that is being made is the proof that it was made. Raises DeniedAttempt for
    what `find_card` and `finish` raise, and for CARD_NOT_AUTHENTIC where the code that the chip
    gave is not that of the card's holder.
    """
    try:
        card = find_card(tx, command.card_serial, command.purpose, now)
        if command.purpose is Purpose.CARD_CHECK and card.status is CardStatus.MAKING:
            finish(tx, card, command.terminal.uri, now)
    except Refusal as refusal:
        raise DeniedAttempt(refusal, _refused(command, refusal.reason, now)) from refusal
    residence = _residence(tx, command, card, now)
    session = _session(command, card, now)
    tx.cards.add_session(session)
    tx.audit.append(_authenticated(command, card, residence, now))
    return session


def _residence(
    tx: SessionTx, command: RecordSession, card: Card, now: datetime
) -> MunicipalityCode:
    """Return whose log shows the session; check the code where the chip gave one."""
    if command.resident_code is None:
        return card.municipality
    holder = tx.residents.by_code(command.resident_code)
    if holder is None or holder.person != card.person:
        raise DeniedAttempt(
            Refusal(Reason.CARD_NOT_AUTHENTIC), _refused(command, Cause.CODE_NOT_OF_CARD, now)
        )
    return holder.municipality


@dataclass(frozen=True, slots=True)
class SessionUse:
    """An act that wants a session: which terminal acts, and what the session must be for."""

    terminal_uri: str
    purpose: Purpose
    now: datetime


SessionGuard = Callable[[CardSession, SessionUse], None]


def refuse_of_another_terminal(session: CardSession, use: SessionUse) -> None:
    """Refuse another terminal's session, as if it did not exist."""
    if session.terminal_uri != use.terminal_uri:
        raise Refusal(Reason.SESSION_NOT_FOUND)


def refuse_for_another_purpose(session: CardSession, use: SessionUse) -> None:
    """Refuse a session that was opened for something else, as if it did not exist."""
    if session.purpose is not use.purpose:
        raise Refusal(Reason.SESSION_NOT_FOUND)


def refuse_used(session: CardSession, _use: SessionUse) -> None:
    """Refuse a session that an act has used."""
    if session.is_used:
        raise Refusal(Reason.SESSION_USED)


def refuse_late(session: CardSession, use: SessionUse) -> None:
    """Refuse a session after its time."""
    if use.now > session.usable_until:
        raise Refusal(Reason.SESSION_EXPIRED)


# What binds an act to its session. Each guard has a test that fails without it.
SESSION_GUARDS: tuple[SessionGuard, ...] = (
    refuse_of_another_terminal,
    refuse_for_another_purpose,
    refuse_used,
    refuse_late,
)


def use_session(
    tx: CardsTx, session_id: bytes, terminal_uri: str, purpose: Purpose, now: datetime
) -> CardSession:
    """Consume a finished session in the transaction of the act that it is for.

    The card's state is read again, so that a suspension between the session and the act wins.
    Where the act is refused later on, the session stays unused. Raises Refusal: SESSION_NOT_FOUND,
    SESSION_USED, SESSION_EXPIRED, and what `find_card` raises.
    """
    session = tx.cards.session(session_id)
    if session is None:
        raise Refusal(Reason.SESSION_NOT_FOUND)
    use = SessionUse(terminal_uri, purpose, now)
    for refuse in SESSION_GUARDS:
        refuse(session, use)
    find_card(tx, session.card_serial, session.purpose, now)
    tx.cards.mark_used(session_id)
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


def _authenticated(
    command: RecordSession, card: Card, residence: MunicipalityCode, now: datetime
) -> AuditEvent:
    return AuditEvent(
        event=Event.CARD_AUTHENTICATED,
        at=now,
        caller_uri=command.terminal.uri,
        issuing=command.terminal.municipality,
        residence=residence,
        subjects=(card.person,),
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
