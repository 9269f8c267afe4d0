"""The act of suspending a card: by anybody who takes a report, wherever the card is from.

It reads and writes nothing that a municipality's key protects, so that a card is stopped whoever
is disconnected. Each report is kept as a note, also where the card was suspended already (the
municipalities' register of suspensions).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, cast
from uuid import UUID

import cbor2

from juki_center.areas.audit.events import AuditEvent, Cause, DeniedAttempt, Event
from juki_center.areas.callers import Desk, Operator, Terminal
from juki_center.areas.cards.card_codec import decode_card, encode_card
from juki_center.areas.cards.note_rows import CardNote, CardNotes, NoteKind
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.references import ENDED, ByCode, ByNumber, ReferenceTx, place_of
from juki_center.areas.cards.register import Card, CardKind, CardStatus, Purpose
from juki_center.areas.cards.rules import REFUSED, CardEvent, as_of, refuse_expired
from juki_center.areas.cards.states import moved
from juki_center.areas.cards.window import WindowTx
from juki_center.areas.days import day_in_japan
from juki_center.areas.requests.answers import Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal

SUSPENDED: Final = frozenset({CardStatus.HELD, CardStatus.SUSPENDED})
_SHOWS_THE_CARD: Final = frozenset({Purpose.CARD_CHECK})


class Reporter(StrEnum):
    """Who reports a loss."""

    HOLDER = "HOLDER"
    HOUSEHOLD_MEMBER = "HOUSEHOLD_MEMBER"
    LEGAL_REPRESENTATIVE = "LEGAL_REPRESENTATIVE"
    POLICE = "POLICE"
    OTHER = "OTHER"


class Channel(StrEnum):
    """How a report came."""

    PHONE = "PHONE"
    COUNTER = "COUNTER"


class LossReason(StrEnum):
    """What happened to the card."""

    LOST = "LOST"
    STOLEN = "STOLEN"
    FOUND_BY_OTHER = "FOUND_BY_OTHER"


class Topic(StrEnum):
    """What a caller was asked."""

    NAME = "NAME"
    BIRTH_DATE = "BIRTH_DATE"
    ADDRESS = "ADDRESS"
    HOUSEHOLD = "HOUSEHOLD"
    ISSUE = "ISSUE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class CallerQuestion:
    """One question to whoever reports, and whether the answer was right; never the answer."""

    topic: Topic
    answered_rightly: bool


@dataclass(frozen=True, slots=True)
class LossReport:
    """What is recorded of a report. `police_report` is empty where there is none."""

    reporter: Reporter
    channel: Channel
    reason: LossReason
    questions: tuple[CallerQuestion, ...] = ()
    police_report: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class BySerial:
    """The card with this serial, 32 bytes: a clerk's card too. For operators at the store."""

    serial: bytes


@dataclass(frozen=True, slots=True)
class SuspendCard:
    """Command: stop a card at once. `clerk_name` is who takes the report."""

    caller: Terminal | Desk | Operator
    request_id: UUID
    clerk_name: str = field(repr=False)
    card: ByCode | ByNumber | BySerial = field(repr=False)
    report: LossReport


@dataclass(frozen=True, slots=True)
class Suspended:
    """The card, and since when the suspension is in force; `is_new` tells a first answer."""

    card: Card
    since: datetime
    is_new: bool = field(default=True, compare=False)


class SuspendTx(WindowTx, ReferenceTx, Protocol):
    """What suspending a card needs of a transaction."""

    @property
    def card_notes(self) -> CardNotes: ...


class _Known:
    """Which card the log of a refusal may name, and whose windows see to it."""

    __slots__ = ("card", "place")

    def __init__(self) -> None:
        self.card: Card | None = None
        self.place: MunicipalityCode | None = None


def suspend_card(
    tx: SuspendTx, command: SuspendCard, now: datetime, policy: CardPolicy
) -> Suspended:
    """Suspend a card, or keep the report where it is suspended already.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, UNAUTHENTICATED; and, as DeniedAttempt,
    CLERK_NAME_REQUIRED, CARD_UNKNOWN, CARD_REVOKED, CARD_EXPIRED.
    """
    request = Request(command.caller.uri, command.request_id, canonical(command))
    earlier = first_answer(tx.answers, request, now)
    if earlier is not None:
        return _reopened(earlier)
    _refuse_abolished(command, now, policy)
    known = _Known()
    with _denied(command, known, now):
        if not command.clerk_name.strip():
            raise Refusal(Reason.CLERK_NAME_REQUIRED)
        known.card = card = _meant(tx, command, now)
        known.place = place = place_of(tx, card)
        suspended = _suspended(tx, card, now)
    # A card that lay in a reader before its report may be gone from it by now.
    tx.cards.use_up_sessions(suspended.card.serial, _SHOWS_THE_CARD)
    tx.card_notes.add(_note(command, card.serial, place, now))
    # Under the center's own key: it must stand whoever is disconnected, and names nobody.
    tx.answers.put(
        request, _kept(suspended), resource=suspended.card.number, sealed_for=None, now=now
    )
    tx.audit.append(_leaf(command, known, Event.CARD_SUSPENDED, Cause.DONE, now))
    return suspended


def _meant(tx: SuspendTx, command: SuspendCard, now: datetime) -> Card:
    """Return the card that is meant, as it counts today.

    A former code means none, as a code that nobody has.
    """
    card: Card | None = None
    match command.card:
        case ByCode(code):
            holder = tx.residents.by_code(code)
            cards = [] if holder is None else tx.cards.of_person(holder.person)
            card = next((one for one in cards if _is_about(as_of(one, now))), None)
        case ByNumber(number):
            card = tx.cards.by_number(number)
            if card is not None and card.kind is not CardKind.RESIDENT:
                card = None
        case BySerial(serial):
            card = tx.cards.card(serial)
    # A card that is being made lies in the office's own machine; nobody else knows of it.
    if card is None or card.status is CardStatus.MAKING:
        raise Refusal(Reason.CARD_UNKNOWN)
    return as_of(card, now)


def _is_about(card: Card) -> bool:
    return card.kind is CardKind.RESIDENT and card.status not in ENDED | {CardStatus.MAKING}


def _suspended(tx: SuspendTx, card: Card, now: datetime) -> Suspended:
    if card.status in ENDED:
        raise Refusal(REFUSED[card.status])
    refuse_expired(card, now)
    if card.status in SUSPENDED:
        return Suspended(card, _since(tx.card_notes.of_card(card.serial), now))
    return Suspended(moved(tx.cards, card, CardEvent.REPORTED_LOST), now)


def _since(notes: list[CardNote], now: datetime) -> datetime:
    """Return the time of the first report since the card was last in use.

    Where the retention rule has deleted that note, it is the oldest one that is left, or now.
    """
    since: datetime | None = None
    for note in notes:
        if note.kind is NoteKind.RESUMED:
            since = None
        elif note.kind is NoteKind.SUSPENDED and since is None:
            since = note.at
    return since or now


def _note(command: SuspendCard, serial: bytes, place: MunicipalityCode, now: datetime) -> CardNote:
    report = command.report
    facts: dict[str, object] = {
        "clerk": command.clerk_name,
        "reporter": str(report.reporter),
        "channel": str(report.channel),
        "reason": str(report.reason),
        "questions": [[str(one.topic), one.answered_rightly] for one in report.questions],
        "police_report": report.police_report,
    }
    return CardNote(serial, now, NoteKind.SUSPENDED, place, command.caller.uri, facts)


def _kept(suspended: Suspended) -> bytes:
    return cbor2.dumps([encode_card(suspended.card), suspended.since.isoformat()], canonical=True)


def _reopened(octets: bytes) -> Suspended:
    card, since = cast("tuple[bytes, str]", cbor2.loads(octets))
    return Suspended(decode_card(card), datetime.fromisoformat(since), is_new=False)


def _refuse_abolished(command: SuspendCard, now: datetime, policy: CardPolicy) -> None:
    office = _office(command)
    if office is not None and policy.municipalities.valid_on(office, day_in_japan(now)) is None:
        raise Refusal(Reason.UNAUTHENTICATED)


def _office(command: SuspendCard) -> MunicipalityCode | None:
    caller = command.caller
    return None if isinstance(caller, Operator) else caller.municipality


@contextmanager
def _denied(command: SuspendCard, known: _Known, now: datetime) -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        event = _leaf(command, known, Event.CARD_ACT_REFUSED, refusal.reason, now)
        raise DeniedAttempt(refusal, event) from refusal


def _unproved(command: SuspendCard) -> tuple[tuple[str, str], ...]:
    """Say so where the name was only given: by a desk or an operator, not by a clerk's card."""
    return () if isinstance(command.caller, Terminal) else (("clerk", "unverified"),)


def _leaf(
    command: SuspendCard, known: _Known, event: Event, cause: Cause | Reason, now: datetime
) -> AuditEvent:
    report, card = command.report, known.card
    return AuditEvent(
        event=event,
        at=now,
        caller_uri=command.caller.uri,
        cause=cause,
        issuing=_office(command),
        residence=known.place,
        subjects=() if card is None else (card.person,),
        resource="" if card is None else card.number,
        details=(
            *_unproved(command),
            ("channel", report.channel),
            ("reason", report.reason),
            ("reporter", report.reporter),
        ),
    )
