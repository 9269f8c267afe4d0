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
    """An era: its name in print, its first and its last day as numbers YYYYMMDD (Gregorian)."""

    name: str
    first_day: int
    last_day: int

    @property
    def first_year(self) -> int:
        """The Gregorian year that is the era's first."""
        return self.first_day // 10_000


# A further era is one more row here, and a value of Era and of the proto's enum.
ERAS = {
    Era.MEIJI: EraSpan("明治", 1868_01_25, 1912_07_30),
    Era.TAISHO: EraSpan("大正", 1912_07_30, 1926_12_25),
    Era.SHOWA: EraSpan("昭和", 1926_12_25, 1989_01_07),
    Era.HEISEI: EraSpan("平成", 1989_01_08, 2019_04_30),
    Era.REIWA: EraSpan("令和", 2019_05_01, 9999_12_31),
}
# Until 2 December of Meiji 5 the calendar was luni-solar: its months are no Gregorian ones and have
# up to 30 days each. Of such a date only its year's span is known here.
_LUNISOLAR_YEARS = {
    1: (1868_01_25, 1869_02_10),
    2: (1869_02_11, 1870_01_31),
    3: (1870_02_01, 1871_02_18),
    4: (1871_02_19, 1872_02_08),
    5: (1872_02_09, 1872_12_31),
}
_LAST_LUNISOLAR_MONTH = (5, 12)
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
TEXT_LENGTH = 40
UNKNOWN_TEXT = "年月日不詳"
_EARLIEST, _LATEST = 0, 9999_12_31


@dataclass(frozen=True, slots=True)
class CivilDate:
    """A date as a register holds it. `year` counts in the era, or is Gregorian.

    `original_text` is the registered text where the parts alone would print another one. `earliest`
    and `latest` are the first and the last day, as numbers YYYYMMDD, that such a text means where
    its parts do not say them: of a season, of a third of a month, of a range.

    Raises RuleBroken when made with parts that contradict each other or the calendar.
    """

    calendar: Calendar
    precision: Precision
    year: int | None = None
    month: int | None = None
    day: int | None = None
    era: Era | None = None
    original_text: str = ""
    earliest: int | None = None
    latest: int | None = None

    def __post_init__(self) -> None:
        if (self.era is not None) != (self.calendar is Calendar.ERA and self.year is not None):
            raise RuleBroken("ERA_AND_CALENDAR")
        self._check_parts()
        self._check_text()
        self._check_calendar()

    def _check_parts(self) -> None:
        given = (self.year is not None, self.month is not None, self.day is not None)
        if given not in _PARTS[self.precision]:
            raise RuleBroken("PARTS_AND_PRECISION")

    def _check_text(self) -> None:
        if len(self.original_text) > TEXT_LENGTH:
            raise RuleBroken("ORIGINAL_TEXT_TOO_LONG")
        if self.precision in _TEXT_NEEDED and not self.original_text:
            raise RuleBroken("ORIGINAL_TEXT_MISSING")
        if self.earliest is None and self.latest is None:
            return
        if self.earliest is None or self.latest is None or self.precision not in _TEXT_NEEDED:
            raise RuleBroken("SPAN_AND_PRECISION")
        if self.earliest > self.latest:
            raise RuleBroken("RANGE_BACKWARDS")

    def _check_calendar(self) -> None:
        if self.year is not None and not 1 <= self.year <= 9999:
            raise RuleBroken("YEAR")
        if self.month is not None and not 1 <= self.month <= 12:
            raise RuleBroken("MONTH")
        if self.day is not None and not 1 <= self.day <= self._longest_month():
            raise RuleBroken("DAY")
        if self.era is not None:
            span, (first, last) = ERAS[self.era], self._span_of_parts()
            if last < span.first_day or first > span.last_day:
                raise RuleBroken("OUTSIDE_ERA")

    def _longest_month(self) -> int:
        if not self.is_lunisolar:
            return _LONGEST_MONTHS[(self.month or 1) - 1]
        return 2 if (self.year, self.month) == _LAST_LUNISOLAR_MONTH else 30

    @property
    def is_lunisolar(self) -> bool:
        """Tell whether the date counts in the calendar before the Gregorian one."""
        return self.era is Era.MEIJI and self.year in _LUNISOLAR_YEARS

    @property
    def gregorian_year(self) -> int | None:
        """The year in the Gregorian calendar, or None where no year is known."""
        if self.year is None or self.era is None:
            return self.year
        return ERAS[self.era].first_year + self.year - 1

    @property
    def sort_from(self) -> int:
        """The earliest day that is meant, as the number YYYYMMDD; 0 where nothing is known."""
        if self.earliest is not None:
            return self.earliest
        first = self._span_of_parts()[0]
        return first if self.era is None else max(first, ERAS[self.era].first_day)

    @property
    def sort_to(self) -> int:
        """The last day that is meant, as the number YYYYMMDD; 99991231 where nothing is known."""
        if self.latest is not None:
            return self.latest
        last = self._span_of_parts()[1]
        return last if self.era is None else min(last, ERAS[self.era].last_day)

    def _span_of_parts(self) -> tuple[int, int]:
        year = self.gregorian_year
        if year is None:
            return _EARLIEST, _LATEST
        if self.is_lunisolar:
            return _LUNISOLAR_YEARS[self.year or 1]
        first = year * 10_000 + (self.month or 1) * 100 + (self.day or 1)
        return first, year * 10_000 + (self.month or 12) * 100 + (self.day or 31)

    @property
    def paper_text(self) -> str:
        """The text that goes on paper: the registered text, or the date in its own calendar.

        >>> CivilDate(Calendar.ERA, Precision.DAY, 45, 3, 2, Era.SHOWA).paper_text
        '昭和45年3月2日'
        """
        if self.original_text:
            return self.original_text
        match self.precision:
            case Precision.DAY:
                return f"{self._year_text()}{self.month}月{self.day}日"
            case Precision.MONTH:
                return f"{self._year_text()}{self.month}月 日不詳"
            case Precision.YEAR:
                return f"{self._year_text()} 月日不詳"
            case _:
                return UNKNOWN_TEXT

    def _year_text(self) -> str:
        name = ERAS[self.era].name if self.era is not None else ""
        return f"{name}{'元' if name and self.year == 1 else self.year}年"

    @property
    def index_key(self) -> str:
        """The part of an attribute look-up that stands for this date.

        A date known to the day gives the day, so that Meiji 45-07-30 and Taisho 1-07-30 are one
        key; every other date gives its year alone.
        """
        if self.precision is not Precision.DAY:
            return self.year_key
        if self.is_lunisolar:
            return f"M{self.year:03d}{self.month:02d}{self.day:02d}"
        return f"{self.gregorian_year:04d}{self.month:02d}{self.day:02d}"

    @property
    def year_key(self) -> str:
        """The key under which imprecise dates of this year are indexed."""
        return f"{self.gregorian_year or 0:04d}"

    def is_same_day(self, other: CivilDate) -> bool:
        """Tell whether both mean the same day, or are known and unknown in the same way.

        Texts such as 昭和25年春 are the same in the same registered words only.
        """
        if self.precision is not other.precision:
            return False
        if self.precision is Precision.DAY:
            return self.index_key == other.index_key
        if self.precision in _TEXT_NEEDED:
            return self.paper_text == other.paper_text
        return (self.sort_from, self.sort_to) == (other.sort_from, other.sort_to)


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
