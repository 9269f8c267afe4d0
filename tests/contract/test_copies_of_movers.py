"""Copies from the planned day of a move on: what is refused, what is void, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from juki_center.areas.copies.commands import RecallReason, Scope
from juki_center.areas.moves import day_end
from juki_center.areas.moves.planned import counted_on
from juki_center.areas.moves.states import MemberState
from juki_center.areas.residents.records import ResidenceState
from juki_center.errors import Reason, Refusal
from tests.support.center import SAMPLES, Center
from tests.support.planned_moves import FAMILY, PLANNED, PlannedMoves, midnight

TARO, HANAKO, SAKURA = FAMILY
ALONE = "takahashi-ichiro"
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize("scope", [Scope.SELF, Scope.HOUSEHOLD])
async def test_copy_is_refused_from_the_planned_day_on_before_the_book_says_so(
    center: Center, scope: Scope
) -> None:
    """Case 18: who has moved out is refused RECORD_DELETED, in the hour before the job too."""
    moves = PlannedMoves(center.store)
    await moves.special()
    late = midnight(PLANNED)
    center.now = late - MOMENT
    in_time = await center.issue(await center.command(TARO, scope=scope))
    center.now = late
    command = await center.command(TARO, scope=scope)

    with pytest.raises(Refusal) as refused:
        await center.issue(command)

    assert in_time.issue.issue_number
    assert refused.value.reason is Reason.RECORD_DELETED
    assert moves.record(TARO).state is ResidenceState.ACTIVE


@pytest.mark.parametrize("state", [MemberState.STAYED, MemberState.GONE])
async def test_copy_of_who_does_not_move_any_more_is_issued(
    center: Center, state: MemberState
) -> None:
    moves = PlannedMoves(center.store)
    number = await moves.special()
    await moves.set_member(number, TARO, state)
    center.now = midnight(PLANNED)

    copy = await center.issue(await center.command(TARO))

    assert SAMPLES[TARO].record.name.encode() in copy.signed_content


async def test_copy_of_who_is_in_the_book_again_is_issued(center: Center) -> None:
    """After the departure was written the book alone says who lives there."""
    moves = PlannedMoves(center.store)
    departed = replace(moves.move(await moves.ordinary()), departed=True)
    await center.store.act(lambda tx: tx.moves.update(departed))
    center.now = midnight(PLANNED + DAY)

    copy = await center.issue(await center.command(TARO))

    assert copy.issue.issue_number


async def test_who_has_died_before_the_planned_day_counts_as_dead(center: Center) -> None:
    moves = PlannedMoves(center.store)
    await moves.special()
    died = replace(moves.record(HANAKO), state=ResidenceState.DECEASED)
    residents = [moves.record(TARO), died, moves.record(ALONE)]

    counted = moves.store.read(lambda tx: counted_on(tx, residents, PLANNED))

    assert [one.state for one in counted] == [
        ResidenceState.MOVED_OUT,
        ResidenceState.DECEASED,
        ResidenceState.ACTIVE,
    ]


async def test_copy_that_is_not_printed_when_the_person_leaves_is_void(center: Center) -> None:
    moves = PlannedMoves(center.store)
    number = await moves.special((HANAKO,))
    center.now = midnight(PLANNED) - timedelta(minutes=10)
    of_leaving = await center.issue(await center.command(HANAKO))
    of_staying = await center.issue(await center.command(TARO))

    await moves.end(day_end.depart, number, midnight(PLANNED))

    rows = [
        center.store.read(lambda tx, no=copy.issue.issue_number: tx.issues.by_number(no))
        for copy in (of_leaving, of_staying)
    ]
    assert [row.recall_reason if row else None for row in rows] == [
        RecallReason.RESIDENT_MOVED,
        None,
    ]
    assert moves.day_leaves()[-1]["more"] == {"what": "DEPARTED", "left": "1", "copies": "1"}


async def test_copy_of_who_stays_shows_nobody_who_has_left(center: Center) -> None:
    moves = PlannedMoves(center.store)
    await moves.special((HANAKO, SAKURA))
    center.now = midnight(PLANNED)

    copy = await center.issue(await center.command(TARO, scope=Scope.HOUSEHOLD))

    assert SAMPLES[TARO].record.name.encode() in copy.signed_content
    assert SAMPLES[HANAKO].record.name.encode() not in copy.signed_content
