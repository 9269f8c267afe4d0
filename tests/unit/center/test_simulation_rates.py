"""The table of rates, and how a year's events fall on its days."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import cast

import pytest

from juki_center.data import simulation_table
from juki_center.rule_sets import RuleSet
from juki_center.simulation.business_days import is_open, last_day, special_last_day
from juki_center.simulation.errands import Column
from juki_center.simulation.rates import Happening, Rates
from juki_center.simulation.weeks import Weeks, monday_of
from juki_center.simulation.year import Year, expected
from tests.support.planned_year import YEAR, rates


def table() -> dict[str, object]:
    return deepcopy(simulation_table())


def part(of: dict[str, object], name: str) -> dict[str, object]:
    return cast("dict[str, object]", of[name])


def by_month(happening: Happening) -> dict[int, float]:
    found = rates()
    months = dict.fromkeys(range(1, 13), 0.0)
    days = expected(YEAR, found.happenings[happening], found.weights, 1_000_000)
    for day, count in days.items():
        months[day.month] += count
    return months


def test_shipped_table_gives_every_happening_with_its_source() -> None:
    found = rates()

    assert set(found.happenings) == set(Happening)
    assert all(rate.source.strip() for rate in found.happenings.values())


def test_moves_between_municipalities_are_those_of_the_country() -> None:
    # 5,207,746 in 2024, of 124.3 million residents.
    assert rates().happenings[Happening.MOVED_BETWEEN].per_resident == pytest.approx(
        0.0419, abs=1e-4
    )


def test_months_that_do_not_add_up_are_refused() -> None:
    wrong = table()
    cast("list[float]", part(part(wrong, "events"), "born")["months"])[0] += 1

    with pytest.raises(ValueError, match="add up to 100"):
        Rates.parse(wrong)


def test_eleven_months_are_refused() -> None:
    wrong = table()
    months = cast("list[float]", part(part(wrong, "events"), "born")["months"])
    months[0] += months.pop()

    with pytest.raises(ValueError, match="twelve"):
        Rates.parse(wrong)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_habit_that_is_no_share_is_refused(share: float) -> None:
    wrong = table()
    part(wrong, "habits")["withdrawn"] = share

    with pytest.raises(ValueError, match="between 0 and 1"):
        Rates.parse(wrong)


def test_unknown_habit_is_refused() -> None:
    wrong = table()
    part(wrong, "habits")["withdrwan"] = 0.1

    with pytest.raises(TypeError, match="withdrwan"):
        Rates.parse(wrong)


def test_more_hold_a_card_under_the_newest_law() -> None:
    found = rates()

    assert found.holders(RuleSet.R2023_02_06) > found.holders(RuleSet.R2003_08)


@pytest.mark.parametrize("happening", Happening)
def test_days_of_a_year_take_what_the_year_has(happening: Happening) -> None:
    found = rates()
    rate = found.happenings[happening]

    days = expected(YEAR, rate, found.weights, 1_000_000)

    assert sum(days.values()) == pytest.approx(1_000_000 * rate.per_resident)


def test_moves_are_most_in_march_and_then_in_april() -> None:
    months = by_month(Happening.MOVED_BETWEEN)

    march, april, *others = sorted(months, key=lambda month: months[month], reverse=True)
    assert (march, april) == (3, 4)
    assert months[3] / sum(months.values()) == pytest.approx(0.183, abs=0.001)
    assert months[4] > 1.7 * months[others[0]]


def test_nothing_falls_on_a_day_on_which_the_windows_are_closed() -> None:
    found = rates()
    days = expected(YEAR, found.happenings[Happening.DIED], found.weights, 1_000_000)

    assert all(is_open(day) for day in days)
    assert date(2024, 5, 3) not in days  # a holiday
    assert date(2024, 12, 30) not in days  # the turn of the year
    assert date(2024, 3, 30) not in days  # a Saturday


def test_monday_takes_more_than_tuesday() -> None:
    found = rates()
    days = expected(YEAR, found.happenings[Happening.DIED], found.weights, 1_000_000)

    assert days[date(2024, 6, 10)] == pytest.approx(1.25 * days[date(2024, 6, 11)])


def test_only_what_follows_moves_gathers_around_the_first_of_april() -> None:
    found = rates()
    late, early = date(2024, 3, 27), date(2024, 3, 13)

    moved, died = (
        expected(YEAR, found.happenings[one], found.weights, 1_000_000)
        for one in (Happening.MOVED_BETWEEN, Happening.DIED)
    )

    assert moved[late] == pytest.approx(2.2 * moved[early])
    assert died[late] == pytest.approx(died[early])


def test_year_that_begins_inside_a_month_takes_parts_of_that_month() -> None:
    found, year = rates(), Year.of(date(2024, 3, 16))
    rate = found.happenings[Happening.MOVED_BETWEEN]

    days = expected(year, rate, found.weights, 1_000_000)

    assert sum(days.values()) == pytest.approx(1_000_000 * rate.per_resident, rel=0.02)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (date(2024, 1, 1), date(2024, 12, 31), 366),
        (date(2023, 4, 1), date(2024, 3, 31), 366),
        (date(2024, 2, 29), date(2025, 2, 28), 366),
        (date(2025, 1, 1), date(2025, 12, 31), 365),
    ],
)
def test_year_ends_before_its_day_comes_again(first: date, last: date, days: int) -> None:
    year = Year.of(first)

    assert (year.last, len(year.days)) == (last, days)
    assert last in year
    assert date(last.year + 1, 6, 1) not in year


@pytest.mark.parametrize(
    ("moved_on", "planned_on", "last"),
    [
        (date(2004, 4, 1), date(2004, 3, 31), date(2004, 4, 15)),
        (date(2004, 4, 25), date(2004, 3, 31), date(2004, 4, 30)),
        (date(2004, 4, 20), date(2004, 4, 20), date(2004, 5, 6)),  # rolls over the holidays
    ],
)
def test_last_day_of_a_special_move_is_the_earlier_of_two(
    moved_on: date, planned_on: date, last: date
) -> None:
    """Case 22: 14 days after the move, 30 after the planned date, closed days not counted."""
    assert special_last_day(moved_on, planned_on) == last


def test_limit_that_ends_at_the_turn_of_the_year_ends_on_the_fourth() -> None:
    assert last_day(date(2023, 12, 16), 14) == date(2024, 1, 4)


def test_table_has_a_line_for_each_week_and_sums_that_fit() -> None:
    weeks = Weeks(YEAR.first, YEAR.last)
    for day in (date(2024, 3, 25), date(2024, 3, 29), date(2024, 12, 31)):
        weeks.add(day, Column.MOVES_IN)
    weeks.add(date(2024, 3, 26), Column.DEATHS)

    header, *lines, sums = weeks.table()

    assert len(lines) == 53
    assert header.split()[-1] == "total"
    assert sums.split() == ["year", "0", "3", "0", "0", "1", "0", "0", "4"]
    assert weeks.peak() == date(2024, 3, 25)
    assert monday_of(date(2024, 3, 31)) == date(2024, 3, 25)
