"""Dates from their registered text: every form of the standard specification (1.1.8, 1.1.9).

A day, in its era or Gregorian; a year or a month whose rest is unknown; about, estimated, a season,
a third of a month; between two dates; nothing at all. The text is kept as it is, and no day is ever
made up: what a text leaves open stays open between `sort_from` and `sort_to`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from juki_center.areas.residents.civil_dates import (
    ERAS,
    TEXT_LENGTH,
    UNKNOWN_TEXT,
    Calendar,
    CivilDate,
    Era,
    Precision,
)
from juki_center.errors import RuleBroken

_ERA_BY_NAME: Mapping[str, Era] = {span.name: era for era, span in ERAS.items()}
_YEAR = r"(?P<era>(?!推定)[\u4e00-\u9fff]{2})?(?P<year>元|\d{1,4})年"
_MONTH = r"(?P<month>\d{1,2})月"
_DAY = r"(?P<day>\d{1,2})日"
_ABOUT = "(?P<about>頃|ころ)?"
_EXACT_FORM = re.compile(_YEAR + _MONTH + _DAY, re.ASCII)
_PARTLY_UNKNOWN_FORM = re.compile(
    rf"{_YEAR}(?:[ \u3000]?月日不詳|{_MONTH}[ \u3000]?日不詳)", re.ASCII
)
_ABOUT_FORM = re.compile(
    "(?P<estimated>推定)?"
    rf"{_YEAR}(?:(?P<season>[春夏秋冬])|{_MONTH}(?:(?P<third>[上中下]旬)|{_DAY})?)?{_ABOUT}",
    re.ASCII,
)
_RANGE_FORM = re.compile(
    rf"(?:推定)?{_YEAR}(?:{_MONTH}(?:推定)?(?:{_DAY})?)?{_ABOUT}から(?:推定)?"
    r"(?:(?P<to_era>[\u4e00-\u9fff]{2})?(?P<to_year>元|\d{1,4})年)?"
    r"(?:(?P<to_month>\d{1,2})月)?(?:(?P<to_day>\d{1,2})日)?(?:頃|ころ)?までの間",
    re.ASCII,
)
_OTHER_DIGIT = re.compile("[０-９〇一二三四五六七八九十]")
# Spring may be meant by the weather (from March) or by the old calendar (from February), and so may
# the others; the winter of a year can be its beginning or its end.
_SEASONS = {"春": (2_01, 5_31), "夏": (5_01, 8_31), "秋": (8_01, 11_30), "冬": (1_01, 12_31)}
_THIRDS = {"上旬": (1, 10), "中旬": (11, 20), "下旬": (21, 31)}

_Parts = Mapping[str, str | None]


def parse_date(text: str) -> CivilDate:
    """Return the date of a registered text; its `paper_text` is that text, octet for octet.

    Raises RuleBroken: DATE_MISSING for a blank, ORIGINAL_TEXT_TOO_LONG, DATE_DIGITS for digits that
    are not 0 to 9, YEAR_WITHOUT_ERA, ERA_UNKNOWN, RANGE_BACKWARDS, OUTSIDE_ERA, YEAR, MONTH, DAY,
    and DATE_TEXT for a text in no registered form.

    >>> parse_date("令和3年5月1日から10日頃までの間").sort_to
    20210510
    """
    if exact := _EXACT_FORM.fullmatch(text):
        return _day(exact, text)
    if len(text) > TEXT_LENGTH:
        raise RuleBroken("ORIGINAL_TEXT_TOO_LONG")
    if text == UNKNOWN_TEXT:
        return CivilDate(Calendar.ERA, Precision.UNKNOWN)
    if partly := _PARTLY_UNKNOWN_FORM.fullmatch(text):
        known = Precision.YEAR if partly["month"] is None else Precision.MONTH
        return _kept(_date(known, partly.groupdict()), text)
    if about := _ABOUT_FORM.fullmatch(text):
        return _approximate(about.groupdict(), text)
    if between := _RANGE_FORM.fullmatch(text):
        return _range(between.groupdict(), text)
    raise RuleBroken(_why_not(text))


def registered(date: CivilDate) -> CivilDate:
    """Return a date as its registered text means it; parts that the text has may be left out.

    Raises RuleBroken as `parse_date` does, and TEXT_AND_PARTS where text and parts disagree.
    """
    if not date.original_text:
        return date
    meant = parse_date(date.original_text)
    if meant.precision is Precision.UNKNOWN:
        # The only text that is of no calendar; the stated one stays.
        meant = replace(meant, calendar=date.calendar)
    parts = zip(_parts(date), _parts(meant), strict=True)
    if any(given is not None and given != part for given, part in parts):
        raise RuleBroken("TEXT_AND_PARTS")
    return meant


def _parts(date: CivilDate) -> tuple[object, ...]:
    days = (date.year, date.month, date.day, date.earliest, date.latest)
    return (date.calendar, date.precision, date.era, *days)


def _day(exact: re.Match[str], text: str) -> CivilDate:
    era, year, month, day = exact.groups()
    # 元年 prints as 元年 again; 1年, 03月 and the like print as they are by their text alone.
    is_plain = month[0] != "0" and day[0] != "0" and year[0] != "0" and year != "1"
    return CivilDate(
        Calendar.GREGORIAN if era is None else Calendar.ERA,
        Precision.DAY,
        _year(era, year),
        int(month),
        int(day),
        _era(era),
        "" if is_plain else text,
    )


def _kept(date: CivilDate, text: str) -> CivilDate:
    """Keep the text beside the parts, unless they print it anyway."""
    return date if date.paper_text == text else replace(date, original_text=text)


def _approximate(parts: _Parts, text: str) -> CivilDate:
    season, third = parts["season"], parts["third"]
    if not (season or third or parts["estimated"] or parts["about"]):
        # 昭和45年 by itself does not say whether the rest is unknown or was forgotten.
        raise RuleBroken("DATE_TEXT")
    date = _date(Precision.APPROXIMATE, parts, text)
    if date.is_lunisolar or not (season or third):
        return date
    year = (date.gregorian_year or 0) * 10_000
    if season:
        first, last = _SEASONS[season]
        return _within(date, year + first, year + last)
    first, last = _THIRDS[third or ""]
    month = year + (date.month or 0) * 100
    return _within(date, month + first, month + last)


def _within(date: CivilDate, first: int, last: int) -> CivilDate:
    """Narrow a date to a span, as far as its era lasts."""
    first, last = max(first, date.sort_from), min(last, date.sort_to)
    if first > last:
        raise RuleBroken("OUTSIDE_ERA")
    return replace(date, earliest=first, latest=last)


def _range(parts: _Parts, text: str) -> CivilDate:
    first = _date(Precision.RANGE, parts, text)
    last = _date(Precision.RANGE, _end(parts), text)
    return replace(first, earliest=first.sort_from, latest=last.sort_to)


def _end(parts: _Parts) -> _Parts:
    """Return the parts of a range's end, completed by those that stand at its beginning alone."""
    year, month, day = (parts[f"to_{name}"] for name in ("year", "month", "day"))
    if (month is None and year and day) or not (year or month or day):
        raise RuleBroken("DATE_TEXT")
    # From a day to a day, from a month to a month, from a year to a year.
    if bool(parts["day"]) != bool(day) or bool(parts["month"]) != bool(month or day):
        raise RuleBroken("DATE_TEXT")
    return {
        "era": parts["to_era"] or parts["era"],
        "year": year or parts["year"],
        "month": month or parts["month"],
        "day": day,
    }


def _date(precision: Precision, parts: _Parts, text: str = "") -> CivilDate:
    era, month, day = parts["era"], parts.get("month"), parts.get("day")
    return CivilDate(
        calendar=Calendar.GREGORIAN if era is None else Calendar.ERA,
        precision=precision,
        year=_year(era, parts["year"] or ""),
        month=None if month is None else int(month),
        day=None if day is None else int(day),
        era=_era(era),
        original_text=text,
    )


def _era(name: str | None) -> Era | None:
    if name is None:
        return None
    era = _ERA_BY_NAME.get(name)
    if era is None:
        raise RuleBroken("ERA_UNKNOWN")
    return era


def _year(era: str | None, year: str) -> int:
    if era is None and (len(year) != 4 or year.startswith("0")):
        # 45年 is Showa, Meiji or a slip; it is not the year 45.
        raise RuleBroken("YEAR_WITHOUT_ERA")
    return 1 if year == "元" else int(year)


def _why_not(text: str) -> str:
    if not text.strip(" \u3000"):
        return "DATE_MISSING"
    return "DATE_DIGITS" if _OTHER_DIGIT.search(text) else "DATE_TEXT"
