"""The act of a move in: the persons leave the origin's book and are in the destination's.

Everything is written, or nothing is: a version that ends each record in the origin's book, unless
the planned day had ended it already, the one that begins it here, what becomes of those who stay,
of cards and of copies, and the arrival notice to the origin (article 9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.continuations import (
    MoveCardsTx,
    MovedHolder,
    end_on_move,
    refuse_cards_of_others,
)
from juki_center.areas.cards.window import Done, Found
from juki_center.areas.copies.prints import PrintTx
from juki_center.areas.copies.voids import void_unprinted
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.answers import (
    MovedIn,
    Registered,
)
from juki_center.areas.moves.arriving import ArrivingTx, Comer, find_comers, find_household
from juki_center.areas.moves.commands import RegisterMoveIn
from juki_center.areas.moves.departures import Entry, depart, restore_members
from juki_center.areas.moves.expectations import tell_arrived_elsewhere
from juki_center.areas.moves.grounds import Ground, GroundTx, find_ground
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import AlertKind, ArrivalPapers, Move, MoveAlert, MoveMember
from juki_center.areas.moves.states import MemberState, MoveEvent
from juki_center.areas.moves.window import AlertTx, MoveWindow, alert, ended, once, window_of
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.household_order import needs_head
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    HouseholdID,
    PersonID,
    Resident,
)
from juki_center.areas.residents.rules import ResidenceEvent, after
from juki_center.areas.residents.versions import WriteTx, write_version
from juki_center.errors import RuleBroken

MOST_CARDS: Final = 20


class MoveInTx(GroundTx, ArrivingTx, AlertTx, MoveCardsTx, PrintTx, WriteTx, Protocol):
    """What a move in needs of a transaction."""


def register_move_in(
    tx: MoveInTx, command: RegisterMoveIn, now: datetime, policy: MovePolicy
) -> MovedIn:
    """Enter persons who have come to live here, on the ground of a card or of a paper.

    Raises Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        ground = find_ground(tx, here, found, command.ground)
        answer = _move_in(tx, here, ground, command)
        return Done(
            encode_answer(answer),
            Event.MOVED_IN,
            subjects=tuple(one.record.person for one in answer.registered),
            resource=ground.move.number,
            details=(("kind", ground.move.kind),),
            residence=ground.move.origin,
        )

    return decode_answer(once(tx, here, command.at, command, act), MovedIn)


def _move_in(tx: MoveInTx, here: MoveWindow, ground: Ground, command: RegisterMoveIn) -> MovedIn:
    comers = find_comers(tx, here, ground, command.arrivals, command.place)
    persons = tuple(one.member.person for one in comers)
    if len(command.handed_in) > MOST_CARDS:
        raise RuleBroken(f"RANGE_0_{MOST_CARDS}", "handed_in_card_numbers")
    refuse_cards_of_others(tx, persons, command.handed_in)
    household = find_household(tx, here, command.arrivals, command.place)
    written = [_enter(tx, here, ground, one, household) for one in comers]
    registered = tuple(
        _with_cards(tx, here, MovedHolder(one, ground.is_by_card, command.handed_in), resident)
        for one, (_, resident) in zip(persons, written, strict=True)
    )
    void_unprinted(tx, persons, here.window.now, here.window.terminal.uri)
    completed = _complete(tx, here, ground, [member for member, _ in written])
    tx.moves.put_arrival(
        completed,
        ArrivalPapers(here.window.clerk_name, command.by_agent, ground.late_reason),
    )
    return MovedIn(
        completed,
        registered,
        alerts=_tell(tx, here, ground, completed, comers),
        household_needs_head=needs_head(tx.residents.household(here.register, household)),
    )


def _enter(
    tx: MoveInTx, here: MoveWindow, ground: Ground, comer: Comer, household: HouseholdID
) -> tuple[MoveMember, Resident]:
    """Write both books for one person; return what the move says of the person, and the record."""
    member, left, now = comer.member, comer.before, here.window.now
    if not member.left_version:
        # The origin's book names no clerk of another office.
        left = depart(tx, left, Entry(now), day=ground.moved_on)
    entry = Resident(
        person=left.person,
        municipality=here.register,
        household=household,
        state=after(left.state, ResidenceEvent.ARRIVED),
        version=left.version,
        record=comer.record,
        change=_change(here, ground),
    )
    written = write_version(tx, left, entry)
    moved = replace(
        member,
        state=MemberState.MOVED,
        left_version=member.left_version or left.version,
        arrived_version=written.version,
    )
    return moved, written


def _change(here: MoveWindow, ground: Ground) -> ChangeInformation:
    reason = ChangeReason.SPECIAL_MOVE_IN if ground.is_by_card else ChangeReason.MOVE_IN
    window = here.window
    return ChangeInformation(
        reason, civil_day(ground.moved_on), window.now, clerk_name=window.clerk_name
    )


def _with_cards(
    tx: MoveInTx, here: MoveWindow, holder: MovedHolder, resident: Resident
) -> Registered:
    cards = end_on_move(tx, here.window, holder)
    return Registered(resident, cards.lapsed, cards.continue_until, cards.faces)


def _complete(tx: MoveInTx, here: MoveWindow, ground: Ground, moved: Sequence[MoveMember]) -> Move:
    """Write that the move is completed; whoever was not ticked stays, in the origin's book."""
    now = here.window.now
    arrived = {one.person: one for one in moved}
    staying = frozenset(ground.move.moving) - arrived.keys()
    kept = restore_members(tx, ground.move, staying, Entry(now))
    completed = ended(
        replace(
            kept.after(MoveEvent.ARRIVED),
            members=tuple(_outcome(one, arrived, staying) for one in kept.members),
            arrived_in=here.register,
            moved_on=ground.moved_on,
            registered_late=ground.is_late,
        ),
        now,
    )
    tx.moves.update(completed)
    for one in completed.members:
        if one.state is not MemberState.MOVED:
            # What was sent of somebody who has not come is no matter of this office.
            tx.moves.take_correction(completed.number, one.person)
    if _take_corrections(tx, here, completed) and not ground.is_by_card:
        alert(tx, completed, AlertKind.CORRECTION, here.register, now=now)
    return completed


def _take_corrections(tx: MoveInTx, here: MoveWindow, completed: Move) -> bool:
    """Let the corrections that wait be this office's, sealed for it; tell whether there are any.

    With a card the claim has told of them.
    """
    waiting = tx.moves.corrections(completed)
    for one in waiting:
        tx.moves.put_correction(replace(one, municipality=here.register))
    return bool(waiting)


def _outcome(
    member: MoveMember, arrived: dict[PersonID, MoveMember], staying: frozenset[PersonID]
) -> MoveMember:
    if member.person in staying:
        return replace(member, state=MemberState.STAYED)
    return arrived.get(member.person, member)


def _tell(
    tx: MoveInTx, here: MoveWindow, ground: Ground, completed: Move, comers: Sequence[Comer]
) -> tuple[MoveAlert, ...]:
    """Tell the origin of the arrival, and of who stays; return what the clerk here must know."""
    now, origin = here.window.now, completed.origin
    alert(tx, completed, AlertKind.ARRIVED, origin, now=now)
    tell_arrived_elsewhere(tx, here, completed)
    if len(comers) < len(ground.move.moving):
        alert(tx, completed, AlertKind.MEMBER_STAYED, origin, now=now)
    kinds = sorted(frozenset[AlertKind]().union(*(one.alerts for one in comers)))
    return tuple(
        one for kind in kinds for one in alert(tx, completed, kind, here.register, now=now)
    )
