"""Arrival notices that came another way than over this network."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.arrivals import record_arrival
from juki_center.areas.moves.commands import Plan
from juki_center.areas.moves.day_end import Round, depart
from juki_center.areas.moves.rows import Move
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.areas.residents.rules import checked
from juki_center.areas.residents.updates import Outcome
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES, Center
from tests.support.leaves import leaves
from tests.support.origin_window import (
    ADDRESS,
    CHIYODA_OFFICE,
    FAMILY,
    NOT_HOSTED,
    PLANNED,
    TARO,
    TODAY,
    TOKOROZAWA_REGISTER,
    OriginWindow,
    facts,
    noon,
)
from tests.support.updates import Register, update

MOVED = date(2026, 11, 20)
MOVED_OUT = ResidenceState.MOVED_OUT
OSAKA = Plan(NOT_HOSTED, PLANNED, ADDRESS)
NAME = "𠮷田\u3000太朗"


@pytest.fixture
def window(store: SQLiteStore) -> OriginWindow:
    """Give the window of Tokorozawa."""
    return OriginWindow(store)


async def to_osaka(window: OriginWindow) -> Move:
    """Enter a notice by paper to where no register is in the network."""
    return (await window.file_by_paper(plan=OSAKA)).move


# Arrivals


async def test_case_25_an_arrival_before_the_planned_day_ends_the_records_and_keeps_both_days(
    window: OriginWindow,
) -> None:
    move = await to_osaka(window)

    arrived = await window.do(record_arrival, window.arrival(move, MOVED))

    assert (arrived.state, arrived.ended_at) == (MoveState.COMPLETED, NOW)
    assert (arrived.planned_on, arrived.moved_on) == (PLANNED, MOVED)
    assert arrived.arrived_in == NOT_HOSTED
    assert {one.state for one in arrived.members} == {MemberState.MOVED}
    assert window.kept(move.number) == arrived
    assert window.states() == [MOVED_OUT] * 3
    written = window.record()
    assert written.change is not None
    assert (written.change.reason, written.change.date) == (
        ChangeReason.MOVE_OUT,
        parse_date("令和8年11月20日"),
    )
    assert {window.card(key).status for key in FAMILY} == {CardStatus.LAPSED}


async def test_case_25_an_arrival_that_is_notified_twice_changes_the_record_once(
    window: OriginWindow,
) -> None:
    move = await to_osaka(window)

    first = await window.do(record_arrival, window.arrival(move, MOVED))
    second = await window.at(PLANNED).do(record_arrival, window.arrival(move, MOVED))

    assert second == first
    assert [window.record(key).version for key in FAMILY] == [2, 2, 2]
    shown = [one["more"] for one in leaves(window.store) if one["ev"] == "ARRIVAL_RECORDED"]
    assert [one["again"] for one in shown] == ["false", "true"]  # type: ignore[index]  # facts


async def test_case_25_two_deliveries_in_the_same_instant_change_the_record_once(
    window: OriginWindow,
) -> None:
    move = await to_osaka(window)

    first, second = await asyncio.gather(
        *(window.do(record_arrival, window.arrival(move, MOVED)) for _ in range(2))
    )

    assert first == second
    assert [window.record(key).version for key in FAMILY] == [2, 2, 2]


async def test_an_arrival_after_the_planned_day_leaves_the_records_as_that_day_left_them(
    window: OriginWindow,
) -> None:
    move = await to_osaka(window)
    this = Round(noon(PLANNED), "juki://center/job")
    await window.store.act(lambda tx: depart(tx, move.number, this))
    actual = PLANNED + timedelta(days=3)

    arrived = await window.at(date(2026, 12, 9)).do(record_arrival, window.arrival(move, actual))

    assert (arrived.planned_on, arrived.moved_on) == (PLANNED, actual)
    written = window.record()
    assert written.change is not None
    assert (written.version, written.change.date) == (2, parse_date("令和8年12月1日"))


async def test_an_arrival_request_that_is_sent_again_gets_its_first_answer(
    window: OriginWindow,
) -> None:
    command = window.arrival(await to_osaka(window), MOVED)

    first = await window.do(record_arrival, command)
    again = await window.do(record_arrival, command)

    assert again == first
    assert [one["ev"] for one in leaves(window.store)].count("ARRIVAL_RECORDED") == 1


async def test_somebody_else_than_planned_may_notify_the_arrival(window: OriginWindow) -> None:
    move = (await window.file_by_paper()).move

    arrived = await window.do(record_arrival, window.arrival(move, MOVED))

    assert (arrived.destination, arrived.arrived_in) == (CHIYODA_OFFICE, NOT_HOSTED)


async def test_a_copy_that_is_not_printed_is_void_when_its_person_has_arrived_elsewhere(
    window: OriginWindow, center: Center
) -> None:
    copy = await center.issue(await center.command(TARO))
    move = await to_osaka(window)

    await window.do(record_arrival, window.arrival(move, MOVED))

    row = window.store.read(lambda tx: tx.issues.by_number(copy.issue.issue_number))
    assert row is not None
    assert row.recalled_at == NOW


async def test_who_was_said_to_have_arrived_by_mistake_is_entered_again_by_the_own_system(
    window: OriginWindow,
) -> None:
    move = await to_osaka(window)
    arrived = await window.do(record_arrival, window.arrival(move, MOVED))
    entries = checked(SAMPLES[TARO].record)

    applied = await Register(window.store).apply(update(3, ChangeReason.MOVE_IN, record=entries))

    assert applied.outcome is Outcome.APPLIED
    assert window.states() == [ResidenceState.ACTIVE, MOVED_OUT, MOVED_OUT]
    assert window.kept(move.number) == arrived


@pytest.mark.parametrize(
    ("moved_on", "destination"),
    [(MOVED - timedelta(days=1), NOT_HOSTED), (MOVED, MunicipalityCode("281000"))],
)
async def test_another_arrival_after_the_first_one_is_refused(
    window: OriginWindow, moved_on: date, destination: MunicipalityCode
) -> None:
    move = await to_osaka(window)
    arrived = await window.do(record_arrival, window.arrival(move, MOVED))

    refused = await window.refused(record_arrival, window.arrival(move, moved_on, destination))

    assert facts(refused) == (
        Reason.NOT_IN_THIS_STATE,
        {"state": "COMPLETED", "event": "ARRIVED"},
    )
    assert window.kept(move.number) == arrived


@pytest.mark.parametrize("state", [one for one in MoveState if one is not MoveState.ORDINARY])
async def test_an_arrival_is_recorded_of_a_move_by_paper_only(
    window: OriginWindow, state: MoveState
) -> None:
    move = await window.keep(replace((await window.file()).move, state=state))

    refused = await window.refused(record_arrival, window.arrival(move, MOVED))

    assert facts(refused) == (
        Reason.NOT_IN_THIS_STATE,
        {"state": state.value, "event": "ARRIVED"},
    )


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (CHIYODA_OFFICE, "HOSTED_HERE"),
        (MunicipalityCode("141046"), "HOSTED_HERE"),
        (TOKOROZAWA_REGISTER, "IS_ORIGIN"),
        (MunicipalityCode("112909"), "MUNICIPALITY_UNKNOWN"),
        (MunicipalityCode("014885"), "MUNICIPALITY_NOT_VALID"),
    ],
)
async def test_nobody_arrives_in_a_place_that_tells_of_itself_or_is_none(
    window: OriginWindow, code: MunicipalityCode, rule: str
) -> None:
    move = await to_osaka(window)

    refused = await window.refused(record_arrival, window.arrival(move, MOVED, code))

    assert facts(refused) == (Reason.FIELD_INVALID, {"field": "destination_code", "rule": rule})
    assert window.kept(move.number) == move


@pytest.mark.parametrize(
    ("moved_on", "rule"),
    [(TODAY + timedelta(days=1), "FUTURE"), (PLANNED - timedelta(days=366), "RANGE")],
)
async def test_nobody_arrives_tomorrow_or_long_before_the_plan(
    window: OriginWindow, moved_on: date, rule: str
) -> None:
    move = await to_osaka(window)

    refused = await window.refused(record_arrival, window.arrival(move, moved_on))

    assert facts(refused) == (Reason.FIELD_INVALID, {"field": "moved_date", "rule": rule})
