"""The end of a day for moves: who leaves, what lapses, what is given back, who is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.copies.commands import RecallReason, Scope
from juki_center.areas.moves import day_end
from juki_center.areas.moves.day_end import USED_WITHIN, Act, Round
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import AlertKind
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.cli import housekeeping
from juki_center.cli.day_end import AT_ONCE, end_day
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import APPLICATION, NEW_SERIAL, CardLife
from tests.support.card_window import CardWindow
from tests.support.center import CHIYODA, NOW, SAMPLES, TOKOROZAWA, Center
from tests.support.leaves import leaves
from tests.support.planned_moves import FAMILY, PLANNED, PlannedMoves, midnight

TARO, HANAKO, SAKURA = FAMILY
ALONE = "takahashi-ichiro"
ELSEWHERE = "watanabe-aoi"
LAST_DAY = date(2027, 1, 4)
"""Thirty days after the planned date end on 30 December, when offices are closed."""
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
HERE = housekeeping.CALLER_URI


@pytest.fixture
def moves(store: SQLiteStore) -> PlannedMoves:
    """Return moves out of Tokorozawa."""
    return PlannedMoves(store)


async def done(moves: PlannedMoves, act: Act, number: MoveNumber, now: datetime) -> bool:
    return await moves.store.act(lambda tx: act(tx, number, Round(now, HERE)))


def day_leaves(moves: PlannedMoves) -> list[dict[str, object]]:
    """Return what the log says of ends of days."""
    return [one for one in leaves(moves.store) if one["ev"] == Event.MOVE_DAY_ENDED]


def states(moves: PlannedMoves, keys: tuple[str, ...] = FAMILY) -> list[ResidenceState]:
    return [moves.record(key).state for key in keys]


async def test_records_end_when_the_planned_day_begins_in_japan(moves: PlannedMoves) -> None:
    number = await moves.special()

    early = await done(moves, day_end.depart, number, midnight(PLANNED) - MOMENT)
    before = states(moves)
    on_the_day = await done(moves, day_end.depart, number, midnight(PLANNED))

    assert (early, on_the_day) == (False, True)
    assert before == [ResidenceState.ACTIVE] * 3
    assert states(moves) == [ResidenceState.MOVED_OUT] * 3
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
    await done(moves, day_end.depart, number, midnight(PLANNED))

    again = await done(moves, day_end.depart, number, midnight(PLANNED) + DAY)

    assert not again
    assert moves.record(TARO).version == 2
    assert moves.store.read(lambda tx: tx.changes.last_position()) == 3
    (leaf,) = day_leaves(moves)
    assert (leaf["id"], leaf["res"]) == (number, str(TOKOROZAWA.municipality))
    assert leaf["more"] == {"what": "DEPARTED", "left": "3", "copies": "0"}
    assert leaf["by"] == HERE


async def test_cards_open_the_next_window_after_a_departure_by_card(moves: PlannedMoves) -> None:
    number = await moves.special()

    await done(moves, day_end.depart, number, midnight(PLANNED))

    assert moves.statuses() == {CardStatus.ACTIVE}


async def test_cards_lapse_with_a_departure_by_paper(moves: PlannedMoves) -> None:
    number = await moves.ordinary()

    await done(moves, day_end.depart, number, midnight(PLANNED))

    assert moves.statuses() == {CardStatus.LAPSED}
    assert moves.move(number).state is MoveState.ORDINARY


@pytest.mark.parametrize("is_special", [True, False])
async def test_card_that_was_never_handed_over_ends_with_its_application(
    moves: PlannedMoves, *, is_special: bool
) -> None:
    life = CardLife(CardWindow(moves.store))
    await life.make(SAKURA)
    number = await (moves.special() if is_special else moves.ordinary())

    await done(moves, day_end.depart, number, midnight(PLANNED))

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

    await done(moves, day_end.depart, number, midnight(PLANNED))

    gone, here = ResidenceState.MOVED_OUT, ResidenceState.ACTIVE
    assert states(moves) == [gone, here, gone]


async def test_person_who_has_died_is_left_alone(moves: PlannedMoves) -> None:
    number = await moves.ordinary()
    died = replace(moves.record(HANAKO), state=ResidenceState.DECEASED)
    await moves.store.act(lambda tx: tx.residents.replace(died))

    await done(moves, day_end.depart, number, midnight(PLANNED))

    assert states(moves) == [
        ResidenceState.MOVED_OUT,
        ResidenceState.DECEASED,
        ResidenceState.MOVED_OUT,
    ]
    assert moves.record(HANAKO).version == 2
    assert moves.move(number).departed


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
    assert states(moves) == [ResidenceState.MOVED_OUT] * 3


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


async def test_special_case_lapses_after_its_last_day(moves: PlannedMoves) -> None:
    number = await moves.special()
    await done(moves, day_end.depart, number, midnight(PLANNED))

    in_time = await done(moves, day_end.lapse, number, midnight(LAST_DAY + DAY) - MOMENT)
    before = moves.statuses()
    late = await done(moves, day_end.lapse, number, midnight(LAST_DAY + DAY))
    again = await done(moves, day_end.lapse, number, midnight(LAST_DAY + 2 * DAY))

    assert moves.move(number).last_day == LAST_DAY
    assert (in_time, late, again) == (False, True, False)
    assert before == {CardStatus.ACTIVE}
    assert moves.statuses() == {CardStatus.LAPSED}
    assert moves.move(number).state is MoveState.LAPSED
    assert [one.kind for one in moves.alerts()] == [AlertKind.LAPSED]
    assert day_leaves(moves)[-1]["more"] == {"what": "LAPSED", "cards": "3"}


async def test_card_of_somebody_who_stayed_does_not_lapse(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.set_member(number, HANAKO, MemberState.STAYED)

    await done(moves, day_end.lapse, number, midnight(LAST_DAY + DAY))

    assert moves.card(HANAKO).status is CardStatus.ACTIVE
    assert moves.statuses((TARO, SAKURA)) == {CardStatus.LAPSED}


async def test_move_lapses_while_its_origin_is_disconnected(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.connect(TOKOROZAWA.municipality, connected=False)

    await housekeeping.forget(moves.store, midnight(LAST_DAY + DAY))

    assert moves.move(number).state is MoveState.LAPSED
    assert moves.statuses() == {CardStatus.LAPSED}


async def test_move_by_paper_never_lapses(moves: PlannedMoves) -> None:
    number = await moves.ordinary()

    late = await done(moves, day_end.lapse, number, midnight(LAST_DAY + 300 * DAY))

    assert not late
    assert moves.move(number).state is MoveState.ORDINARY


async def test_transfer_that_is_never_used_is_given_back_after_a_day(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.fetch(number, NOW)

    in_time = await done(moves, day_end.give_back, number, NOW + USED_WITHIN)
    late = await done(moves, day_end.give_back, number, NOW + USED_WITHIN + MOMENT)
    again = await done(moves, day_end.give_back, number, NOW + 2 * USED_WITHIN)

    assert (in_time, late, again) == (False, True, False)
    move = moves.move(number)
    assert (move.state, move.transfer) == (MoveState.NOTIFIED, None)
    for office in (TOKOROZAWA.municipality, CHIYODA.municipality):
        assert [one.kind for one in moves.alerts(office)] == [AlertKind.TRANSFER_GIVEN_BACK]
    (leaf,) = day_leaves(moves)
    assert leaf["iss"] == str(CHIYODA.municipality)


async def test_transfer_that_was_fetched_again_has_its_day_again(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.fetch(number, NOW)
    await moves.fetch(number, NOW + USED_WITHIN)

    await housekeeping.forget(moves.store, NOW + USED_WITHIN + timedelta(hours=23))

    assert moves.move(number).state is MoveState.TRANSFERRED


async def test_transfer_over_its_last_day_is_given_back_and_lapses_in_one_round(
    moves: PlannedMoves,
) -> None:
    number = await moves.special()
    await moves.fetch(number, midnight(LAST_DAY))

    await housekeeping.forget(moves.store, midnight(LAST_DAY + DAY) + timedelta(hours=1))

    assert moves.move(number).state is MoveState.LAPSED


async def test_missing_arrival_is_asked_for_once(moves: PlannedMoves) -> None:
    number = await moves.ordinary()
    day_60, day_61 = (midnight(PLANNED + count * DAY) for count in (60, 61))
    await housekeeping.forget(moves.store, midnight(PLANNED))

    await housekeeping.forget(moves.store, day_60)
    in_time = moves.move(number).missing_since
    await housekeeping.forget(moves.store, day_61)
    await housekeeping.forget(moves.store, day_61 + DAY)

    assert in_time is None
    assert moves.move(number).missing_since == day_61.astimezone(UTC)
    assert [one.kind for one in moves.alerts()] == [AlertKind.ARRIVAL_MISSING]


async def test_nobody_is_missing_who_has_not_left_or_went_abroad(moves: PlannedMoves) -> None:
    here = await moves.ordinary((ALONE,))
    abroad = await moves.ordinary((TARO,), abroad=True)
    late = midnight(PLANNED + 100 * DAY)
    await done(moves, day_end.depart, abroad, midnight(PLANNED))

    asked = [await done(moves, day_end.miss, number, late) for number in (here, abroad)]

    assert asked == [False, False]
    assert moves.alerts() == []


async def test_move_that_has_ended_is_left_alone_by_every_act(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.fetch(number, NOW)
    ended = replace(moves.move(number), state=MoveState.COMPLETED, ended_at=NOW)
    await moves.store.act(lambda tx: tx.moves.update(ended))

    for act in (day_end.depart, day_end.lapse, day_end.give_back, day_end.miss):
        assert not await done(moves, act, number, midnight(LAST_DAY + 300 * DAY))
    await housekeeping.forget(moves.store, midnight(LAST_DAY + 300 * DAY))

    assert moves.move(number) == ended
    assert moves.alerts() == []


async def test_unknown_move_is_left_alone_by_every_act(moves: PlannedMoves) -> None:
    nobody = MoveNumber.drawn(bytes(8))

    for act in (day_end.depart, day_end.lapse, day_end.give_back, day_end.miss):
        assert not await done(moves, act, nobody, NOW)


async def test_second_round_writes_nothing(moves: PlannedMoves) -> None:
    await moves.special()
    await moves.ordinary((ALONE,))
    after_all = midnight(PLANNED + 100 * DAY)
    await housekeeping.forget(moves.store, after_all)
    count = len(leaves(moves.store))

    await housekeeping.forget(moves.store, after_all + timedelta(hours=1))

    assert len(leaves(moves.store)) == count


async def test_card_that_was_not_continued_in_time_lapses(moves: PlannedMoves) -> None:
    card = moves.card(TARO)
    await moves.store.act(
        lambda tx: tx.cards.set_continuation(card.serial, card.municipality, PLANNED)
    )

    await housekeeping.forget(moves.store, midnight(PLANNED + DAY) - MOMENT)
    in_time = moves.card(TARO).status
    await housekeeping.forget(moves.store, midnight(PLANNED + DAY))

    assert (in_time, moves.card(TARO).status) == (CardStatus.ACTIVE, CardStatus.LAPSED)


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


async def test_copy_that_is_not_printed_when_the_person_leaves_is_void(center: Center) -> None:
    moves = PlannedMoves(center.store)
    number = await moves.special((HANAKO,))
    center.now = midnight(PLANNED) - timedelta(minutes=10)
    of_leaving = await center.issue(await center.command(HANAKO))
    of_staying = await center.issue(await center.command(TARO))

    await done(moves, day_end.depart, number, midnight(PLANNED))

    rows = [
        center.store.read(lambda tx, no=copy.issue.issue_number: tx.issues.by_number(no))
        for copy in (of_leaving, of_staying)
    ]
    assert [row.recall_reason if row else None for row in rows] == [
        RecallReason.RESIDENT_MOVED,
        None,
    ]
    assert day_leaves(moves)[-1]["more"] == {"what": "DEPARTED", "left": "1", "copies": "1"}


async def test_copy_of_who_stays_shows_nobody_who_has_left(center: Center) -> None:
    moves = PlannedMoves(center.store)
    await moves.special((HANAKO, SAKURA))
    center.now = midnight(PLANNED)

    copy = await center.issue(await center.command(TARO, scope=Scope.HOUSEHOLD))

    assert SAMPLES[TARO].record.name.encode() in copy.signed_content
    assert SAMPLES[HANAKO].record.name.encode() not in copy.signed_content
