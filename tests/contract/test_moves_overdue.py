"""Deadlines of moves that pass: what lapses, what is given back, who is missing; each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves import day_end
from juki_center.areas.moves.day_end import USED_WITHIN, Due
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import AlertKind
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.cli import housekeeping
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, NOW, TOKOROZAWA
from tests.support.leaves import leaves
from tests.support.planned_moves import FAMILY, PLANNED, PlannedMoves, midnight

TARO, HANAKO, SAKURA = FAMILY
ALONE = "takahashi-ichiro"
LAST_DAY = date(2027, 1, 4)
"""Thirty days after the planned date end on 30 December, when offices are closed."""
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def moves(store: SQLiteStore) -> PlannedMoves:
    """Return moves out of Tokorozawa."""
    return PlannedMoves(store)


@pytest.mark.parametrize(
    ("due", "first"),
    [
        pytest.param(day_end.DEPARTURES, midnight(PLANNED), id="departures"),
        pytest.param(day_end.DEADLINES, midnight(LAST_DAY + DAY), id="deadlines"),
    ],
)
async def test_nothing_is_found_before_it_is_due(
    moves: PlannedMoves, due: Due, first: datetime
) -> None:
    number = await moves.special()

    assert moves.found(due, first - MOMENT) == []
    assert moves.found(due, first) == [number]


async def test_no_transfer_is_found_before_its_time_is_over(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.fetch(number, NOW)

    assert moves.found(day_end.TRANSFERS, NOW + USED_WITHIN) == []
    assert moves.found(day_end.TRANSFERS, NOW + USED_WITHIN + MOMENT) == [number]


async def test_no_missing_arrival_is_found_before_its_day_and_none_of_who_went_abroad(
    moves: PlannedMoves,
) -> None:
    number, abroad = await moves.ordinary(), await moves.ordinary((ALONE,), abroad=True)
    for one in (number, abroad):
        await moves.end(day_end.depart, one, midnight(PLANNED))
    day_61 = midnight(PLANNED + 61 * DAY)

    assert moves.found(day_end.ARRIVALS, day_61 - MOMENT) == []
    assert moves.found(day_end.ARRIVALS, day_61) == [number]


async def test_arrival_is_not_missing_right_after_a_late_notice(moves: PlannedMoves) -> None:
    number, notified_on = await moves.ordinary(), PLANNED + 80 * DAY
    late = replace(moves.move(number), departed=True, notified_on=notified_on)
    await moves.store.act(lambda tx: tx.moves.update(late))
    day_60, day_61 = (midnight(notified_on + count * DAY) for count in (60, 61))

    assert moves.found(day_end.ARRIVALS, day_60) == []
    assert not await moves.end(day_end.miss, number, day_60)
    assert moves.found(day_end.ARRIVALS, day_61) == [number]
    assert await moves.end(day_end.miss, number, day_61)


async def test_special_case_lapses_after_its_last_day(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.end(day_end.depart, number, midnight(PLANNED))

    in_time = await moves.end(day_end.lapse, number, midnight(LAST_DAY + DAY) - MOMENT)
    before = moves.statuses()
    late = await moves.end(day_end.lapse, number, midnight(LAST_DAY + DAY))
    again = await moves.end(day_end.lapse, number, midnight(LAST_DAY + 2 * DAY))

    assert moves.move(number).last_day == LAST_DAY
    assert (in_time, late, again) == (False, True, False)
    assert before == {CardStatus.ACTIVE}
    assert moves.statuses() == {CardStatus.LAPSED}
    assert moves.move(number).state is MoveState.LAPSED
    assert [one.kind for one in moves.alerts()] == [AlertKind.LAPSED]
    assert moves.day_leaves()[-1]["more"] == {"what": "LAPSED", "cards": "3"}


async def test_card_of_somebody_who_stayed_does_not_lapse(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.set_member(number, HANAKO, MemberState.STAYED)

    await moves.end(day_end.lapse, number, midnight(LAST_DAY + DAY))

    assert moves.card(HANAKO).status is CardStatus.ACTIVE
    assert moves.statuses((TARO, SAKURA)) == {CardStatus.LAPSED}


async def test_move_lapses_while_its_origin_is_disconnected(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.connect(TOKOROZAWA.municipality, connected=False)

    await housekeeping.forget(moves.store, midnight(LAST_DAY + DAY))

    assert moves.move(number).state is MoveState.LAPSED
    assert moves.statuses() == {CardStatus.LAPSED}


@pytest.mark.parametrize(
    ("told", "last"),
    [
        ([], None),
        ([AlertKind.EXPECTED], AlertKind.NO_LONGER_EXPECTED),
        ([AlertKind.EXPECTED, AlertKind.NO_LONGER_EXPECTED], None),
    ],
)
async def test_who_was_told_to_expect_a_move_is_told_when_it_lapses(
    moves: PlannedMoves, told: list[AlertKind], last: AlertKind | None
) -> None:
    number = await moves.special()
    for kind in told:
        await moves.tell(number, kind)

    await moves.end(day_end.lapse, number, midnight(LAST_DAY + DAY))

    kinds = [one.kind for one in moves.alerts(CHIYODA.municipality)]
    assert kinds == [*told, *([] if last is None else [last])]


async def test_move_by_paper_never_lapses(moves: PlannedMoves) -> None:
    number = await moves.ordinary()

    late = await moves.end(day_end.lapse, number, midnight(LAST_DAY + 300 * DAY))

    assert not late
    assert moves.move(number).state is MoveState.ORDINARY


async def test_transfer_that_is_never_used_is_given_back_after_a_day(moves: PlannedMoves) -> None:
    number = await moves.special()
    await moves.fetch(number, NOW)

    in_time = await moves.end(day_end.give_back, number, NOW + USED_WITHIN)
    late = await moves.end(day_end.give_back, number, NOW + USED_WITHIN + MOMENT)
    again = await moves.end(day_end.give_back, number, NOW + 2 * USED_WITHIN)

    assert (in_time, late, again) == (False, True, False)
    move = moves.move(number)
    assert (move.state, move.transfer) == (MoveState.NOTIFIED, None)
    for office in (TOKOROZAWA.municipality, CHIYODA.municipality):
        assert [one.kind for one in moves.alerts(office)] == [AlertKind.TRANSFER_GIVEN_BACK]
    (leaf,) = moves.day_leaves()
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


async def test_arrival_is_asked_for_by_one_act_alone(moves: PlannedMoves) -> None:
    number, late = await moves.ordinary(), midnight(PLANNED + 61 * DAY)
    await moves.end(day_end.depart, number, midnight(PLANNED))

    asked = [await moves.end(day_end.miss, number, late) for _ in range(2)]

    assert asked == [True, False]
    assert len(moves.alerts()) == 1


async def test_nobody_is_missing_who_has_not_left_or_went_abroad(moves: PlannedMoves) -> None:
    here = await moves.ordinary((ALONE,))
    abroad = await moves.ordinary((TARO,), abroad=True)
    late = midnight(PLANNED + 100 * DAY)
    await moves.end(day_end.depart, abroad, midnight(PLANNED))

    asked = [await moves.end(day_end.miss, number, late) for number in (here, abroad)]

    assert asked == [False, False]
    assert moves.alerts() == []


@pytest.mark.parametrize("departed", [True, False])
async def test_move_that_has_ended_is_left_alone_by_every_act(
    moves: PlannedMoves, *, departed: bool
) -> None:
    number = await moves.special()
    await moves.fetch(number, NOW)
    ended = replace(moves.move(number), state=MoveState.COMPLETED, ended_at=NOW, departed=departed)
    await moves.store.act(lambda tx: tx.moves.update(ended))

    for act in (day_end.depart, day_end.lapse, day_end.give_back, day_end.miss):
        assert not await moves.end(act, number, midnight(LAST_DAY + 300 * DAY))
    await housekeeping.forget(moves.store, midnight(LAST_DAY + 300 * DAY))

    assert moves.move(number) == ended
    assert moves.alerts() == []


async def test_unknown_move_is_left_alone_by_every_act(moves: PlannedMoves) -> None:
    nobody = MoveNumber.drawn(bytes(8))

    for act in (day_end.depart, day_end.lapse, day_end.give_back, day_end.miss):
        assert not await moves.end(act, nobody, NOW)


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
