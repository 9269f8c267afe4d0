"""The days on which the offices of Japan are open: what a last day that is closed moves on to.

Closed are Saturdays, Sundays, national holidays with their substitutes and the days between two of
them, and 29 December to 3 January (Local Autonomy Act, article 4-2(2)). A municipality that opens
on a Saturday all the same, or closes on a day of its own, changes no deadline here.

The holidays come from the library `holidays`. What it says of 2003 to 2030 is compared with a list
of another origin in the tests: for the past it is what the law was, with the days that single acts
moved (2019 to 2021); for the future it is the Public Holiday Act as it stands, with equinoxes
computed ahead. The government announces those each February for the next year, and a statute may
move any day: a center needs the newest release of the library once a year.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from juki_center.errors import RuleBroken

FIRST_YEAR: Final = 1949
LAST_YEAR: Final = 2099
"""The years whose holidays are known; no other year has an answer."""

_YEAR_END: Final = frozenset({(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)})
_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


def is_open(day: date) -> bool:
    """Tell whether offices are open on a day.

    Raises RuleBroken, YEAR_WITHOUT_CALENDAR, for a year whose holidays nobody knows: a guess would
    take a right from somebody, or give one.

    >>> is_open(date(2003, 11, 4)), is_open(date(2003, 11, 3))
    (True, False)
    """
    holidays = _holidays(day.year)
    is_closed = day.weekday() >= _SATURDAY or (day.month, day.day) in _YEAR_END
    return not is_closed and day not in holidays


def rolled(day: date) -> date:
    """Return the day, or the next open one where it is closed (Local Autonomy Act, 4-2(4)).

    Raises RuleBroken as `is_open`.

    >>> rolled(date(2004, 5, 1))
    datetime.date(2004, 5, 6)
    """
    while not is_open(day):
        day += _DAY
    return day


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RuleBroken("YEAR_WITHOUT_CALENDAR")
    # It loads the calendars of all countries: half a second that only deadlines have to pay.
    from holidays import country_holidays  # noqa: PLC0415

    return frozenset(country_holidays("JP", years=year, expand=False))
