"""Dates of the register: in their own calendar, perhaps imprecise, with the registered text.

A civil date is a date in Japan and never a point in time. Registers hold dates that no calendar
has (29 February of a common year, both ends of an era's last day) and dates of which only a part
is known; none of them is ever completed by invention.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from juki_center.errors import RuleBroken


class Calendar(StrEnum):
    """The calendar in which a date was registered."""

    ERA = "ERA"
    GREGORIAN = "GREGORIAN"


class Era(StrEnum):
    """Eras since 1868."""

    MEIJI = "MEIJI"
    TAISHO = "TAISHO"
    SHOWA = "SHOWA"
    HEISEI = "HEISEI"
    REIWA = "REIWA"


class Precision(StrEnum):
    """How exact a date is."""

    DAY = "DAY"
    MONTH = "MONTH"
    YEAR = "YEAR"
    UNKNOWN = "UNKNOWN"
    APPROXIMATE = "APPROXIMATE"
    RANGE = "RANGE"


@dataclass(frozen=True, slots=True)
class EraSpan:
    """An era: its name in print, its first and its last day as year, month, day (Gregorian)."""

    name: str
    first: tuple[int, int, int]
    last: tuple[int, int, int]


ERAS = {
    Era.MEIJI: EraSpan("明治", (1868, 1, 25), (1912, 7, 30)),
    Era.TAISHO: EraSpan("大正", (1912, 7, 30), (1926, 12, 25)),
    Era.SHOWA: EraSpan("昭和", (1926, 12, 25), (1989, 1, 7)),
    Era.HEISEI: EraSpan("平成", (1989, 1, 8), (2019, 4, 30)),
    Era.REIWA: EraSpan("令和", (2019, 5, 1), (9999, 12, 31)),
}
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Until 2 December of Meiji 5 (1872) the calendar was luni-solar: its months are not Gregorian ones.
_LAST_LUNISOLAR_YEAR = 1872


@dataclass(frozen=True, slots=True)
class CivilDate:
    """A date as a register holds it. `year` counts in the era, or is Gregorian.

    Raises RuleBroken when made with parts that contradict each other or the calendar.
    """

    calendar: Calendar
    precision: Precision
    year: int | None = None
    month: int | None = None
    day: int | None = None
    era: Era | None = None
    original_text: str = ""

    def __post_init__(self) -> None:
        if len(self.original_text) > 40:
            raise RuleBroken("ORIGINAL_TEXT_TOO_LONG")
        if (self.era is not None) != (self.calendar is Calendar.ERA and self.year is not None):
            raise RuleBroken("ERA_AND_CALENDAR")
        self._check_parts()
        self._check_calendar()

    def _check_parts(self) -> None:
        given = (self.year is not None, self.month is not None, self.day is not None)
        if given not in _PARTS[self.precision]:
            raise RuleBroken("PARTS_AND_PRECISION")
        if self.precision in _TEXT_NEEDED and not self.original_text:
            raise RuleBroken("ORIGINAL_TEXT_MISSING")

    def _check_calendar(self) -> None:
        if self.year is not None and not 1 <= self.year <= 9999:
            raise RuleBroken("YEAR")
        if self.month is not None and not 1 <= self.month <= 12:
            raise RuleBroken("MONTH")
        if self.day is not None and not 1 <= self.day <= _LONGEST_MONTHS[(self.month or 1) - 1]:
            raise RuleBroken("DAY")
        if self.era is not None and not self._inside_era(ERAS[self.era]):
            raise RuleBroken("OUTSIDE_ERA")

    def _inside_era(self, span: EraSpan) -> bool:
        return _number(span.first) <= self.sort_to and self.sort_from <= _number(span.last)

    @property
    def gregorian_year(self) -> int | None:
        """The year in the Gregorian calendar, or None where no year is known."""
        if self.year is None or self.era is None:
            return self.year
        return ERAS[self.era].first[0] + self.year - 1

    @property
    def sort_from(self) -> int:
        """The earliest day that is meant, as the number YYYYMMDD; 0 where nothing is known."""
        year, month, day = self._sortable()
        return _number((year, month or 1, day or 1)) if year else 0

    @property
    def sort_to(self) -> int:
        """The last day that is meant, as the number YYYYMMDD; 99991231 where nothing is known."""
        year, month, day = self._sortable()
        return _number((year or 9999, month or 12, day or 31))

    def _sortable(self) -> tuple[int | None, int | None, int | None]:
        year = self.gregorian_year
        if self.era is Era.MEIJI and year is not None and year <= _LAST_LUNISOLAR_YEAR:
            return year, None, None
        return year, self.month, self.day

    @property
    def paper_text(self) -> str:
        """The text that goes on paper: the registered text, or the date in its own calendar.

        >>> CivilDate(Calendar.ERA, Precision.DAY, 45, 3, 2, Era.SHOWA).paper_text
        '昭和45年3月2日'
        """
        if self.precision in _TEXT_NEEDED:
            return self.original_text
        match self.precision:
            case Precision.DAY:
                return f"{self._year_text()}{self.month}月{self.day}日"
            case Precision.MONTH:
                return f"{self._year_text()}{self.month}月 日不詳"
            case Precision.YEAR:
                return f"{self._year_text()} 月日不詳"
            case _:
                return self.original_text or "年月日不詳"

    def _year_text(self) -> str:
        name = ERAS[self.era].name if self.era is not None else ""
        return f"{name}{'元' if name and self.year == 1 else self.year}年"

    @property
    def index_key(self) -> str:
        """The part of an attribute look-up that stands for this date.

        A date known to the day gives the day, so that Meiji 45-07-30 and Taisho 1-07-30 are one
        key; every other date gives its year alone.
        """
        if self.precision is Precision.DAY:
            return f"{self.gregorian_year:04d}{self.month:02d}{self.day:02d}"
        return self.year_key

    @property
    def year_key(self) -> str:
        """The key under which imprecise dates of this year are indexed."""
        return f"{self.gregorian_year or 0:04d}"

    def is_same_day(self, other: CivilDate) -> bool:
        """Tell whether both mean the same day, or are imprecise in the same registered words."""
        if self.precision is not other.precision:
            return False
        if self.precision is Precision.DAY:
            return self.index_key == other.index_key
        return self.paper_text == other.paper_text


_NONE = (False, False, False)
_YEAR = (True, False, False)
_MONTH = (True, True, False)
_DAY = (True, True, True)
_PARTS = {
    Precision.DAY: {_DAY},
    Precision.MONTH: {_MONTH},
    Precision.YEAR: {_YEAR},
    Precision.UNKNOWN: {_NONE},
    Precision.APPROXIMATE: {_NONE, _YEAR, _MONTH, _DAY},
    Precision.RANGE: {_NONE, _YEAR, _MONTH, _DAY},
}
_TEXT_NEEDED = frozenset({Precision.APPROXIMATE, Precision.RANGE})


def _number(parts: tuple[int, int, int]) -> int:
    year, month, day = parts
    return year * 10_000 + month * 100 + day
