"""Moves within a municipality: one visit, and everything is done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.synthetic_draws import between
from juki_center.simulation.business_days import last_day
from juki_center.simulation.courses import relationships
from juki_center.simulation.errands import Errand
from juki_center.simulation.groups import Groups
from juki_center.simulation.move_errands import MoveWithin
from juki_center.simulation.people import Household, Person
from juki_center.simulation.world import World

_DAY: Final = timedelta(days=1)


class MovingWithin:
    """Lets groups of people move within their municipality."""

    def __init__(self, world: World, groups: Groups) -> None:
        self._world = world
        self._groups = groups

    def starts(self, at: datetime) -> Iterator[Errand]:
        """Let a group notify its move, unless earlier groups were larger than one person."""
        group = self._groups.of_movers(at)
        if not group:
            return
        today, home = day_in_japan(at), group[0].household
        is_late = self._world.happens(self._world.habits.within_late)
        days = (20, 40) if is_late else (0, 13)
        moved_on = today - _DAY * between(self._world.draws, *days)
        moved_on = max(moved_on, *(max(one.since, one.birth) for one in group))
        is_whole = len(group) == len(home.members)
        kept = tuple(one.relationship for one in group)
        named = kept if is_whole else relationships(group)
        yield MoveWithin(
            at,
            home.municipality,
            None,
            tuple(one.number for one in group),
            named,
            moved_on,
            same_household=is_whole,
            is_late=today > last_day(moved_on, 14),
        )
        self._settle(group, named, home if is_whole else Household(home.municipality), moved_on)

    def _settle(
        self, group: list[Person], named: tuple[str, ...], home: Household, since: date
    ) -> None:
        for person, relationship in zip(group, named, strict=True):
            self._world.people.leave_household(person)
            home.members.append(person)
            person.household, person.relationship = home, relationship
            person.since, person.moves = since, person.moves + 1
