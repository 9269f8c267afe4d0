"""What passes to the destination's window: claimed with the card, looked at, given back.

The information is read from the origin's book whenever it is asked for, so that the newest counts.
A claim keeps every other municipality away until it is used or given back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.register import CardSession, Purpose
from juki_center.areas.cards.sessions import CardsTx, use_session
from juki_center.areas.cards.window import Done, Found
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.answers import (
    MovingPerson,
    NoticeGiven,
    TransferFetched,
    notice_given,
)
from juki_center.areas.moves.books import BooksTx, open_books
from juki_center.areas.moves.commands import (
    AbandonMoveIn,
    ByCard,
    FetchTransfer,
)
from juki_center.areas.moves.deadlines import last_special_day, refuse_late
from juki_center.areas.moves.expectations import told_beforehand
from juki_center.areas.moves.moved_days import refuse_moved_day
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import AlertKind, Move, Transfer
from juki_center.areas.moves.states import MemberState, MoveEvent, MoveKind, MoveState
from juki_center.areas.moves.waiting import waits
from juki_center.areas.moves.window import AlertTx, MoveTx, MoveWindow, alert, once, window_of
from juki_center.areas.residents.household_order import HOUSEHOLDER, in_paper_order
from juki_center.areas.residents.records import PersonID, Resident, Residents
from juki_center.errors import Reason, Refusal

TRANSFER_ID_OCTETS: Final = 16
NOT_THE_HOUSEHOLDERS_CARD: Final = "NOT_THE_HOUSEHOLDERS_CARD"
"""Why the special case is not possible with a card, where only the householder's counts."""

_NOT_BY_CARD: Final = frozenset({MoveState.LAPSED, MoveState.ORDINARY})


class TransferTx(AlertTx, BooksTx, CardsTx, Protocol):
    """What fetching information, and giving it back, needs of a transaction."""

    @property
    def residents(self) -> Residents: ...


def fetch_transfer(
    tx: TransferTx, command: FetchTransfer, now: datetime, policy: MovePolicy
) -> TransferFetched:
    """Fetch the information of a special move: claim it with a card, or look at it beforehand.

    Raises Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        by = command.by
        if isinstance(by, ByCard):
            answer = _claim(tx, here, found, by)
        else:
            answer = _look(tx, here, found, by)
        return Done(
            encode_answer(answer),
            Event.TRANSFER_FETCHED,
            subjects=answer.move.moving,
            resource=answer.move.number,
            details=(("claimed", str(bool(answer.transfer_id)).lower()),),
            residence=answer.move.origin,
        )

    return decode_answer(once(tx, here, command.at, command, act), TransferFetched)


def abandon_move_in(
    tx: TransferTx, command: AbandonMoveIn, now: datetime, policy: MovePolicy
) -> NoticeGiven:
    """Give fetched information back: the move is NOTIFIED again, and anybody may fetch it.

    Nothing of the origin's book is opened: while it is cut off, what it is told waits. Raises
    Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        move, _ = claimed_here(tx, here, found, command.transfer_id)
        given_back = replace(move.after(MoveEvent.GIVEN_BACK), transfer=None)
        open_books(tx, here.register)
        tx.moves.update(given_back)
        alert(tx, move, AlertKind.TRANSFER_GIVEN_BACK, move.origin, here.register, now=now)
        return Done(
            encode_answer(NoticeGiven(given_back, waits(tx, move.origin))),
            Event.MOVE_IN_ABANDONED,
            subjects=move.persons,
            resource=move.number,
            residence=move.origin,
        )

    return notice_given(once(tx, here, command.at, command, act))


def claimed_here(
    tx: MoveTx, here: MoveWindow, found: Found, transfer_id: bytes
) -> tuple[Move, Transfer]:
    """Return the move that this municipality has claimed under an id, and its claim.

    Raises Refusal(TRANSFER_NOT_FOUND): never claimed, by another municipality, or given back.
    """
    move = tx.moves.by_transfer(transfer_id)
    transfer = None if move is None else move.transfer
    if move is None or transfer is None or transfer.municipality != here.register:
        raise Refusal(Reason.TRANSFER_NOT_FOUND)
    found.is_about(*move.persons, resource=move.number)
    return move, transfer


def _tell_of_corrections(tx: AlertTx, here: MoveWindow, claimed: Move) -> None:
    """Tell a destination of corrections that were sent to one which has given the move back.

    Raises Refusal(RESIDENCE_DISCONNECTED) while the origin is.
    """
    if tx.moves.corrections(claimed):
        alert(tx, claimed, AlertKind.CORRECTION, here.register, now=here.window.now)


def _claim(tx: TransferTx, here: MoveWindow, found: Found, by: ByCard) -> TransferFetched:
    window = here.window
    uri, now = window.terminal.uri, window.now
    session = use_session(tx, by.session_id, uri, Purpose.SPECIAL_MOVE_IN, now)
    found.is_about(session.person)
    move = _claimable(tx, here, session.person)
    found.is_about(*move.persons, resource=move.number)
    open_books(tx, move.origin, here.register)
    refuse_moved_day(by.moved_on, move.planned_on, window.today, "by_card.moved_date")
    refuse_late(by.moved_on, move.planned_on, window.today)
    _refuse_other_card(tx, here, session)
    claimed = replace(move.after(MoveEvent.FETCHED), transfer=_new_claim(tx, here, session, by))
    tx.moves.update(claimed)
    if move.transfer is None:
        _tell_of_corrections(tx, here, claimed)
    return replace(
        _information(tx, here, claimed),
        transfer_id=claimed.transfer.transfer_id if claimed.transfer else b"",
        last_day=last_special_day(by.moved_on, move.planned_on),
    )


def _claimable(tx: TransferTx, here: MoveWindow, person: PersonID) -> Move:
    """Return the move that a person's card opens here.

    Raises Refusal: NO_MOVE_OUT, MOVE_ALREADY_COMPLETED, DESTINATION_IS_ORIGIN, SPECIAL_LAPSED,
    MOVE_TAKEN_ELSEWHERE.
    """
    move = tx.moves.open_of_person(person)
    if move is None:
        raise Refusal(_why_none(tx, here, person))
    if move.origin == here.register:
        raise Refusal(Reason.DESTINATION_IS_ORIGIN)
    if move.state in _NOT_BY_CARD:
        raise Refusal(Reason.SPECIAL_LAPSED)
    _refuse_taken(here, move)
    return move


def _why_none(tx: TransferTx, here: MoveWindow, person: PersonID) -> Reason:
    """Tell a move that was made here already from one that the origin has not entered.

    Who came here by a former move and goes elsewhere now has no notice there.
    """
    newest = tx.moves.newest_of_person(person)
    if newest is None or newest.state is not MoveState.COMPLETED:
        return Reason.NO_MOVE_OUT
    has_moved = any(
        one.person == person and one.state is MemberState.MOVED for one in newest.members
    )
    is_here = newest.arrived_in == here.register
    return Reason.MOVE_ALREADY_COMPLETED if has_moved and is_here else Reason.NO_MOVE_OUT


def _refuse_taken(here: MoveWindow, move: Move) -> None:
    if move.transfer is not None and move.transfer.municipality != here.register:
        raise Refusal(Reason.MOVE_TAKEN_ELSEWHERE)


def _refuse_other_card(tx: TransferTx, here: MoveWindow, session: CardSession) -> None:
    """Refuse a card that is not the householder's, where only that one counts (article 24-2)."""
    if not here.policy.householder_card_only:
        return
    if tx.residents.resident(session.person).record.relationship != HOUSEHOLDER:
        raise Refusal(Reason.SPECIAL_NOT_POSSIBLE, why=NOT_THE_HOUSEHOLDERS_CARD)


def _new_claim(tx: AlertTx, here: MoveWindow, session: CardSession, by: ByCard) -> Transfer:
    return Transfer(
        transfer_id=tx.chance.octets(TRANSFER_ID_OCTETS),
        municipality=here.register,
        terminal_uri=here.window.terminal.uri,
        card_serial=session.card_serial,
        moved_on=by.moved_on,
        fetched_at=here.window.now,
    )


def _look(tx: TransferTx, here: MoveWindow, found: Found, number: MoveNumber) -> TransferFetched:
    """Show an expected move to its planned destination, without a claim (from 2023-02-06 on).

    Raises Refusal: MOVE_NOT_FOUND, SPECIAL_LAPSED, MOVE_ALREADY_COMPLETED, MOVE_TAKEN_ELSEWHERE,
    RESIDENCE_DISCONNECTED.
    """
    move = tx.moves.move(number)
    if move is None or not _is_expected(here, move):
        raise Refusal(Reason.MOVE_NOT_FOUND)
    found.is_about(*move.persons, resource=move.number)
    if move.state in _NOT_BY_CARD:
        raise Refusal(Reason.SPECIAL_LAPSED)
    _refuse_taken(here, move)
    if move.state is MoveState.COMPLETED:
        raise Refusal(Reason.MOVE_ALREADY_COMPLETED)
    open_books(tx, move.origin, here.register)
    return _information(tx, here, move)


def _is_expected(here: MoveWindow, move: Move) -> bool:
    """Tell whether a move was announced to this municipality, and not withdrawn since."""
    if move.kind is not MoveKind.SPECIAL:
        return False
    is_over = move.state in {MoveState.CANCELLED, MoveState.CANCELLED_AFTER}
    return told_beforehand(here, move) == here.register and not is_over


def _information(tx: TransferTx, here: MoveWindow, move: Move) -> TransferFetched:
    residents = in_paper_order([tx.residents.resident(one) for one in move.moving])
    return TransferFetched(
        move=move,
        origin_name=here.policy.office_on(move.origin, here.window.today).full_name,
        destination_address=tx.moves.papers(move).destination_address,
        persons=tuple(_person(tx, here, one) for one in residents),
    )


def _person(tx: TransferTx, here: MoveWindow, resident: Resident) -> MovingPerson:
    earlier = tx.residents.own_last(resident.person, here.register)
    return MovingPerson(resident.version, resident.record, returns=earlier is not None)
