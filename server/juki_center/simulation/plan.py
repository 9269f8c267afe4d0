"""The plan of a year: who comes to which window when, made from a seed and nothing else.

The plan keeps its own picture of the people and goes through the days once; each day takes its
share of the year's events, and what has begun is gone on with on later days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from juki_center.areas.residents.synthetic_draws import Draws, between
from juki_center.rule_sets import RuleSet
from juki_center.simulation.agenda import Agenda, Happens
from juki_center.simulation.errands import Errand
from juki_center.simulation.groups import Groups
from juki_center.simulation.lives import Lives
from juki_center.simulation.moving import Moving
from juki_center.simulation.moving_within import MovingWithin
from juki_center.simulation.people import Holding, People, Person
from juki_center.simulation.rates import Happening, Rates
from juki_center.simulation.world import World
from juki_center.simulation.year import Year, expected, midnight

_DAY: Final = timedelta(days=1)
_CARD_AGE: Final = 16
_CARD_DAYS: Final = 3652


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be simulated."""

    year: Year
    rule_set: RuleSet
    rates: Rates


@dataclass(slots=True)
class _Flow:
    """A happening's course over the year; what a day leaves over goes into the next one."""

    days: Mapping[date, float]
    begins: Happens
    left_over: float

    def of_day(self, day: date) -> int:
        """Return how many begin on a day."""
        self.left_over += self.days.get(day, 0.0)
        count = int(self.left_over)
        self.left_over -= count
        return count


class Plan:
    """Goes through the year, day by day."""

    def __init__(self, wanted: Wanted, people: People, draws: Draws) -> None:
        self._wanted = wanted
        self._agenda = Agenda()
        self._world = World(people, self._agenda, wanted.rates.habits, draws)
        residents = len(people.persons)
        world = self._world
        starts = {
            **Lives(world).starts(),
            Happening.MOVED_BETWEEN: Moving(world, Groups(world), wanted.rule_set).starts,
            Happening.MOVED_WITHIN: MovingWithin(world, Groups(world)).starts,
        }
        self._flows = [
            _Flow(
                expected(
                    wanted.year, wanted.rates.happenings[one], wanted.rates.weights, residents
                ),
                starts[one],
                draws.random(),
            )
            for one in Happening
        ]

    def days(self) -> Iterator[tuple[date, Iterator[Errand]]]:
        """Give each day with what happens on it; a day's errands are to be taken before the next.

        What was begun and would go on after the year is left as it is.
        """
        for day in self._wanted.year.days:
            for flow in self._flows:
                for _ in range(flow.of_day(day)):
                    self._agenda.put(self._world.some_time(day), flow.begins)
            yield day, self._agenda.until(midnight(day + _DAY))


def first_holders(people: People, share: float, first: date, draws: Draws) -> list[Person]:
    """Choose who holds a card when the year begins, each with its last day; return them."""
    grown = [one for one in people.persons if one.is_exact and one.age(first) >= _CARD_AGE]
    holders = [one for one in grown if draws.random() < share]
    for person in holders:
        person.holding = Holding.USABLE
        # Some of them end within the year.
        person.card_until = first + _DAY * between(draws, 30, _CARD_DAYS)
    return holders
