"""On what ground somebody is entered at the destination: fetched information, or a paper.

Both are looked at again in the act of the move in, so that a midnight, a withdrawal or a suspension
since then counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from juki_center.areas.cards.register import Purpose
from juki_center.areas.cards.sessions import CardsTx, find_card
from juki_center.areas.cards.window import Found
from juki_center.areas.moves.books import BooksTx, open_books
from juki_center.areas.moves.commands import (
    Fetched,
    Paper,
)
from juki_center.areas.moves.deadlines import is_notice_late, last_day_of_notice, refuse_late
from juki_center.areas.moves.moved_days import refuse_moved_day
from juki_center.areas.moves.numbers import VerificationCode
from juki_center.areas.moves.rows import Move
from juki_center.areas.moves.states import MoveEvent, MoveState, after
from juki_center.areas.moves.transfers import claimed_here
from juki_center.areas.moves.window import MoveTx, MoveWindow
from juki_center.areas.residents.records import PersonID
from juki_center.errors import Reason, Refusal

_ENDED: Final = {
    MoveState.COMPLETED: Reason.MOVE_ALREADY_COMPLETED,
    MoveState.CANCELLED: Reason.MOVE_WITHDRAWN,
}


class GroundTx(MoveTx, BooksTx, CardsTx, Protocol):
    """What looking at a ground needs of a transaction."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground that counts. `holder` is whose card opened the move, None with a paper."""

    move: Move
    moved_on: date
    holder: PersonID | None = None
    is_late: bool = False
    late_reason: str = ""

    @property
    def is_by_card(self) -> bool:
        """Tell whether the special case applies."""
        return self.holder is not None


def find_ground(tx: GroundTx, here: MoveWindow, found: Found, given: Fetched | Paper) -> Ground:
    """Return the ground of a move in; both books are open then.

    Raises RuleBroken for the moved day; NotAllowed for a move that was taken back; and Refusal:
    TRANSFER_NOT_FOUND, CERTIFICATE_NOT_FOUND, MOVE_ALREADY_COMPLETED, MOVE_WITHDRAWN,
    TRANSFER_OUTDATED, DESTINATION_IS_ORIGIN, DEADLINE_14, DEADLINE_30, LATE_REASON_REQUIRED,
    RESIDENCE_DISCONNECTED, and what `find_card` raises.
    """
    if isinstance(given, Fetched):
        return _by_card(tx, here, found, given)
    return _by_paper(tx, here, found, given)


def _by_card(tx: GroundTx, here: MoveWindow, found: Found, given: Fetched) -> Ground:
    window = here.window
    move, transfer = claimed_here(tx, here, found, given.transfer_id)
    _refuse_ended(move)
    open_books(tx, move.origin, here.register)
    if given.notice_version != move.version:
        raise Refusal(Reason.TRANSFER_OUTDATED)
    refuse_late(transfer.moved_on, move.planned_on, window.today)
    card = find_card(tx, transfer.card_serial, Purpose.SPECIAL_MOVE_IN, window.now)
    return Ground(move, transfer.moved_on, holder=card.person)


def _by_paper(tx: GroundTx, here: MoveWindow, found: Found, given: Paper) -> Ground:
    move, today = _opened(tx, found, given), here.window.today
    _refuse_ended(move)
    open_books(tx, move.origin, here.register)
    if move.origin == here.register:
        raise Refusal(Reason.DESTINATION_IS_ORIGIN)
    refuse_moved_day(given.moved_on, move.planned_on, today, "paper.moved_date")
    is_late = is_notice_late(given.moved_on, today)
    if is_late and not given.late_reason.strip():
        last_day = last_day_of_notice(given.moved_on)
        raise Refusal(Reason.LATE_REASON_REQUIRED, lastDay=last_day.isoformat())
    reason = given.late_reason if is_late else ""
    return Ground(move, given.moved_on, is_late=is_late, late_reason=reason)


def _opened(tx: GroundTx, found: Found, given: Paper) -> Move:
    """Return the move that a paper opens. Raises CERTIFICATE_NOT_FOUND, RESIDENCE_DISCONNECTED.

    A wrong number and a wrong code are answered alike, unless the origin is disconnected: then no
    code can be compared, and a number that exists is answered so. The log shows which was tried.
    """
    found.is_about(resource=given.number)
    move = tx.moves.move(given.number)
    kept = None if move is None else tx.moves.papers(move).verification_code
    # Compared in any case. Opening takes its time, and tells at most that a number exists.
    is_right = given.code.is_same(kept or VerificationCode.drawn(b""))
    if move is None or kept is None or not is_right:
        raise Refusal(Reason.CERTIFICATE_NOT_FOUND)
    found.is_about(*move.persons, resource=move.number)
    return move


def _refuse_ended(move: Move) -> None:
    """Refuse a move in which nobody arrives any more, before anybody is looked for in it."""
    reason = _ENDED.get(move.state)
    if reason is not None:
        raise Refusal(reason)
    after(move.state, MoveEvent.ARRIVED)
