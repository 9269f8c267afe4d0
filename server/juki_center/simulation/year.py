"""The days of the simulated year, and how much of a year's events falls on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from juki_center.simulation.business_days import is_open
from juki_center.simulation.rates import DayWeights, Rate

_DAY = timedelta(days=1)
_OPENING = timedelta(hours=9)
_JAPAN = timedelta(hours=9)
_MARCH, _APRIL = 3, 4


@dataclass(frozen=True, slots=True)
class Year:
    """A year from one day to the day before the same one a year later."""

    first: date
    last: date

    @classmethod
    def of(cls, first: date) -> Year:
        """Return the year that begins on a day."""
        # A year that begins on 29 February ends on 28 February.
        day = 28 if (first.month, first.day) == (2, 29) else first.day
        following = date(first.year + 1, first.month, day)
        return cls(first, following - _DAY if day == first.day else following)

    @property
    def days(self) -> tuple[date, ...]:
        """All days, in their order."""
        return tuple(self.first + _DAY * n for n in range((self.last - self.first).days + 1))

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def opening(day: date) -> datetime:
    """Return the time at which the windows open on a day in Japan."""
    return midnight(day) + _OPENING


def midnight(day: date) -> datetime:
    """Return the time at which a day begins in Japan."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - _JAPAN


def expected(year: Year, rate: Rate, weights: DayWeights, residents: int) -> Mapping[date, float]:
    """Return how often something happens on each open day of the year.

    Each month has its share, spread over its open days by their weights. A month of which the year
    has only a part has that part of its share.
    """
    weights = weights if rate.has_spring_days else weights.without_spring()
    whole_months = _weights_of_months(year, weights)
    yearly = residents * rate.per_resident
    return {
        day: yearly * rate.months[day.month - 1] / 100 * _weight(day, weights) / whole
        for day in year.days
        if is_open(day)
        for whole in (whole_months[day.year, day.month],)
    }


def _weights_of_months(year: Year, weights: DayWeights) -> dict[tuple[int, int], float]:
    sums: dict[tuple[int, int], float] = {}
    day = year.first.replace(day=1)
    while day <= year.last or (day.year, day.month) == (year.last.year, year.last.month):
        month = (day.year, day.month)
        sums[month] = sums.get(month, 0.0) + (_weight(day, weights) if is_open(day) else 0.0)
        day += _DAY
    return sums


def _weight(day: date, weights: DayWeights) -> float:
    weight = weights.monday if day.weekday() == 0 else 1.0
    if day.weekday() != 0 and not is_open(day - _DAY):
        weight *= weights.after_a_holiday
    if day.month == _MARCH and day.day >= 20:
        weight *= weights.last_days_of_march
    if day.month == _APRIL and day.day <= 10:
        weight *= weights.first_days_of_april
    return weight
