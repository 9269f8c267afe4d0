"""What else ends a move: a person of the notice dies, is deleted, or is back in the origin's book.

Registers are changed at the desk and by a municipality's own system, which know nothing of notices.
What they write is followed here, so that nobody is waited for who cannot come, and nobody is
deleted twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.cards.application_ends import cancel_open
from juki_center.areas.cards.application_rules import ApplicationEvent
from juki_center.areas.cards.holders import HolderTx, end_cards
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.states import ChangeStatus, change_status
from juki_center.areas.moves.expectations import tell_nobody_comes
from juki_center.areas.moves.rows import AlertKind, Move, Moves
from juki_center.areas.moves.states import MemberState, MoveEvent, MoveState
from juki_center.areas.moves.window import TellTx, alert, ended
from juki_center.areas.residents.records import ChangeReason, PersonID, ResidenceState, Resident

_BY_CARD: Final = frozenset({MoveState.NOTIFIED, MoveState.TRANSFERRED})
_NEVER_HANDED_OVER: Final = frozenset({CardStatus.MAKING, CardStatus.MADE, CardStatus.HELD})


class OfMovesTx(Protocol):
    """What asking about the moves of a person needs of a transaction."""

    @property
    def moves(self) -> Moves: ...


class EndTx(HolderTx, TellTx, Protocol):
    """What following a record's end needs of a transaction."""


@dataclass(frozen=True, slots=True)
class RecordEnd:
    """Two versions of a record between which its state has changed; who wrote it, and when."""

    before: Resident
    written: Resident
    caller_uri: str
    now: datetime

    @property
    def person(self) -> PersonID:
        """Whose record it is."""
        return self.written.person

    @property
    def is_departure(self) -> bool:
        """Tell whether the municipality's own system says that the person has moved out."""
        change = self.written.change
        is_move = change is None or change.reason is ChangeReason.MOVE_OUT
        return self.written.state is ResidenceState.MOVED_OUT and is_move


def follow_record(tx: EndTx, end: RecordEnd) -> int:
    """Let an open notice and the cards follow a record; return how many cards have ended.

    Somebody who has moved out as notified stays in the notice, and the planned day deletes nothing
    a second time. Anybody else is in it no longer, and with the last one it is withdrawn; what a
    destination has fetched is out of date then. Needs no municipality's key.
    """
    move = tx.moves.open_of_person(end.person)
    if move is None:
        return _end_cards(tx, end)
    if end.is_departure:
        tx.moves.update(_with_member(move, end, left_version=end.written.version))
        return end_cards_of_departed(tx, move, end.person, caller_uri=end.caller_uri, now=end.now)
    _leave(tx, move, end)
    return _end_cards(tx, end)


def end_cards_of_departed(
    tx: HolderTx, move: Move, person: PersonID, *, caller_uri: str, now: datetime
) -> int:
    """End the cards of somebody who left, but for one that opens the next window; return how many.

    By paper all of them lapse. Needs no municipality's key.
    """
    gone = CardEvent.HOLDER_GONE
    if move.state not in _BY_CARD:
        return end_cards(tx, person, gone, caller_uri=caller_uri, now=now)
    cancel_open(tx, person, ApplicationEvent.HOLDER_GONE, caller_uri=caller_uri, now=now)
    unused = [one for one in tx.cards.of_person(person) if one.status in _NEVER_HANDED_OVER]
    for card in unused:
        change_status(tx, ChangeStatus(caller_uri, card.serial, gone), now)
    return len(unused)


def is_of_a_move(tx: OfMovesTx, newest: Resident, before: Resident) -> bool:
    """Tell whether a move made the newest version, so that only the move can be taken back.

    `before` is what stood in the same book. A withdrawn notice has restored what its departure had
    ended: cancelling that would delete a record for a move that nobody makes.
    """
    if tx.moves.has_written(newest.person, newest.version):
        return True
    reason = newest.change.reason if newest.change else None
    is_restored = before.state is ResidenceState.MOVED_OUT and reason is ChangeReason.CANCELLATION
    return is_restored and tx.moves.newest_of_person(newest.person) is not None


def _end_cards(tx: EndTx, end: RecordEnd) -> int:
    if end.before.state is not ResidenceState.ACTIVE:
        return 0
    return end_cards(tx, end.person, CardEvent.HOLDER_GONE, caller_uri=end.caller_uri, now=end.now)


def _leave(tx: EndTx, move: Move, end: RecordEnd) -> None:
    left = _with_member(move, end, state=MemberState.GONE)
    left = replace(left, version=move.version + 1)
    if not left.moving:
        left = ended(left.after(MoveEvent.ALL_GONE), end.now)
    tx.moves.update(left)
    tx.moves.take_correction(move.number, end.person)
    if not left.is_open:
        _tell_withdrawn(tx, move, end.now)
    tx.audit.append(
        AuditEvent(
            event=Event.MOVE_OUT_CHANGED if left.is_open else Event.MOVE_OUT_CANCELLED,
            at=end.now,
            caller_uri=end.caller_uri,
            residence=move.origin,
            subjects=(end.person,),
            resource=move.number,
            details=(("what", MemberState.GONE),),
        )
    )


def _tell_withdrawn(tx: TellTx, move: Move, now: datetime) -> None:
    """Tell who has fetched a move, and who was told to expect it, that nobody comes."""
    claimant = None if move.transfer is None else move.transfer.municipality
    if claimant is not None:
        alert(tx, move, AlertKind.TRANSFER_GIVEN_BACK, claimant, now=now)
    tell_nobody_comes(tx, move, now, but=claimant)


def _with_member(
    move: Move, end: RecordEnd, *, left_version: int = 0, state: MemberState = MemberState.MOVING
) -> Move:
    return replace(
        move,
        members=tuple(
            replace(one, left_version=left_version or one.left_version, state=state)
            if one.person == end.person
            else one
            for one in move.members
        ),
    )
