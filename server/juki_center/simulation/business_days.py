"""Which days the windows are open, and when a time limit ends; counted anew, not by the acts' code.

The windows are closed on Saturdays, Sundays, national holidays and from 29 December to 3 January.
A limit that ends on such a day ends on the next open one (Local Autonomy Act, article 4-2(4)); its
first day is not counted (Civil Code, article 140).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

_DAY = timedelta(days=1)
_SATURDAY = 5


@lru_cache(maxsize=4096)
def is_open(day: date) -> bool:
    """Tell whether the windows are open on a day."""
    is_new_year = (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)
    return day.weekday() < _SATURDAY and not is_new_year and day not in _national(day.year)


def open_from(day: date) -> date:
    """Return the first open day, this one or a later one."""
    while not is_open(day):
        day += _DAY
    return day


def last_day(event: date, days: int) -> date:
    """Return the last day of a limit of so many days that an event begins.

    >>> last_day(date(2024, 4, 1), 14)
    datetime.date(2024, 4, 15)
    >>> last_day(date(2024, 4, 14), 14)  # the 28th is a Sunday, the 29th a holiday
    datetime.date(2024, 4, 30)
    """
    return open_from(event + timedelta(days=days))


def special_last_day(moved_on: date, planned_on: date) -> date:
    """Return the last day of a special move-in: the earlier of two limits (article 24-2)."""
    return min(last_day(moved_on, 14), last_day(planned_on, 30))


@lru_cache(maxsize=64)
def _national(year: int) -> frozenset[date]:
    # It loads the calendars of all countries: half a second that no other command has to pay.
    from holidays import country_holidays  # noqa: PLC0415

    return frozenset(country_holidays("JP", years=year, expand=False))
