"""What a move does to cards: they lapse, or their use is continued at the new residence in 90 days.

`end_on_move` is the one function for a move-in, whatever its kind and the law; `bring_back` undoes
it where a completed move is taken back. Which services take a card meanwhile is in `admission`, at
whose windows it is seen to is in `references`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.cards.admission import is_admitted
from juki_center.areas.cards.application_ends import cancel_open
from juki_center.areas.cards.application_rules import ApplicationEvent
from juki_center.areas.cards.card_codec import decode_card, encode_card
from juki_center.areas.cards.holders import HolderTx
from juki_center.areas.cards.note_rows import CardNotes, NoteKind
from juki_center.areas.cards.notes import note_of
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.references import ReferenceTx, own, refuse_gone
from juki_center.areas.cards.register import Card, CardKind, CardStatus, CardStyle, Purpose
from juki_center.areas.cards.rules import TRANSITIONS, CardEvent, as_of, awaits_continuation
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.cards.states import ChangeStatus, StateTx, change_status
from juki_center.areas.cards.window import Done, Found, Window, WindowTx
from juki_center.areas.days import day_in_japan
from juki_center.areas.moves.answers import CardContinued
from juki_center.areas.moves.commands import ContinueCard
from juki_center.areas.moves.deadlines import last_day_of_continuation
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import Moves
from juki_center.areas.moves.window import once, window_of
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet

_CONTINUES_FROM: Final = RuleSet.R2012_07_09
_IN_HOLDERS_HANDS: Final = frozenset(
    {CardStatus.ACTIVE, CardStatus.SUSPENDED, CardStatus.REVOKED, CardStatus.LAPSED}
)


class MoveCardsTx(HolderTx, Protocol):
    """What a move needs of a transaction to do to cards what it does."""

    @property
    def card_notes(self) -> CardNotes: ...


class ContinueTx(WindowTx, ReferenceTx, Protocol):
    """What continuing the use of a card needs of a transaction."""

    @property
    def card_notes(self) -> CardNotes: ...

    @property
    def moves(self) -> Moves: ...


@dataclass(frozen=True, slots=True)
class MovedHolder:
    """Somebody who is entered at a new residence today, and which cards were handed in for that.

    `by_card` tells whether the move goes by the special case; by paper every card lapses. Cards of
    others among `handed_in` do not count here.
    """

    person: PersonID
    by_card: bool
    handed_in: tuple[CardNumber, ...] = ()


@dataclass(frozen=True, slots=True)
class CardsAfterMove:
    """How many cards have lapsed, and until when another one's use may be continued.

    `faces` counts cards of style 2, on whose back the new address must be written for that.
    """

    lapsed: int = 0
    continue_until: date | None = None
    faces: int = 0


def end_on_move(tx: MoveCardsTx, window: Window, mover: MovedHolder) -> CardsAfterMove:
    """Do to a person's cards and open applications what a move-in does, in the act of the move-in.

    From 2012-07-09 on, in the special case, a card that could have opened the move waits for
    its use to be continued, unless it was handed in. Every other one that has not ended lapses.
    Needs no municipality's key.
    """
    uri, now = window.terminal.uri, window.now
    cancel_open(tx, mover.person, ApplicationEvent.HOLDER_GONE, caller_uri=uri, now=now)
    after = CardsAfterMove()
    for card in tx.cards.of_person(mover.person):
        if _may_wait(window, mover, card):
            faces = after.faces + (card.style is CardStyle.STYLE_2)
            until = _await_continuation(tx, window, card)
            after = replace(after, continue_until=until, faces=faces)
        elif (card.status, CardEvent.HOLDER_GONE) in TRANSITIONS:
            change_status(tx, ChangeStatus(uri, card.serial, CardEvent.HOLDER_GONE), now)
            after = replace(after, lapsed=after.lapsed + 1)
        if card.number in mover.handed_in:
            tx.cards.set_returned(card.serial, now)
            tx.card_notes.add(note_of(window, card, NoteKind.RETURNED, chip_answered=False))
    return after


def refuse_cards_of_others(
    tx: MoveCardsTx, persons: Collection[PersonID], handed_in: Iterable[CardNumber]
) -> None:
    """Raise Refusal(CARD_NOT_OF_THE_MOVE) unless each card is in the hands of one of the persons.

    A card that never left the office, or was handed in before, is in nobody's.
    """
    for number in handed_in:
        card = tx.cards.by_number(number)
        if card is None or card.person not in persons or not _is_in_hands(card):
            raise Refusal(Reason.CARD_NOT_OF_THE_MOVE)


def bring_back(
    tx: MoveCardsTx, window: Window, person: PersonID, origin: MunicipalityCode, moved_in_on: date
) -> int:
    """Give cards back to the origin where a completed move is taken back; return how many lapse.

    A card that came with its holder, made before the day of the move-in, is again what it was
    there, also where its use was continued meanwhile. What was issued at the window's own
    municipality lapses, and open applications there are cancelled: they rest on the move. A card
    that has lapsed with the move stays so.
    """
    uri, now = window.terminal.uri, window.now
    cancel_open(tx, person, ApplicationEvent.HOLDER_GONE, caller_uri=uri, now=now)
    lapsed = 0
    for card in tx.cards.of_person(person):
        if (as_of(card, now).status, CardEvent.HOLDER_GONE) not in TRANSITIONS:
            continue
        if awaits_continuation(card, now) or card.made_on < moved_in_on:
            tx.cards.set_continuation(card.serial, origin, None)
            again = replace(card, municipality=origin, continue_until=None)
            tx.audit.append(_moved(window, again, "BROUGHT_BACK"))
        else:
            change_status(tx, ChangeStatus(uri, card.serial, CardEvent.HOLDER_GONE), now)
            lapsed += 1
    return lapsed


def continue_card(
    tx: ContinueTx, command: ContinueCard, now: datetime, policy: MovePolicy
) -> CardContinued:
    """Continue the use of a card at its holder's new residence: it is this municipality's now.

    Consumes the session. Raises Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)
    window = here.window

    def act(found: Found) -> Done:
        card = _shown(tx, window, found, command)
        refuse_gone(tx, window, card.person)
        if card.pin_pending:
            raise Refusal(Reason.CARD_PIN_PENDING)
        _refuse_on_the_agents_day(tx, window, card)
        if card.style is CardStyle.STYLE_2 and not command.back_written:
            raise Refusal(Reason.BACK_NOT_WRITTEN)
        continued = replace(card, municipality=window.register, continue_until=None)
        tx.cards.set_continuation(card.serial, window.register, None)
        tx.card_notes.add(
            note_of(window, card, NoteKind.CONTINUED, back_written=command.back_written)
        )
        return Done(
            encode_card(continued),
            Event.CARD_CONTINUED,
            subjects=(card.person,),
            resource=card.number,
            details=(("from", str(card.municipality)),),
        )

    return CardContinued(decode_card(once(tx, here, command.at, command, act)))


def lapse_overdue_continuations(tx: StateTx, now: datetime, *, limit: int, caller_uri: str) -> int:
    """Act: write that cards have lapsed whose use was not continued in time; return how many.

    They have counted as lapsed since their last day was over; at most `limit` are written.
    """
    concerned = tx.cards.not_continued(day_in_japan(now), limit)
    for card in concerned:
        change_status(tx, ChangeStatus(caller_uri, card.serial, CardEvent.NOT_CONTINUED), now)
    return len(concerned)


def _may_wait(window: Window, mover: MovedHolder, card: Card) -> bool:
    """Tell whether a card's use may be continued: it might have opened this very move."""
    return (
        mover.by_card
        and window.policy.rule_set >= _CONTINUES_FROM
        and card.number not in mover.handed_in
        and is_admitted(card, Purpose.SPECIAL_MOVE_IN, window.now)
    )


def _await_continuation(tx: StateTx, window: Window, card: Card) -> date:
    until = last_day_of_continuation(window.today)
    tx.cards.set_continuation(card.serial, card.municipality, until)
    tx.audit.append(_moved(window, replace(card, continue_until=until), "AWAITS_CONTINUATION"))
    return until


def _moved(window: Window, card: Card, event: str) -> AuditEvent:
    until = () if card.continue_until is None else (("until", card.continue_until.isoformat()),)
    return AuditEvent(
        event=Event.CARD_STATUS_CHANGED,
        at=window.now,
        caller_uri=window.terminal.uri,
        issuing=window.terminal.municipality,
        residence=card.municipality,
        subjects=(card.person,),
        resource=card.serial.hex(),
        details=(("event", event), ("status", card.status), *until),
    )


def _is_in_hands(card: Card) -> bool:
    is_out = card.kind is CardKind.RESIDENT and card.status in _IN_HOLDERS_HANDS
    return is_out and card.returned_at is None


def _shown(tx: ContinueTx, window: Window, found: Found, command: ContinueCard) -> Card:
    """Return the card that the session has shown, if its use waits to be continued here.

    Raises Refusal: CONTINUATION_OVER, CARD_NOT_AWAITING, CARD_UNKNOWN, and what `use_session`
    raises.
    """
    uri = window.terminal.uri
    _refuse_over(tx, window, command.session_id)
    session = use_session(tx, command.session_id, uri, Purpose.PIN_PROOF, window.now)
    card = tx.cards.card(session.card_serial)
    if card is None or not awaits_continuation(card, window.now):
        raise Refusal(Reason.CARD_NOT_AWAITING)
    return own(tx, window, found, card)


def _refuse_over(tx: ContinueTx, window: Window, session_id: bytes) -> None:
    """Tell of the missed day where midnight came between the session and the act.

    Without this the session's card would be refused as any that has lapsed.
    """
    session = tx.cards.session(session_id)
    if session is None or session.terminal_uri != window.terminal.uri:
        return
    card = tx.cards.card(session.card_serial)
    last_day = None if card is None else card.continue_until
    if last_day is not None and window.today > last_day:
        raise Refusal(Reason.CONTINUATION_OVER, lastDay=last_day.isoformat())


def _refuse_on_the_agents_day(tx: ContinueTx, window: Window, card: Card) -> None:
    """Raise AGENT_NO_CONTINUATION on the day on which an agent has made the move-in notice."""
    if card.continue_until != last_day_of_continuation(window.today):
        return
    move = tx.moves.newest_arrival_of(card.person)
    arrival = None if move is None else tx.moves.arrival(move)
    if arrival is not None and arrival.by_agent:
        raise Refusal(Reason.AGENT_NO_CONTINUATION)
