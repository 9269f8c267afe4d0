"""Days of the calendar as registers write them: in their era."""

from __future__ import annotations

from datetime import date

from juki_center.areas.residents.civil_dates import ERAS, Calendar, CivilDate, Precision


def civil_day(day: date) -> CivilDate:
    """Return a day in the newest era that it falls into.

    >>> civil_day(date(2019, 5, 1)).paper_text
    '令和元年5月1日'

    Raises ValueError for a day before the first era.
    """
    number = day.year * 10_000 + day.month * 100 + day.day
    for era, span in reversed(ERAS.items()):
        if span.first_day <= number:
            year = day.year - span.first_year + 1
            return CivilDate(Calendar.ERA, Precision.DAY, year, day.month, day.day, era)
    raise ValueError("no era reaches this day")
