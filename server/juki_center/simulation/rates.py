"""How often things happen to residents in a year, as `data/simulation.toml` has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from math import isclose
from typing import cast

from juki_center.rule_sets import RuleSet

_MONTHS = 12


class Happening(StrEnum):
    """What happens to residents by itself; all else follows from it."""

    MOVED_BETWEEN = "moved_between"
    MOVED_WITHIN = "moved_within"
    BORN = "born"
    DIED = "died"
    COPIED = "copied"
    APPLIED = "applied"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of the residents it happens to in a year, and which share in each month.

    `has_spring_days` tells whether the days around 1 April take more than others.
    """

    per_resident: float
    months: tuple[float, ...]
    has_spring_days: bool
    source: str


@dataclass(frozen=True, slots=True)
class DayWeights:
    """How much busier than others some days are."""

    monday: float
    after_a_holiday: float
    last_days_of_march: float
    first_days_of_april: float

    def without_spring(self) -> DayWeights:
        """Return the weights of what does not happen around 1 April more than elsewhere."""
        return replace(self, last_days_of_march=1.0, first_days_of_april=1.0)


@dataclass(frozen=True, slots=True)
class Habits:
    """What people do, as shares of those who could; the table says of whom each is a share."""

    whole_household: float
    abroad: float
    special: float
    by_post: float
    filed_before: float
    filed_very_late: float
    other_day: float
    withdrawn: float
    changed: float
    other_destination: float
    one_stays: float
    card_lost: float
    notified_late: float
    abandoned: float
    never_notified: float
    taken_back: float
    returns: float
    paper_again: float
    continued: float
    within_late: float
    by_photo: float
    of_household: float
    unconfirmed: float
    by_letter: float
    found_again: float
    reissued: float


@dataclass(frozen=True, slots=True)
class Rates:
    """Everything that the table says."""

    happenings: Mapping[Happening, Rate]
    weights: DayWeights
    habits: Habits
    holders_before_2023: float
    holders_since_2023: float

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> Rates:
        """Read the table.

        Raises KeyError or TypeError for a name that is missing or unknown, ValueError for months
        that are not twelve or do not add up to 100, and for a share that is none.
        """
        population = cast("int", table["population"])
        events = cast("Mapping[str, Mapping[str, object]]", table["events"])
        holders = cast("Mapping[str, float]", table["holders"])
        return cls(
            happenings={one: _rate(events[one], population) for one in Happening},
            weights=DayWeights(**cast("dict[str, float]", table["weights"])),
            habits=_habits(cast("dict[str, float]", table["habits"])),
            holders_before_2023=_share(holders["before_2023"]),
            holders_since_2023=_share(holders["since_2023"]),
        )

    def holders(self, rule_set: RuleSet) -> float:
        """Return the share of residents who hold a card when the year begins."""
        is_new = rule_set is RuleSet.R2023_02_06
        return self.holders_since_2023 if is_new else self.holders_before_2023


def _rate(event: Mapping[str, object], population: int) -> Rate:
    months = tuple(float(share) for share in cast("list[float]", event["months"]))
    if len(months) != _MONTHS or not isclose(sum(months), 100):
        raise ValueError("twelve shares that add up to 100")
    per_year = cast("int", event["per_year"])
    has_spring_days = cast("bool", event["has_spring_days"])
    return Rate(per_year / population, months, has_spring_days, str(event["source"]))


def _habits(table: Mapping[str, float]) -> Habits:
    habits = Habits(**table)
    for one in fields(Habits):
        _share(getattr(habits, one.name))
    return habits


def _share(share: float) -> float:
    if not 0 <= share <= 1:
        raise ValueError("a share is between 0 and 1")
    return share
