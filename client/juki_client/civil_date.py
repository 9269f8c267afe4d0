"""Dates as people write them at the window, as the register's `CivilDate`.

Era dates (昭和45年3月2日, S45.3.2), Gregorian dates (1970-03-02), dates known to the month or
year, and the forms for unknown days, whose text goes along, in plain digits and without spaces, and
is never replaced by an invented date.
Whether such a day exists is the register's question.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final

from juki_client.outcome import Problem
from jukinet.residents.v1.civil_date_pb2 import CivilDate

_MAX_TEXT: Final = 40
_ERAS: Final = {
    "明治": CivilDate.ERA_MEIJI,
    "M": CivilDate.ERA_MEIJI,
    "大正": CivilDate.ERA_TAISHO,
    "T": CivilDate.ERA_TAISHO,
    "昭和": CivilDate.ERA_SHOWA,
    "S": CivilDate.ERA_SHOWA,
    "平成": CivilDate.ERA_HEISEI,
    "H": CivilDate.ERA_HEISEI,
    "令和": CivilDate.ERA_REIWA,
    "R": CivilDate.ERA_REIWA,
}
_BEFORE_THE_ERA: Final = {
    CivilDate.ERA_MEIJI: 1867,
    CivilDate.ERA_TAISHO: 1911,
    CivilDate.ERA_SHOWA: 1925,
    CivilDate.ERA_HEISEI: 1988,
    CivilDate.ERA_REIWA: 2018,
}
_ERA_NAMES: Final = {number: name for name, number in _ERAS.items() if len(name) > 1}
_ERA_DATE: Final = re.compile(
    r"(?P<era>明治|大正|昭和|平成|令和|[MTSHR])(?P<year>元|[0-9]{1,2})(?:年|[./-])"
    r"(?:(?P<month>[0-9]{1,2})(?:月|[./-]|$)(?:(?P<day>[0-9]{1,2})日?)?)?"
)
_GREGORIAN_DATE: Final = re.compile(
    r"(?P<year>[0-9]{4})(?:年|[./-]|$)"
    r"(?:(?P<month>[0-9]{1,2})(?:月|[./-]|$)(?:(?P<day>[0-9]{1,2})日?)?)?"
)
_ERA_YEAR: Final = re.compile(
    r"(?:推定)?(?P<era>明治|大正|昭和|平成|令和)(?P<year>元|[0-9]{1,2})年"
)
_GREGORIAN_YEAR: Final = re.compile(r"(?:推定)?(?P<year>[0-9]{4})年")
_PARTLY_UNKNOWN: Final = re.compile(r"(?<=年)(?:月日|(?P<month>[0-9]{1,2})月日)不詳$")
_APPROXIMATE: Final = ("頃", "ころ", "推定", "春", "夏", "秋", "冬", "上旬", "中旬", "下旬")
_UNKNOWN: Final = "年月日不詳"


def parse(text: str, field: str) -> CivilDate:
    """Return the date that `text` means.

    Raises Problem USAGE_INVALID naming `field` where the text is empty, too long, or no such form;
    the text itself is personal and is not repeated.
    """
    folded = unicodedata.normalize("NFKC", text).replace(" ", "")
    if not folded or len(text) > _MAX_TEXT:
        raise _invalid(field)
    if match := _ERA_DATE.fullmatch(folded):
        era = _ERAS[match["era"]]
        return _exact(CivilDate(calendar=CivilDate.CALENDAR_ERA, era=era), match, field)
    if match := _GREGORIAN_DATE.fullmatch(folded):
        return _exact(CivilDate(calendar=CivilDate.CALENDAR_GREGORIAN), match, field)
    return _inexact(folded, field)


def exact_day(text: str, field: str) -> date:
    """Return the day of the calendar that `text` means; raises Problem as `parse` does.

    >>> exact_day("令和8年4月1日", "moved_date")
    datetime.date(2026, 4, 1)
    """
    return day_of(parse(text, field), field)


def day_of(said: CivilDate, field: str) -> date:
    """Return a civil date as a day of the calendar; raises Problem USAGE_INVALID for none."""
    try:
        return date(said.year + _BEFORE_THE_ERA.get(said.era, 0), said.month, said.day)
    except ValueError as error:
        raise Problem("USAGE_INVALID", {"field": field, "rule": "令和8年11月1日"}) from error


def text_of(date: CivilDate) -> str:
    """Return a date as people read it: its registered text, else its parts.

    >>> text_of(parse("S45.3.2", "birth"))
    '昭和45年3月2日'
    """
    if date.original_text:
        return date.original_text
    if date.precision == CivilDate.PRECISION_UNKNOWN:
        return _UNKNOWN
    year = "元" if date.era and date.year == 1 else str(date.year)
    parts = [(_ERA_NAMES.get(date.era, "") + year, "年"), (date.month, "月"), (date.day, "日")]
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _exact(date: CivilDate, match: re.Match[str], field: str) -> CivilDate:
    date.year = 1 if match["year"] == "元" else int(match["year"])
    date.month = int(match["month"] or 0)
    date.day = int(match["day"] or 0)
    date.precision = CivilDate.PRECISION_DAY
    if match["day"] is None:
        known_month = match["month"] is not None
        date.precision = CivilDate.PRECISION_MONTH if known_month else CivilDate.PRECISION_YEAR
    elif date.day == 0 or date.month == 0:
        raise _invalid(field)
    if date.year < 1 or date.month > 12 or date.day > 31:
        raise _invalid(field)
    return date


def _inexact(folded: str, field: str) -> CivilDate:
    date = CivilDate(calendar=CivilDate.CALENDAR_ERA, original_text=folded)
    if match := _ERA_YEAR.match(folded):
        date.era = _ERAS[match["era"]]
        date.year = 1 if match["year"] == "元" else int(match["year"])
    elif match := _GREGORIAN_YEAR.match(folded):
        date.calendar = CivilDate.CALENDAR_GREGORIAN
        date.year = int(match["year"])
    if "から" in folded and folded.endswith("間"):
        date.precision = CivilDate.PRECISION_RANGE
    elif any(word in folded for word in _APPROXIMATE):
        date.precision = CivilDate.PRECISION_APPROXIMATE
    elif folded == _UNKNOWN:
        date.precision = CivilDate.PRECISION_UNKNOWN
    elif match := _PARTLY_UNKNOWN.search(folded):
        date.month = int(match["month"] or 0)
        date.precision = CivilDate.PRECISION_MONTH if date.month else CivilDate.PRECISION_YEAR
    else:
        raise _invalid(field)
    return date


def _invalid(field: str) -> Problem:
    return Problem("USAGE_INVALID", {"field": field, "rule": "昭和45年3月2日 / 1970-03-02"})
