"""A move in: both books, the household, who stays, cards, copies, and what offices are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from juki_center.areas.moves.rows import AlertKind, ArrivalPapers
from juki_center.areas.moves.states import MoveState
from juki_center.areas.residents.records import (
    ChangeReason,
    ResidenceState,
)
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    CLERK,
    DESTINATION,
    FAMILY,
    MOVED,
    NOTIFIED,
    ORIGIN,
    TARO,
    Arrivals,
    day,
)

ACTIVE, MOVED_OUT = ResidenceState.ACTIVE, ResidenceState.MOVED_OUT
HERE = (DESTINATION, ACTIVE)
AT_HOME = (ORIGIN, ACTIVE)


@pytest.fixture
def chiyoda(store: SQLiteStore) -> Arrivals:
    """Give the window of the planned destination."""
    return Arrivals(store)


async def test_both_books_say_the_same_of_a_move(chiyoda: Arrivals) -> None:
    before = chiyoda.record(TARO)

    answer = await chiyoda.moved_in()

    (*_, living, left, arrived) = chiyoda.history(TARO)
    assert living == before
    assert (left.municipality, left.state, left.version) == (ORIGIN, MOVED_OUT, 2)
    assert (left.record, left.household) == (before.record, before.household)
    assert left.change is not None
    assert (left.change.reason, left.change.date) == (ChangeReason.MOVE_OUT, day("令和9年4月1日"))
    assert left.change.clerk_name == ""
    assert (arrived.municipality, arrived.state, arrived.version) == (*HERE, 3)
    assert arrived.change is not None
    assert arrived.change.reason is ChangeReason.SPECIAL_MOVE_IN
    assert (arrived.change.date, arrived.change.clerk_name) == (day("令和9年4月1日"), CLERK)
    assert [one.record for one in answer.registered] == [chiyoda.record(key) for key in FAMILY]


async def test_received_entries_stand_here_with_the_new_address_and_days(
    chiyoda: Arrivals,
) -> None:
    old = chiyoda.record(TARO).record

    await chiyoda.moved_in()

    assert chiyoda.record(TARO).record == replace(
        old,
        address="神田錦町一丁目1番地",
        building="錦町ビル201号室",
        resident_since=day("令和9年4月1日"),
        address_since=None,
        notified=day("令和9年4月14日"),
        previous_address="埼玉県所沢市並木三丁目2番地1\u3000所沢パークタウン5号棟302号室",
    )


async def test_the_move_is_completed_with_planned_and_actual_day_and_papers(
    chiyoda: Arrivals,
) -> None:
    answer = await chiyoda.moved_in()

    move = chiyoda.kept(answer.move)
    assert move == answer.move
    assert (move.state, move.arrived_in, move.moved_on) == (
        MoveState.COMPLETED,
        DESTINATION,
        MOVED,
    )
    assert (move.planned_on, move.ended_at, move.registered_late) == (
        date(2027, 3, 31),
        NOTIFIED,
        False,
    )
    assert [(one.left_version, one.arrived_version) for one in move.members] == [(2, 3)] * 3
    assert chiyoda.store.read(lambda tx: tx.moves.arrival(move)) == ArrivalPapers(CLERK)
    assert chiyoda.alerts(ORIGIN) == [AlertKind.ARRIVED]
    assert (chiyoda.alerts(DESTINATION), answer.alerts) == ([], ())
