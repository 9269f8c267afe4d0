"""Dates of invented residents as registers write them: in eras, Gregorian, vague."""

from __future__ import annotations

from datetime import date
from typing import Final

from juki_center.areas.residents.civil_dates import ERAS

_ERAS: Final = tuple(
    (date.fromisoformat(str(span.first_day)).toordinal(), span.first_year, span.name)
    for span in reversed(ERAS.values())
)


def era_text(day: date) -> str:
    """Return a day in its era; the first year is 元.

    >>> era_text(date(2019, 5, 1))
    '令和元年5月1日'
    """
    return f"{_year(day)}{day.month}月{day.day}日"


def gregorian_text(day: date) -> str:
    """Return a day in the Gregorian calendar.

    >>> gregorian_text(date(1985, 4, 1))
    '1985年4月1日'
    """
    return f"{day.year}年{day.month}月{day.day}日"


def vague_texts(day: date) -> tuple[str, ...]:
    """Return how a register may hold a day of which only a part is known."""
    year = _year(day)
    return (
        f"{year} 月日不詳",
        f"{year}頃",
        f"{year}{day.month}月 日不詳",
        f"{year}{day.month}月頃",
        f"推定{year}{day.month}月{day.day}日",
        "年月日不詳",
    )


def _year(day: date) -> str:
    number = day.toordinal()
    first_year, name = next((year, name) for begin, year, name in _ERAS if begin <= number)
    count = day.year - first_year + 1
    return f"{name}{'元' if count == 1 else count}年"
