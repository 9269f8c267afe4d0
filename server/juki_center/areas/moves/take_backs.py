"""The act of taking a completed move back: the persons are again where they were.

Nothing is removed. The destination's book gets a version that cancels the arrival, and the origin's
one that holds the person again as before; both offices are told. It is possible only as long as
nothing rests on the move: no newer entry, and no further notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.continuations import MoveCardsTx, bring_back
from juki_center.areas.cards.window import Done, Found
from juki_center.areas.copies.prints import PrintTx
from juki_center.areas.copies.voids import void_unprinted
from juki_center.areas.days import day_in_japan
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.arriving import LockTx, refuse_any_lock
from juki_center.areas.moves.books import BooksTx, open_books
from juki_center.areas.moves.commands import (
    Arrival,
    CancelMoveIn,
)
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import AlertKind, Move, MoveMember
from juki_center.areas.moves.states import MemberState, MoveEvent
from juki_center.areas.moves.window import (
    AlertTx,
    MoveWindow,
    alert,
    arrived,
    ended,
    once,
    window_of,
)
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    PersonID,
    Resident,
)
from juki_center.areas.residents.rules import ResidenceEvent, after
from juki_center.areas.residents.versions import WriteTx, write_version
from juki_center.errors import Reason, Refusal, RuleBroken


class TakeBackTx(AlertTx, BooksTx, LockTx, MoveCardsTx, PrintTx, WriteTx, Protocol):
    """What taking a move back needs of a transaction."""


def cancel_move_in(
    tx: TakeBackTx, command: CancelMoveIn, now: datetime, policy: MovePolicy
) -> Move:
    """Take a completed move back, for everybody who moved; cards that have lapsed stay so.

    Raises Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        move = arrived(tx, here, found, command.number)
        taken_back = ended(move.after(MoveEvent.TAKEN_BACK), now)
        open_books(tx, move.origin, here.register)
        members = _who_moved(tx, move, command.moved)
        _refuse_used(tx, here, members, command.moved)
        for member in members:
            _give_back(tx, here, move, member)
        _follow(tx, here, move, [one.person for one in members])
        tx.moves.update(taken_back)
        alert(tx, move, AlertKind.CANCELLED_AFTER, move.origin, here.register, now=now)
        return Done(
            encode_answer(taken_back),
            Event.MOVE_IN_CANCELLED,
            subjects=move.persons,
            resource=move.number,
            residence=move.origin,
        )

    return decode_answer(once(tx, here, command.at, command, act), Move)


def _who_moved(tx: TakeBackTx, move: Move, named: Sequence[Arrival]) -> list[MoveMember]:
    """Return the members in the order in which they are named.

    Raises RuleBroken, ALL_WHO_MOVED, unless everybody who moved is named once, and nobody else.
    """
    moved = {one.person: one for one in move.members if one.state is MemberState.MOVED}
    holders = [tx.residents.by_any_code(one.code) for one in named]
    persons = [None if one is None else one.where.person for one in holders]
    if len(persons) != len(moved) or set(persons) != moved.keys():
        raise RuleBroken("ALL_WHO_MOVED", "moved")
    return [moved[one] for one in persons if one is not None]


def _refuse_used(
    tx: TakeBackTx, here: MoveWindow, members: Sequence[MoveMember], named: Sequence[Arrival]
) -> None:
    """Raise Refusal RECORD_CHANGED, MOVE_OPEN or RECORD_LOCKED: something rests on the move."""
    for member, seen in zip(members, named, strict=True):
        where = tx.residents.whereabouts(member.person)
        is_newest = where is not None and where.version == member.arrived_version
        if not is_newest or seen.expected_version != member.arrived_version:
            # Whoever has moved on has newer versions, which no other book's window is told of.
            own = tx.residents.own_last(member.person, here.register)
            shown = member.arrived_version if own is None else own.version
            raise Refusal(Reason.RECORD_CHANGED, version=str(shown))
        if tx.moves.open_of_person(member.person) is not None:
            raise Refusal(Reason.MOVE_OPEN)
    refuse_any_lock(tx, here, [one.person for one in members])


def _give_back(tx: TakeBackTx, here: MoveWindow, move: Move, member: MoveMember) -> None:
    """Write both books for one person: the arrival is cancelled, the departure too."""
    present = tx.residents.resident(member.person)
    deleted = write_version(
        tx,
        present,
        replace(
            present,
            state=after(present.state, ResidenceEvent.ARRIVAL_CANCELLED),
            change=_cancels(here, member.arrived_version, here.window.clerk_name),
        ),
    )
    left = tx.residents.version(member.person, member.left_version)
    # Leaving changed no entry; a measure or a hold of the time since then holds on.
    record = replace(left.record, measure=present.record.measure, hold=present.record.hold)
    again = Resident(
        person=member.person,
        municipality=move.origin,
        household=left.household,
        state=after(deleted.state, ResidenceEvent.GIVEN_BACK),
        version=deleted.version,
        record=record,
        change=_cancels(here, member.left_version),
    )
    write_version(tx, deleted, again)


def _cancels(here: MoveWindow, version: int, clerk_name: str = "") -> ChangeInformation:
    """Return what a cancellation says; the origin's book names no clerk of another office."""
    window = here.window
    return ChangeInformation(
        ChangeReason.CANCELLATION,
        civil_day(window.today),
        window.now,
        cancels=version,
        clerk_name=clerk_name,
    )


def _follow(tx: TakeBackTx, here: MoveWindow, move: Move, persons: Sequence[PersonID]) -> None:
    """Let cards, copies and corrections that wait follow the persons."""
    window = here.window
    registered_on = window.today if move.ended_at is None else day_in_japan(move.ended_at)
    for person in persons:
        bring_back(tx, window, person, move.origin, registered_on)
        tx.moves.take_correction(move.number, person)
    void_unprinted(tx, persons, window.now, window.terminal.uri)
