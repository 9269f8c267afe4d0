"""A move in against a certificate of moving out: what opens it, and when it comes late."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date

import pytest

from juki_center.areas.moves.commands import (
    Arrival,
    Paper,
)
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import ArrivalPapers
from juki_center.areas.moves.states import MoveKind, MoveState
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    CLERK,
    CODE,
    DESTINATION,
    FAMILY,
    HANAKO,
    MOVED,
    NEW_CODE,
    ORIGIN,
    OTHER_CODE,
    SAKURA,
    SETAGAYA,
    TARO,
    Arrivals,
    code_of,
)
from tests.support.center import TOKOROZAWA

ACTIVE = ResidenceState.ACTIVE


@pytest.fixture
def chiyoda(store: SQLiteStore) -> Arrivals:
    """Give the window of the planned destination."""
    return Arrivals(store)


async def test_a_paper_brings_everybody_whom_it_names(chiyoda: Arrivals) -> None:
    move = await chiyoda.paper_notice()

    answer = await chiyoda.do(register_move_in, chiyoda.by_paper(move, by_agent=True))

    assert (answer.move.kind, answer.move.registered_late) == (MoveKind.ORDINARY, False)
    assert [chiyoda.where(key) for key in FAMILY] == [(DESTINATION, ACTIVE)] * 3
    change = chiyoda.record(TARO).change
    assert change is not None
    assert change.reason is ChangeReason.MOVE_IN
    papers = chiyoda.store.read(lambda tx: tx.moves.arrival(answer.move))
    assert papers == ArrivalPapers(CLERK, by_agent=True)


async def test_a_paper_is_good_at_another_municipality_than_the_planned_one(
    chiyoda: Arrivals,
) -> None:
    move = await chiyoda.paper_notice(TARO)
    setagaya = chiyoda.at_window(SETAGAYA)

    answer = await setagaya.do(register_move_in, setagaya.by_paper(move, TARO))

    assert answer.move.arrived_in == SETAGAYA.municipality


async def test_a_paper_with_a_former_code_names_the_same_person(chiyoda: Arrivals) -> None:
    move = await chiyoda.paper_notice(TARO)
    await chiyoda.change_record(TARO, code=NEW_CODE, former_codes=(code_of(TARO),))

    answer = await chiyoda.do(register_move_in, chiyoda.by_paper(move, TARO))

    assert answer.registered[0].record.record.code == NEW_CODE


async def test_a_former_and_a_present_code_are_one_person(chiyoda: Arrivals) -> None:
    move = await chiyoda.paper_notice(TARO)
    await chiyoda.change_record(TARO, code=NEW_CODE, former_codes=(code_of(TARO),))
    command = chiyoda.by_paper(move, TARO)
    arrivals = (*command.arrivals, Arrival(NEW_CODE, 0, "妻"))

    refused = await chiyoda.refused(register_move_in, replace(command, arrivals=arrivals))

    assert refused.metadata == {"field": "arrivals", "rule": "TWICE"}


async def test_a_wrong_number_and_a_wrong_code_are_answered_alike(chiyoda: Arrivals) -> None:
    paper = await chiyoda.paper_notice(TARO)
    abroad = await chiyoda.paper_notice(HANAKO, destination=None)
    special = await chiyoda.notice(SAKURA)
    unknown = MoveNumber.drawn(uuid.uuid4().bytes[:8])
    tried = [
        Paper(paper.number, OTHER_CODE, MOVED),
        Paper(unknown, CODE, MOVED),
        Paper(abroad.number, CODE, MOVED),
        Paper(special.number, CODE, MOVED),
    ]

    refused = [
        await chiyoda.refused(register_move_in, chiyoda.by_paper(paper, TARO, ground=one))
        for one in tried
    ]

    assert [(one.reason, one.metadata) for one in refused] == [
        (Reason.CERTIFICATE_NOT_FOUND, {})
    ] * 4
    assert [(one.event.subjects, one.event.resource) for one in refused] == [
        ((), one.number) for one in tried
    ]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (MoveState.COMPLETED, Reason.MOVE_ALREADY_COMPLETED),
        (MoveState.CANCELLED, Reason.MOVE_WITHDRAWN),
        (MoveState.CANCELLED_AFTER, Reason.NOT_IN_THIS_STATE),
    ],
)
async def test_a_paper_that_was_used_or_withdrawn_brings_nobody(
    chiyoda: Arrivals, state: MoveState, reason: Reason
) -> None:
    move = await chiyoda.paper_notice(TARO)
    await chiyoda.change(move, state=state)

    refused = await chiyoda.refused(register_move_in, chiyoda.by_paper(move, TARO))

    assert refused.reason is reason


async def test_nobody_moves_in_where_the_paper_comes_from(chiyoda: Arrivals) -> None:
    move = await chiyoda.paper_notice(TARO)
    origin = chiyoda.at_window(TOKOROZAWA)

    refused = await origin.refused(register_move_in, origin.by_paper(move, TARO))

    assert refused.reason is Reason.DESTINATION_IS_ORIGIN


@pytest.mark.parametrize(
    ("moved_on", "rule"), [(date(2027, 4, 15), "FUTURE"), (date(2026, 3, 30), "RANGE")]
)
async def test_a_day_on_which_nobody_can_have_moved_is_refused(
    chiyoda: Arrivals, moved_on: date, rule: str
) -> None:
    move = await chiyoda.paper_notice(TARO)
    command = chiyoda.by_paper(move, TARO, ground=Paper(move.number, CODE, moved_on))

    refused = await chiyoda.refused(register_move_in, command)

    assert refused.metadata == {"field": "paper.moved_date", "rule": rule}


async def test_after_fourteen_days_a_paper_needs_a_reason_and_is_marked_late(
    chiyoda: Arrivals,
) -> None:
    move = await chiyoda.paper_notice(TARO)
    late = chiyoda.on("2028-09-01")
    silent = late.by_paper(move, TARO, ground=Paper(move.number, CODE, MOVED, " "))
    said = late.by_paper(move, TARO, ground=Paper(move.number, CODE, MOVED, "入院のため"))

    refused = await late.refused(register_move_in, silent)
    answer = await late.do(register_move_in, said)

    assert (refused.reason, refused.metadata) == (
        Reason.LATE_REASON_REQUIRED,
        {"lastDay": "2027-04-15"},
    )
    assert answer.move.registered_late
    papers = chiyoda.store.read(lambda tx: tx.moves.arrival(answer.move))
    assert papers == ArrivalPapers(CLERK, late_reason="入院のため")


async def test_on_the_last_day_a_paper_needs_no_reason(chiyoda: Arrivals) -> None:
    move = await chiyoda.paper_notice(TARO)
    last_day = chiyoda.on("2027-04-15")
    command = last_day.by_paper(move, TARO, ground=Paper(move.number, CODE, MOVED, "不要"))

    answer = await last_day.do(register_move_in, command)

    assert not answer.move.registered_late
    papers = chiyoda.store.read(lambda tx: tx.moves.arrival(answer.move))
    assert papers == ArrivalPapers(CLERK)


async def test_who_comes_after_the_planned_day_by_paper_leaves_one_version_there(
    chiyoda: Arrivals,
) -> None:
    move = await chiyoda.day_has_come(await chiyoda.paper_notice(TARO))

    await chiyoda.do(register_move_in, chiyoda.by_paper(move, TARO))

    assert [one.municipality for one in chiyoda.history(TARO)] == [ORIGIN, ORIGIN, DESTINATION]
