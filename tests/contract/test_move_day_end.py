"""The planned day of a move: who leaves, what their cards are good for, how a round goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves import day_end
from juki_center.areas.moves.day_end import Round
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.cli import housekeeping
from juki_center.cli.day_end import AT_ONCE, end_day
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import APPLICATION, NEW_SERIAL, CardLife
from tests.support.card_window import CardWindow
from tests.support.center import CHIYODA, TOKOROZAWA
from tests.support.planned_moves import FAMILY, HERE, PLANNED, PlannedMoves, midnight

TARO, HANAKO, SAKURA = FAMILY
ALONE = "takahashi-ichiro"
ELSEWHERE = "watanabe-aoi"
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def moves(store: SQLiteStore) -> PlannedMoves:
    """Return moves out of Tokorozawa."""
    return PlannedMoves(store)


async def test_records_end_when_the_planned_day_begins_in_japan(moves: PlannedMoves) -> None:
    number = await moves.special()

    early = await moves.end(day_end.depart, number, midnight(PLANNED) - MOMENT)
    before = moves.states()
    on_the_day = await moves.end(day_end.depart, number, midnight(PLANNED))

    assert (early, on_the_day) == (False, True)
    assert before == [ResidenceState.ACTIVE] * 3
    assert moves.states() == [ResidenceState.MOVED_OUT] * 3
    change = moves.record(TARO).change
    assert change is not None
    assert (change.reason, change.date) == (ChangeReason.MOVE_OUT, civil_day(PLANNED))
    assert change.recorded_at == midnight(PLANNED)
    move = moves.move(number)
    assert (move.state, move.departed) == (MoveState.NOTIFIED, True)
    assert {one.left_version for one in move.members} == {2}
    assert {one.state for one in move.members} == {MemberState.MOVING}


async def test_departure_is_notified_and_logged_once(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.end(day_end.depart, number, midnight(PLANNED))

    again = await moves.end(day_end.depart, number, midnight(PLANNED) + DAY)

    assert not again
    assert moves.record(TARO).version == 2
    assert moves.store.read(lambda tx: tx.changes.last_position()) == 3
    (leaf,) = moves.day_leaves()
    assert (leaf["id"], leaf["res"]) == (number, str(TOKOROZAWA.municipality))
    assert leaf["more"] == {"what": "DEPARTED", "left": "3", "copies": "0"}
    assert leaf["by"] == HERE


async def test_cards_open_the_next_window_after_a_departure_by_card(moves: PlannedMoves) -> None:
    number = await moves.special()

    await moves.end(day_end.depart, number, midnight(PLANNED))

    assert moves.statuses() == {CardStatus.ACTIVE}


async def test_cards_lapse_with_a_departure_by_paper(moves: PlannedMoves) -> None:
    number = await moves.ordinary()

    await moves.end(day_end.depart, number, midnight(PLANNED))

    assert moves.statuses() == {CardStatus.LAPSED}
    assert moves.move(number).state is MoveState.ORDINARY


@pytest.mark.parametrize("is_special", [True, False])
async def test_card_that_was_never_handed_over_ends_with_its_application(
    moves: PlannedMoves, *, is_special: bool
) -> None:
    life = CardLife(CardWindow(moves.store))
    await life.make(SAKURA)
    number = await (moves.special() if is_special else moves.ordinary())

    await moves.end(day_end.depart, number, midnight(PLANNED))

    application = moves.store.read(lambda tx: tx.applications.application(APPLICATION))
    assert application is not None
    assert application.state is ApplicationState.CANCELLED
    assert life.card(NEW_SERIAL).status is CardStatus.LAPSED


@pytest.mark.parametrize("state", [MemberState.STAYED, MemberState.GONE])
async def test_person_who_does_not_move_any_more_stays(
    moves: PlannedMoves, state: MemberState
) -> None:
    number = await moves.special()
    await moves.set_member(number, HANAKO, state)

    await moves.end(day_end.depart, number, midnight(PLANNED))

    gone, here = ResidenceState.MOVED_OUT, ResidenceState.ACTIVE
    assert moves.states() == [gone, here, gone]


async def test_person_who_has_died_is_left_alone(moves: PlannedMoves) -> None:
    number = await moves.ordinary()
    died = replace(moves.record(HANAKO), state=ResidenceState.DECEASED)
    await moves.store.act(lambda tx: tx.residents.replace(died))

    await moves.end(day_end.depart, number, midnight(PLANNED))

    assert moves.states() == [
        ResidenceState.MOVED_OUT,
        ResidenceState.DECEASED,
        ResidenceState.MOVED_OUT,
    ]
    assert moves.record(HANAKO).version == 2
    assert moves.move(number).departed


async def test_person_whose_record_lies_elsewhere_by_now_is_left_alone(
    moves: PlannedMoves,
) -> None:
    number = await moves.special()
    arrived = replace(moves.record(HANAKO), municipality=CHIYODA.municipality)
    await moves.store.act(lambda tx: tx.residents.replace(arrived))

    await moves.end(day_end.depart, number, midnight(PLANNED))

    assert moves.record(HANAKO).state is ResidenceState.ACTIVE
    assert moves.record(TARO).state is ResidenceState.MOVED_OUT


async def test_disconnected_origin_waits_and_stops_nobody_else(
    moves: PlannedMoves, caplog: pytest.LogCaptureFixture
) -> None:
    cut_off, other = await moves.special(), await moves.special((ELSEWHERE,))
    await moves.connect(TOKOROZAWA.municipality, connected=False)

    await housekeeping.forget(moves.store, midnight(PLANNED))
    waiting = moves.move(cut_off).departed
    await moves.connect(TOKOROZAWA.municipality, connected=True)
    await housekeeping.forget(moves.store, midnight(PLANNED) + timedelta(hours=1))

    assert not waiting
    assert f"move {cut_off}: left to the next time: RESIDENCE_DISCONNECTED" in caplog.text
    assert moves.move(other).departed
    assert moves.record(ELSEWHERE).version == 2
    assert moves.states() == [ResidenceState.MOVED_OUT] * 3


async def test_defect_of_one_move_stops_nobody_else_and_tells_no_text(
    moves: PlannedMoves, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = [await moves.special((key,)) for key in (TARO, ALONE, ELSEWHERE)]

    def act(tx: day_end.DayEndTx, number: MoveNumber, this: Round) -> bool:
        if number == numbers[0]:
            raise ValueError("吉田　太郎")
        return day_end.depart(tx, number, this)

    due = replace(day_end.DEPARTURES, act=act)
    ended = await end_day(moves.store, due, Round(midnight(PLANNED), HERE))

    assert ended == 2
    assert [moves.move(number).departed for number in numbers] == [False, True, True]
    assert f"move {numbers[0]}: failed: ValueError" in caplog.text
    assert "吉田" not in caplog.text


async def test_round_that_was_cut_off_goes_on_where_it_was(moves: PlannedMoves) -> None:
    numbers = [await moves.special((key,)) for key in (TARO, ALONE, ELSEWHERE)]

    def act(tx: day_end.DayEndTx, number: MoveNumber, this: Round) -> bool:
        is_due = day_end.depart(tx, number, this)
        if number == numbers[1]:
            # Everything of this move was written, and nothing of it was committed.
            raise Refusal(Reason.SHUTTING_DOWN)
        return is_due

    cut_off, this = replace(day_end.DEPARTURES, act=act), Round(midnight(PLANNED), HERE)
    await end_day(moves.store, cut_off, this)
    before = [moves.record(key).version for key in (TARO, ALONE, ELSEWHERE)]
    ended = await end_day(moves.store, day_end.DEPARTURES, this)

    assert before == [2, 1, 2]
    assert ended == 1
    assert [moves.record(key).version for key in (TARO, ALONE, ELSEWHERE)] == [2, 2, 2]
    assert moves.store.read(lambda tx: tx.changes.last_position()) == 3


async def test_more_moves_than_a_portion_all_end(
    moves: PlannedMoves, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = (TARO, HANAKO, ALONE, ELSEWHERE, "yamazaki-ken")
    numbers = [await moves.ordinary((key,)) for key in keys]
    monkeypatch.setattr("juki_center.cli.day_end.AT_ONCE", 2)

    ended = await end_day(moves.store, day_end.DEPARTURES, Round(midnight(PLANNED), HERE))

    assert AT_ONCE > 2
    assert ended == len(keys)
    assert all(moves.move(number).departed for number in numbers)


async def test_store_that_cannot_be_written_ends_the_round(moves: PlannedMoves) -> None:
    await moves.special()

    def act(_tx: day_end.DayEndTx, _number: MoveNumber, _this: Round) -> bool:
        raise Refusal(Reason.STORE_UNAVAILABLE)

    with pytest.raises(Refusal, match="STORE_UNAVAILABLE"):
        await end_day(
            moves.store, replace(day_end.DEPARTURES, act=act), Round(midnight(PLANNED), HERE)
        )
