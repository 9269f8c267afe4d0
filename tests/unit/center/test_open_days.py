"""Which days offices are open, and what a closed last day moves on to."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.open_days import FIRST_YEAR, LAST_YEAR, is_open, rolled
from juki_center.errors import RuleBroken

VECTORS = Path(__file__).parents[2] / "vectors" / "national-holidays.json"
HOLIDAYS: dict[str, str] = json.loads(VECTORS.read_text(encoding="utf-8"))["days"]
YEAR_END = {"12-29", "12-30", "12-31", "01-01", "01-02", "01-03"}
LONGEST_CLOSED = timedelta(days=10)

days = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 28))


@pytest.fixture(scope="module", autouse=True)
def calendars() -> None:
    """Load the calendars, so that no example is judged by the time that takes once."""
    assert is_open(date(2003, 8, 25))


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", sorted(HOLIDAYS))
def test_each_day_of_a_known_year_is_as_the_law_has_it(year: str) -> None:
    closed = set(HOLIDAYS[year].split()) | YEAR_END
    expected = {
        day for day in days_of(int(year)) if day.weekday() < 5 and f"{day:%m-%d}" not in closed
    }

    answered = {day for day in days_of(int(year)) if is_open(day)}

    assert answered == expected


def test_vectors_hold_the_years_that_the_module_names() -> None:
    assert sorted(HOLIDAYS) == [str(year) for year in range(2003, 2031)]


@pytest.mark.parametrize(
    ("last", "open_again"),
    [
        pytest.param(date(2003, 4, 15), date(2003, 4, 15), id="open"),
        pytest.param(date(2003, 9, 20), date(2003, 9, 22), id="saturday"),
        pytest.param(date(2003, 9, 21), date(2003, 9, 22), id="sunday"),
        pytest.param(date(2003, 9, 15), date(2003, 9, 16), id="happy-monday"),
        pytest.param(date(2003, 11, 23), date(2003, 11, 25), id="substitute"),
        pytest.param(date(2004, 5, 4), date(2004, 5, 6), id="between-two-holidays-until-2006"),
        pytest.param(date(2009, 9, 19), date(2009, 9, 24), id="silver-week"),
        pytest.param(date(2008, 5, 3), date(2008, 5, 7), id="substitute-after-three-holidays"),
        pytest.param(date(2015, 5, 2), date(2015, 5, 7), id="golden-week"),
        pytest.param(date(2019, 4, 27), date(2019, 5, 7), id="enthronement"),
        pytest.param(date(2019, 10, 22), date(2019, 10, 23), id="enthronement-ceremony"),
        pytest.param(date(2020, 7, 23), date(2020, 7, 27), id="opening-put-off"),
        pytest.param(date(2020, 10, 12), date(2020, 10, 12), id="sports-day-moved-away"),
        pytest.param(date(2021, 8, 9), date(2021, 8, 10), id="closing-substitute"),
        pytest.param(date(2021, 7, 19), date(2021, 7, 19), id="marine-day-moved-away"),
        pytest.param(date(2003, 12, 28), date(2004, 1, 5), id="year-end-of-nine-days"),
        pytest.param(date(2024, 12, 28), date(2025, 1, 6), id="year-end-from-a-saturday"),
        pytest.param(date(2004, 2, 29), date(2004, 3, 1), id="leap-day"),
    ],
)
def test_closed_last_day_moves_on_to_the_next_open_one(last: date, open_again: date) -> None:
    assert rolled(last) == open_again


@given(days)
def test_rolled_day_is_open_and_the_first_that_is(day: date) -> None:
    last = rolled(day)

    assert is_open(last)
    assert day <= last <= day + LONGEST_CLOSED
    assert not any(is_open(day + timedelta(days=n)) for n in range((last - day).days))


@given(days, days)
def test_later_day_is_never_rolled_to_an_earlier_one(one: date, other: date) -> None:
    earlier, later = sorted((one, other))

    assert rolled(earlier) <= rolled(later)


@pytest.mark.parametrize(
    "day", [date(FIRST_YEAR - 1, 12, 28), date(LAST_YEAR + 1, 1, 4), date(9999, 12, 31)]
)
def test_year_without_a_calendar_has_no_answer(day: date) -> None:
    with pytest.raises(RuleBroken, match="YEAR_WITHOUT_CALENDAR"):
        is_open(day)


def test_last_day_that_would_end_in_an_unknown_year_has_no_answer() -> None:
    with pytest.raises(RuleBroken, match="YEAR_WITHOUT_CALENDAR"):
        rolled(date(LAST_YEAR, 12, 29))


def test_calendars_are_not_loaded_before_a_deadline_asks() -> None:
    program = "import sys, juki_center.cli.commands; print('holidays' in sys.modules)"

    printed = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout

    assert printed.strip() == "False"
