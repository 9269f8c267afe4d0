"""The days that an application counts: replies, photos, ages. All of them are days in Japan."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Final

from juki_center.areas.residents.civil_dates import CivilDate

REPLY_DAYS: Final = 30
PHOTO_MONTHS: Final = 6
AGE_OF_ACTING_ALONE: Final = 15


def last_reply_day(sent_on: date) -> date:
    """Return the last day on which a reply to a letter counts."""
    return sent_on + timedelta(days=REPLY_DAYS)


def months_later(day: date, months: int) -> date:
    """Return the corresponding day, or the month's last where it has none (Civil Code, 143).

    >>> months_later(date(2003, 8, 31), 6)
    datetime.date(2004, 2, 29)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    longest = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, longest))


def is_recent_photo(taken_on: date, today: date) -> bool:
    """Tell whether a photo was taken within the last six months, and not in the future."""
    return taken_on <= today <= months_later(taken_on, PHOTO_MONTHS)


def may_be_under_15(birth: CivilDate, today: date) -> bool:
    """Tell whether a person may be younger than 15: where the birth date leaves it open, yes."""
    number = today.year * 10_000 + today.month * 100 + today.day
    return number < birth.sort_to + AGE_OF_ACTING_ALONE * 10_000
