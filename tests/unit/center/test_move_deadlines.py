"""The deadlines of moves: the last day that still counts, and the first that does not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.days import day_in_japan
from juki_center.areas.moves.deadlines import (
    is_arrival_missing,
    is_notice_late,
    last_day_of_continuation,
    last_day_of_notice,
    last_day_of_plan,
    last_special_day,
    refuse_late,
)
from juki_center.areas.open_days import is_open
from juki_center.errors import Reason, Refusal, RuleBroken

PLANNED = date(2004, 3, 31)
MOVED = date(2004, 4, 1)

days = st.dates(date(2003, 8, 25), date(2030, 12, 31))


@pytest.fixture(scope="module", autouse=True)
def calendars() -> None:
    """Load the calendars, so that no example is judged by the time that takes once."""
    assert is_open(date(2003, 8, 25))


def refusal_of(moved_on: date, planned_on: date, today: date) -> tuple[Reason, dict[str, str]]:
    with pytest.raises(Refusal) as refused:
        refuse_late(moved_on, planned_on, today)
    return refused.value.reason, refused.value.metadata


def test_special_move_in_within_both_deadlines_is_in_time() -> None:
    """Case 22: planned 31 March, moved 1 April, notified on 14 April."""
    refuse_late(MOVED, PLANNED, date(2004, 4, 14))


def test_first_day_is_not_counted() -> None:
    """Case 22: 15 April is the last day after a move on 1 April; 30 April after 31 March."""
    refuse_late(MOVED, PLANNED, date(2004, 4, 15))
    refuse_late(date(2004, 4, 25), PLANNED, date(2004, 4, 30))

    assert last_day_of_notice(MOVED) == date(2004, 4, 15)
    assert last_day_of_plan(PLANNED) == date(2004, 4, 30)


def test_special_move_in_fifteen_days_after_the_move_is_refused() -> None:
    """Case 22: notified on 16 April, refused DEADLINE_14."""
    refused = refusal_of(MOVED, PLANNED, date(2004, 4, 16))

    assert refused == (Reason.DEADLINE_14, {"lastDay": "2004-04-15"})


def test_special_move_in_thirty_one_days_after_the_plan_is_refused() -> None:
    """Case 22: moved on 25 April and notified on 1 May, refused DEADLINE_30."""
    refused = refusal_of(date(2004, 4, 25), PLANNED, date(2004, 5, 1))

    assert refused == (Reason.DEADLINE_30, {"lastDay": "2004-04-30"})


@pytest.mark.parametrize(
    ("moved_on", "reason", "last_day"),
    [
        pytest.param(date(2004, 4, 1), Reason.DEADLINE_14, "2004-04-15", id="move-first"),
        pytest.param(date(2004, 4, 20), Reason.DEADLINE_30, "2004-04-30", id="plan-first"),
        pytest.param(date(2004, 4, 16), Reason.DEADLINE_14, "2004-04-30", id="both-on-one-day"),
    ],
)
def test_refusal_names_the_deadline_that_was_over_first(
    moved_on: date, reason: Reason, last_day: str
) -> None:
    assert refusal_of(moved_on, PLANNED, date(2004, 6, 1)) == (reason, {"lastDay": last_day})


def test_day_ends_at_midnight_in_japan() -> None:
    last_second = datetime(2004, 4, 15, 14, 59, 59, tzinfo=UTC)
    midnight = datetime(2004, 4, 15, 15, tzinfo=UTC)

    refuse_late(MOVED, PLANNED, day_in_japan(last_second))

    assert refusal_of(MOVED, PLANNED, day_in_japan(midnight))[0] is Reason.DEADLINE_14


@pytest.mark.parametrize(
    ("moved_on", "last_day"),
    [
        pytest.param(date(2003, 9, 1), date(2003, 9, 16), id="happy-monday"),
        pytest.param(date(2004, 4, 17), date(2004, 5, 6), id="golden-week-of-2004"),
        pytest.param(date(2019, 4, 13), date(2019, 5, 7), id="ten-closed-days-of-2019"),
        pytest.param(date(2003, 12, 15), date(2004, 1, 5), id="new-year"),
        pytest.param(date(2004, 2, 14), date(2004, 3, 1), id="sunday-that-is-leap-day"),
        pytest.param(date(2008, 2, 15), date(2008, 2, 29), id="leap-day"),
        pytest.param(date(2007, 2, 15), date(2007, 3, 1), id="no-leap-day"),
    ],
)
def test_closed_last_day_of_a_notice_moves_on(moved_on: date, last_day: date) -> None:
    assert last_day_of_notice(moved_on) == last_day
    assert not is_notice_late(moved_on, last_day)
    assert is_notice_late(moved_on, last_day + timedelta(days=1))


@pytest.mark.parametrize(
    ("planned_on", "last_day"),
    [
        pytest.param(date(2004, 4, 1), date(2004, 5, 6), id="golden-week"),
        pytest.param(date(2003, 11, 29), date(2004, 1, 5), id="new-year"),
        pytest.param(date(2004, 1, 30), date(2004, 3, 1), id="sunday-that-is-leap-day"),
    ],
)
def test_closed_last_day_of_a_plan_moves_on(planned_on: date, last_day: date) -> None:
    assert last_day_of_plan(planned_on) == last_day


def test_card_is_continued_on_the_ninetieth_day_and_not_moved_on() -> None:
    """Case 27: plain days, also where the ninetieth is a Saturday."""
    last_day = last_day_of_continuation(date(2013, 3, 31))

    assert last_day == date(2013, 6, 29)
    assert not is_open(last_day)


def test_arrival_is_missing_from_the_sixty_first_day() -> None:
    before = date(2004, 3, 20)

    assert not is_arrival_missing(PLANNED, before, date(2004, 5, 30))
    assert is_arrival_missing(PLANNED, before, date(2004, 5, 31))


def test_days_of_a_missing_arrival_count_from_a_notice_that_came_after_the_move() -> None:
    notified_on = date(2004, 6, 1)

    assert not is_arrival_missing(PLANNED, notified_on, date(2004, 7, 31))
    assert is_arrival_missing(PLANNED, notified_on, date(2004, 8, 1))


def test_deadline_that_no_calendar_knows_has_no_answer() -> None:
    with pytest.raises(RuleBroken, match="YEAR_WITHOUT_CALENDAR"):
        last_day_of_notice(date(2099, 12, 20))


@given(days, days)
def test_later_move_never_has_an_earlier_deadline(one: date, other: date) -> None:
    earlier, later = sorted((one, other))

    assert last_day_of_notice(earlier) <= last_day_of_notice(later)
    assert last_day_of_plan(earlier) <= last_day_of_plan(later)


@given(days, st.integers(-40, 60), st.integers(0, 90))
def test_move_in_is_refused_exactly_after_its_last_day(
    planned_on: date, moved_after: int, notified_after: int
) -> None:
    moved_on = planned_on + timedelta(days=moved_after)
    today = moved_on + timedelta(days=notified_after)
    last_day = last_special_day(moved_on, planned_on)

    if today <= last_day:
        refuse_late(moved_on, planned_on, today)
    else:
        reason, facts = refusal_of(moved_on, planned_on, today)
        assert facts == {"lastDay": last_day.isoformat()}
        assert (
            last_day
            == {
                Reason.DEADLINE_14: last_day_of_notice(moved_on),
                Reason.DEADLINE_30: last_day_of_plan(planned_on),
            }[reason]
        )


@given(days)
def test_last_days_are_open_and_never_before_the_days_counted(day: date) -> None:
    for last, count in ((last_day_of_notice(day), 14), (last_day_of_plan(day), 30)):
        assert is_open(last)
        assert 0 <= (last - day).days - count <= 10
