"""A move in: what both books, offices and the change log say of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.answers import TransferFetched
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.rows import AlertKind, ArrivalPapers
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.moves.transfers import fetch_transfer
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import (
    AttributeQuery,
    ChangeReason,
    ProtectiveMeasure,
    ResidenceState,
)
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    CLERK,
    DESTINATION,
    FAMILY,
    HANAKO,
    MINORI,
    MOVED,
    NOTIFIED,
    ORIGIN,
    SAKURA,
    SETAGAYA,
    TARO,
    Arrivals,
    code_of,
    day,
    members_in,
)
from tests.support.center import CHIYODA_2, SAMPLES
from tests.support.leaves import leaves

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


async def test_case_23_one_card_moves_a_family_of_four_in_one_session(chiyoda: Arrivals) -> None:
    """Case 23: only the householder has a card; all four are transferred in one session."""
    four = await chiyoda.four_at_home()
    await chiyoda.notice(*four)

    answer = await chiyoda.do(register_move_in, chiyoda.move_in(await chiyoda.fetch(), *four))

    assert {chiyoda.where(key) for key in four} == {HERE}
    assert len({chiyoda.record(key).household for key in four}) == 1
    assert members_in(answer.move, MemberState.MOVED) == 4
    assert not answer.household_needs_head


async def test_case_23_who_is_not_ticked_stays_at_the_origin(chiyoda: Arrivals) -> None:
    """Case 23: one member stays: three are transferred, the fourth remains ACTIVE at the origin."""
    four = await chiyoda.four_at_home()
    await chiyoda.notice(*four)
    staying = chiyoda.record(MINORI)

    answer = await chiyoda.do(register_move_in, chiyoda.move_in(await chiyoda.fetch(), *FAMILY))

    assert {chiyoda.where(key) for key in FAMILY} == {HERE}
    assert chiyoda.record(MINORI) == staying
    assert chiyoda.where(MINORI) == AT_HOME
    assert [one.state for one in answer.move.members][-1] is MemberState.STAYED
    assert chiyoda.alerts(ORIGIN) == [AlertKind.ARRIVED, AlertKind.MEMBER_STAYED]


async def test_case_25_an_arrival_before_the_planned_day_keeps_both_days(
    chiyoda: Arrivals,
) -> None:
    """Case 25: before the planned date: one state change, actual and planned dates both kept."""
    early = chiyoda.on("2027-03-25")
    move = await early.notice(TARO)
    fetched = await early.fetch(moved_on=date(2027, 3, 24))

    answer = await early.do(register_move_in, early.move_in(fetched, TARO))

    assert (answer.move.planned_on, answer.move.moved_on) == (move.planned_on, date(2027, 3, 24))
    assert early.record(TARO).record.resident_since == day("令和9年3月24日")
    assert [one.state for one in early.history(TARO)] == [ACTIVE, MOVED_OUT, ACTIVE]


async def test_case_25_a_move_that_is_registered_twice_changes_once(chiyoda: Arrivals) -> None:
    """Case 25: delivered twice: one state change; another request is told so."""
    await chiyoda.notice()
    fetched = await chiyoda.fetch()
    command = chiyoda.move_in(fetched)

    first = await chiyoda.do(register_move_in, command)
    again = await chiyoda.on("2027-04-15").do(register_move_in, command)
    refused = await chiyoda.refused(register_move_in, chiyoda.move_in(fetched))

    assert again == first
    assert refused.reason is Reason.MOVE_ALREADY_COMPLETED
    assert chiyoda.record(TARO).version == 3
    assert chiyoda.alerts(ORIGIN) == [AlertKind.ARRIVED]


async def test_where_the_planned_day_has_ended_the_record_one_version_is_written(
    chiyoda: Arrivals,
) -> None:
    await chiyoda.day_has_come(await chiyoda.notice())

    answer = await chiyoda.do(register_move_in, chiyoda.move_in(await chiyoda.fetch()))

    (_, left, arrived) = chiyoda.history(TARO)
    assert (left.municipality, left.state) == (ORIGIN, MOVED_OUT)
    assert left.change is not None
    assert left.change.date == day("令和9年3月31日")
    assert (arrived.municipality, arrived.state) == HERE
    assert [(one.left_version, one.arrived_version) for one in answer.move.members] == [(2, 3)] * 3


async def test_who_stays_is_restored_where_the_planned_day_had_ended_the_record(
    chiyoda: Arrivals,
) -> None:
    before = chiyoda.record(SAKURA)
    await chiyoda.day_has_come(await chiyoda.notice())

    answer = await chiyoda.do(
        register_move_in, chiyoda.move_in(await chiyoda.fetch(), TARO, HANAKO)
    )

    after = chiyoda.record(SAKURA)
    assert chiyoda.where(SAKURA) == AT_HOME
    assert (after.record, after.household) == (before.record, before.household)
    assert after.change is not None
    assert (after.change.reason, after.change.cancels) == (ChangeReason.CANCELLATION, 2)
    assert members_in(answer.move, MemberState.STAYED) == 1
    assert chiyoda.card(SAKURA).status is CardStatus.ACTIVE


async def test_that_the_planned_day_came_since_the_fetch_makes_nothing_older(
    chiyoda: Arrivals,
) -> None:
    move = await chiyoda.notice()
    command = chiyoda.move_in(await chiyoda.fetch())
    await chiyoda.day_has_come(move)

    answer = await chiyoda.do(register_move_in, command)

    assert answer.move.state is MoveState.COMPLETED


async def test_either_book_opens_under_its_own_key_alone(chiyoda: Arrivals) -> None:
    await chiyoda.moved_in()
    person = chiyoda.person(TARO)

    def outcome(version: int) -> Reason | None:
        try:
            chiyoda.store.read(lambda tx: tx.residents.version(person, version))
        except Refusal as refusal:
            return refusal.reason
        return None

    await chiyoda.cut_off(ORIGIN)
    without_origin = [outcome(version) for version in (1, 2, 3)]
    await chiyoda.store.act(lambda tx: tx.registers.set_connected(ORIGIN, connected=True))
    await chiyoda.cut_off(DESTINATION)

    closed = Reason.RESIDENCE_DISCONNECTED
    assert without_origin == [closed, closed, None]
    assert [outcome(version) for version in (1, 2, 3)] == [None, None, closed]


async def test_both_books_make_their_change_notices(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    command = chiyoda.move_in(await chiyoda.fetch(), TARO)
    last = chiyoda.store.read(lambda tx: tx.changes.last_position())

    await chiyoda.do(register_move_in, command)

    notices = chiyoda.store.read(
        lambda tx: [tx.changes.at(one) for one in range(last + 1, tx.changes.last_position() + 1)]
    )
    assert [(one.municipality, one.version, one.reason) for one in notices] == [
        (ORIGIN, 2, ChangeReason.MOVE_OUT),
        (DESTINATION, 3, ChangeReason.SPECIAL_MOVE_IN),
    ]
    assert [one.items for one in notices] == [tuple(Item)] * 2


async def test_who_has_moved_is_found_by_attributes_in_the_new_prefecture_alone(
    chiyoda: Arrivals,
) -> None:
    record = SAMPLES[TARO].record
    query = AttributeQuery(record.name, record.kana, record.birth)

    await chiyoda.moved_in()

    def found(prefecture: str) -> list[ResidentCode]:
        candidates = chiyoda.store.read(lambda tx: tx.residents.candidates(prefecture, query))
        return [one.record.code for one in candidates]

    assert (found("13"), found("11")) == ([code_of(TARO)], [])


async def test_a_protective_measure_goes_with_the_person(chiyoda: Arrivals) -> None:
    await chiyoda.change_record(HANAKO, measure=ProtectiveMeasure())

    await chiyoda.moved_in()

    assert chiyoda.record(HANAKO).record.measure == ProtectiveMeasure()


async def test_two_windows_of_two_destinations_at_once_have_one_winner(
    chiyoda: Arrivals,
) -> None:
    await chiyoda.notice()
    windows = [chiyoda, chiyoda.at_window(SETAGAYA)]
    commands = [await one.by_card() for one in windows]

    outcomes = await asyncio.gather(
        *(one.do(fetch_transfer, command) for one, command in zip(windows, commands, strict=True)),
        return_exceptions=True,
    )

    (refused,) = (one for one in outcomes if isinstance(one, Refusal))
    (fetched,) = (one for one in outcomes if isinstance(one, TransferFetched))
    assert refused.reason is Reason.MOVE_TAKEN_ELSEWHERE
    assert chiyoda.kept(fetched.move) == fetched.move


async def test_two_counters_that_register_at_once_enter_everybody_once(
    chiyoda: Arrivals,
) -> None:
    await chiyoda.notice()
    fetched = await chiyoda.fetch()
    counters = [chiyoda, chiyoda.at_window(CHIYODA_2)]

    outcomes = await asyncio.gather(
        *(one.do(register_move_in, one.move_in(fetched)) for one in counters),
        return_exceptions=True,
    )

    (refused,) = (one for one in outcomes if isinstance(one, Refusal))
    assert refused.reason is Reason.MOVE_ALREADY_COMPLETED
    assert [chiyoda.record(key).version for key in FAMILY] == [3, 3, 3]


async def test_the_logs_of_both_municipalities_show_whose_entries_have_passed(
    chiyoda: Arrivals,
) -> None:
    before = len(leaves(chiyoda.store))

    answer = await chiyoda.moved_in()

    written = leaves(chiyoda.store)[before:]
    shown = [one for one in written if one.get("id") == answer.move.number]
    assert [(one["ev"], one["iss"], one["res"]) for one in shown] == [
        (Event.TRANSFER_FETCHED, str(DESTINATION), str(ORIGIN)),
        (Event.MOVED_IN, str(DESTINATION), str(ORIGIN)),
    ]
