"""The act of withdrawing a notice before an arrival: everybody stays (STD-4.6.0.1).

Nothing is taken out of the history, and no card that has lapsed comes back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.window import Done, Found
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.answers import MoveCancelled
from juki_center.areas.moves.books import open_books
from juki_center.areas.moves.commands import CancelMoveOut
from juki_center.areas.moves.departures import Entry, departed_persons, restore_members
from juki_center.areas.moves.expectations import tell_planned
from juki_center.areas.moves.guards import OriginTx
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import Move, MoveMember
from juki_center.areas.moves.states import MemberState, MoveEvent
from juki_center.areas.moves.window import ended, leaving, once, window_of


def cancel_move_out(
    tx: OriginTx, command: CancelMoveOut, now: datetime, policy: MovePolicy
) -> MoveCancelled:
    """Withdraw a notice; who was deleted by the planned day is in the book again.

    Raises Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        before = leaving(tx, here, found, command.number)
        open_books(tx, here.register)
        move = before.after(MoveEvent.WITHDRAWN)
        departed = departed_persons(before)
        move = restore_members(tx, move, departed, Entry(now, here.window.clerk_name))
        move = ended(replace(move, departed=False, members=_staying(move)), now)
        tx.moves.update(move)
        for person in move.persons:
            # What was sent after information that somebody has given back concerns nobody now.
            tx.moves.take_correction(move.number, person)
        tell_planned(tx, here, before, None)
        return Done(
            encode_answer(MoveCancelled(move, len(departed))),
            Event.MOVE_OUT_CANCELLED,
            subjects=move.persons,
            resource=move.number,
            details=(("restored", str(len(departed))),),
        )

    return decode_answer(once(tx, here, command.at, command, act), MoveCancelled)


def _staying(move: Move) -> tuple[MoveMember, ...]:
    return tuple(
        replace(one, state=MemberState.STAYED) if one.state is MemberState.MOVING else one
        for one in move.members
    )
