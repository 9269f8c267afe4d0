"""The act of recording an arrival notice that came another way than over this network (article 9).

It may come before the planned day (STD-4.1.3.1.1), and again: the record changes once, and the move
keeps the planned and the actual day.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.window import Done, Found
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.books import open_books
from juki_center.areas.moves.commands import RecordArrival
from juki_center.areas.moves.departures import Entry, depart_moving
from juki_center.areas.moves.guards import OriginTx, end_residence, register_of
from juki_center.areas.moves.moved_days import refuse_moved_day
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import Move, MoveMember
from juki_center.areas.moves.states import MemberState, MoveEvent, MoveState
from juki_center.areas.moves.window import MoveWindow, ended, leaving, once, window_of
from juki_center.areas.residents.entries import of_field
from juki_center.errors import NotAllowed, RuleBroken


def record_arrival(tx: OriginTx, command: RecordArrival, now: datetime, policy: MovePolicy) -> Move:
    """Record that the persons of a notice by paper have arrived where no register is hosted.

    Raises Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        before = leaving(tx, here, found, command.number)
        open_books(tx, here.register)
        _refuse_claim(tx, here, before, command)
        is_known = _is_known(here, before, command)
        move = before if is_known else _arrive(tx, here, before, command)
        return Done(
            encode_answer(move),
            Event.ARRIVAL_RECORDED,
            subjects=move.persons,
            resource=move.number,
            details=(
                ("destination", str(command.destination)),
                ("moved", command.moved_on.isoformat()),
                ("again", str(is_known).lower()),
            ),
        )

    return decode_answer(once(tx, here, command.at, command, act), Move)


def _refuse_claim(tx: OriginTx, here: MoveWindow, move: Move, command: RecordArrival) -> None:
    """Raise RuleBroken for a place or a day that no such notice can name.

    Of the place: MUNICIPALITY_UNKNOWN, MUNICIPALITY_NOT_VALID, IS_ORIGIN; and HOSTED_HERE, because
    where the register is in this network, only the move in itself is an arrival. Of the day: FUTURE
    and RANGE.
    """
    refuse_moved_day(command.moved_on, move.planned_on, here.window.today, "moved_date")
    with of_field("destination_code"):
        here.policy.municipalities.office_on(command.destination, command.moved_on)
    destination = register_of(here, command.destination)
    if destination == here.register:
        raise RuleBroken("IS_ORIGIN", "destination_code")
    if tx.registers.is_hosted(destination):
        raise RuleBroken("HOSTED_HERE", "destination_code")


def _is_known(here: MoveWindow, move: Move, command: RecordArrival) -> bool:
    """Tell whether this very arrival was recorded before."""
    arrival = (register_of(here, command.destination), command.moved_on)
    return move.state is MoveState.COMPLETED and (move.arrived_in, move.moved_on) == arrival


def _arrive(tx: OriginTx, here: MoveWindow, before: Move, command: RecordArrival) -> Move:
    if before.state is not MoveState.ORDINARY:
        # By card nobody arrives but through the destination's window in this network.
        raise NotAllowed(before.state, MoveEvent.ARRIVED)
    window = here.window
    entry = Entry(window.now, window.clerk_name)
    left = depart_moving(tx, before, entry, day=command.moved_on)
    end_residence(tx, here, before.moving)
    move = replace(
        left.after(MoveEvent.ARRIVED),
        members=tuple(map(_moved, left.members)),
        arrived_in=register_of(here, command.destination),
        moved_on=command.moved_on,
    )
    move = ended(move, window.now)
    tx.moves.update(move)
    return move


def _moved(member: MoveMember) -> MoveMember:
    is_moving = member.state is MemberState.MOVING
    return replace(member, state=MemberState.MOVED) if is_moving else member
