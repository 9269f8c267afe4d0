"""The load by week: how many came for what, and the table of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from juki_center.simulation.errands import Column


def monday_of(day: date) -> date:
    """Return the day with which a day's week begins (ISO 8601)."""
    return day - timedelta(days=day.weekday())


@dataclass(slots=True)
class Weeks:
    """Counts by week and column. A week that has none is there all the same."""

    first: date
    last: date
    _counts: Counter[tuple[date, Column]] = field(default_factory=Counter)

    def add(self, day: date, column: Column) -> None:
        """Count one more."""
        self._counts[monday_of(day), column] += 1

    def weeks(self) -> list[date]:
        """Return the Mondays of all weeks."""
        monday, weeks = monday_of(self.first), []
        while monday <= self.last:
            weeks.append(monday)
            monday += timedelta(days=7)
        return weeks

    def count(self, week: date, column: Column) -> int:
        """Return how many there were in a week."""
        return self._counts[week, column]

    def total(self, week: date) -> int:
        """Return how many there were in a week in all columns."""
        return sum(self.count(week, column) for column in Column)

    def of_year(self, column: Column) -> int:
        """Return how many there were of a column."""
        return sum(self.count(week, column) for week in self.weeks())

    def peak(self) -> date:
        """Return the busiest week, the first of several."""
        return max(self.weeks(), key=self.total)

    def table(self) -> Iterator[str]:
        """Give the lines of a table: a header, a line for each week, the sums."""
        widths = [max(len(column), 7) for column in Column]
        names = [f"{column:>{width}}" for column, width in zip(Column, widths, strict=True)]
        yield "  ".join(["week of   ", *names, "  total"])
        for week in self.weeks():
            yield self._line(week.isoformat(), [self.count(week, one) for one in Column], widths)
        yield self._line("year      ", [self.of_year(one) for one in Column], widths)

    @staticmethod
    def _line(name: str, counts: list[int], widths: list[int]) -> str:
        cells = [f"{count:>{width}}" for count, width in zip(counts, widths, strict=True)]
        return "  ".join([name, *cells, f"{sum(counts):>7}"])
