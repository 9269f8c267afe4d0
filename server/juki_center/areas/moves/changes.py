"""The act of changing a notice before an arrival: where to, when, or who moves.

A special notice stays one or is not changed: the special case is given up by an act of its own.
Whom the former day had deleted is in the book again where it is not their day any more; the new day
ends their records when it has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.window import Done, Found
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.answers import MoveChanged
from juki_center.areas.moves.books import open_books
from juki_center.areas.moves.commands import (
    ChangeMoveOut,
    Plan,
)
from juki_center.areas.moves.deadlines import last_day_of_plan
from juki_center.areas.moves.departures import Entry, departed_persons, present, restore_members
from juki_center.areas.moves.expectations import tell_planned
from juki_center.areas.moves.guards import OriginTx, find_movers, refuse_plan, why_not_special
from juki_center.areas.moves.notices import facts_of, settled
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import Move, MoveMember, MovePapers
from juki_center.areas.moves.states import MemberState, MoveEvent, MoveKind
from juki_center.areas.moves.window import MoveWindow, leaving, once, window_of
from juki_center.areas.residents.records import Resident
from juki_center.errors import Reason, Refusal, RuleBroken


def change_move_out(
    tx: OriginTx, command: ChangeMoveOut, now: datetime, policy: MovePolicy
) -> MoveChanged:
    """Change a notice; one by paper gets a new paper in place of the former one.

    Raises Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        before = leaving(tx, here, found, command.number)
        open_books(tx, here.register)
        before = before.after(MoveEvent.CHANGED)
        if command.expected_version != before.version:
            raise Refusal(Reason.NOTICE_CHANGED, version=str(before.version))
        movers = find_movers(tx, here, found, command.movers, before)
        refuse_plan(here, command.plan, movers)
        changed = _change(tx, here, before, command.plan, movers)
        tell_planned(tx, here, before, changed.move)
        return Done(
            encode_answer(changed),
            Event.MOVE_OUT_CHANGED,
            subjects=tuple(dict.fromkeys((*before.persons, *changed.move.persons))),
            resource=before.number,
            details=facts_of(changed.move),
        )

    return decode_answer(once(tx, here, command.at, command, act), MoveChanged)


def _change(
    tx: OriginTx, here: MoveWindow, before: Move, plan: Plan, movers: Sequence[Resident]
) -> MoveChanged:
    papers = tx.moves.papers(before)
    _refuse_same(before, papers, plan, movers)
    if before.kind is MoveKind.SPECIAL:
        _refuse_not_special(tx, here, before, plan, movers)
    move = _replanned(_back(tx, here, before, plan.planned_on, movers), plan, movers)
    papers = replace(papers, destination_address=plan.address)
    move, papers, certificate = settled(tx, here, move, papers)
    tx.moves.update(move)
    tx.moves.put_papers(move, papers)
    return MoveChanged(move, certificate)


def _refuse_same(move: Move, papers: MovePapers, plan: Plan, movers: Sequence[Resident]) -> None:
    same_plan = (move.destination, move.planned_on, papers.destination_address) == (
        plan.destination,
        plan.planned_on,
        plan.address,
    )
    if same_plan and set(move.moving) == {one.person for one in movers}:
        raise RuleBroken("NOTHING_CHANGED", "plan")


def _refuse_not_special(
    tx: OriginTx, here: MoveWindow, move: Move, plan: Plan, movers: Sequence[Resident]
) -> None:
    why = why_not_special(tx, here, plan, move.notified_on, movers)
    if why is not None:
        raise Refusal(Reason.SPECIAL_NOT_POSSIBLE, why=why)


def _back(
    tx: OriginTx, here: MoveWindow, move: Move, planned_on: date, movers: Sequence[Resident]
) -> Move:
    """Bring back whom the former day had deleted and who stays, or has another day now."""
    is_same_day = planned_on == move.planned_on
    stays_away = {one.person for one in movers} if is_same_day else set()
    concerned = set(departed_persons(move)) - stays_away
    window = here.window
    return restore_members(tx, move, concerned, Entry(window.now, window.clerk_name))


def _replanned(move: Move, plan: Plan, movers: Sequence[Resident]) -> Move:
    """Return the notice's next version; who has not departed does so on the planned day."""
    is_same_day = plan.planned_on == move.planned_on
    replanned = replace(
        move,
        destination=plan.destination,
        version=move.version + 1,
        planned_on=plan.planned_on,
        members=_members(move, movers),
        last_day=last_day_of_plan(plan.planned_on) if move.kind is MoveKind.SPECIAL else None,
        missing_since=move.missing_since if is_same_day else None,
    )
    return replace(replanned, departed=move.departed and not present(replanned))


def _members(move: Move, movers: Sequence[Resident]) -> tuple[MoveMember, ...]:
    """Return the persons in the order of the request, and after them who was lost on the way."""
    known = {one.person: one for one in move.members if one.state is MemberState.MOVING}
    named = [known.get(one.person, MoveMember(one.person)) for one in movers]
    persons = {one.person for one in named}
    gone = [one for one in move.members if one.person not in {*known, *persons}]
    return (*named, *gone)
