"""Dates from their text: the forms in which this project's own files write them.

Known to the day only, and 年月日不詳; every other registered text keeps its own precision and is
entered as such.
"""

from __future__ import annotations

import re

from juki_center.areas.residents.civil_dates import ERAS, Calendar, CivilDate, Precision
from juki_center.errors import RuleBroken

_ERA_BY_NAME = {span.name: era for era, span in ERAS.items()}
_DAY = re.compile(
    r"(?P<era>明治|大正|昭和|平成|令和)?(?P<year>元|\d{1,4})年(?P<month>\d{1,2})月(?P<day>\d{1,2})日",
    re.ASCII,
)
UNKNOWN_TEXT = "年月日不詳"


def parse_date(text: str) -> CivilDate:
    """Return the date of a text such as 昭和45年3月2日 or 1985年4月1日.

    Raises RuleBroken for any other text.

    >>> parse_date("昭和元年12月25日").paper_text
    '昭和元年12月25日'
    """
    if text == UNKNOWN_TEXT:
        return CivilDate(Calendar.ERA, Precision.UNKNOWN)
    found = _DAY.fullmatch(text)
    if found is None or (found["year"] == "元" and not found["era"]):
        raise RuleBroken("DATE_TEXT")
    era = _ERA_BY_NAME[found["era"]] if found["era"] else None
    return CivilDate(
        calendar=Calendar.ERA if era else Calendar.GREGORIAN,
        precision=Precision.DAY,
        year=1 if found["year"] == "元" else int(found["year"]),
        month=int(found["month"]),
        day=int(found["day"]),
        era=era,
    )
