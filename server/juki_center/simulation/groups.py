"""Who moves together: a whole household, one of its members, or a parent with the children."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from juki_center.areas.days import day_in_japan
from juki_center.simulation.people import Person, Standing
from juki_center.simulation.world import World

_ADULT: Final = 18
_MOST: Final = 20
_MOST_TRIES: Final = 5
_WITH_THE_CHILDREN: Final = 0.15
# How readily people of an age move, compared with those of 18 to 29.
_EAGER: Final = ((30, 1.0), (40, 0.6), (50, 0.35), (65, 0.2), (200, 0.12))


class Groups:
    """Draws groups so that as many persons move as are wanted, however they group themselves."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ahead = 0

    def of_movers(self, at: datetime) -> list[Person]:
        """Return a group; nobody where those before have moved enough persons already."""
        if self._ahead > 0:
            self._ahead -= 1
            return []
        today, draws = day_in_japan(at), self._world.draws

        def moves(person: Person) -> bool:
            return _is_settled_adult(person, today) and draws.random() < _eagerness(person, today)

        for _ in range(_MOST_TRIES):
            mover = self._world.people.somebody(draws, moves)
            group = [] if mover is None else self._around(mover, today)
            if group and self.may_move(group):
                self._ahead += len(group) - 1
                return group
        return []

    @staticmethod
    def may_move(group: list[Person]) -> bool:
        """Tell whether a group can be named in one notice."""
        return len(group) <= _MOST and all(one.standing is Standing.HOME for one in group)

    def _around(self, mover: Person, today: date) -> list[Person]:
        home = [one for one in mover.household.members if one.standing is Standing.HOME]
        others = [one for one in home if one is not mover]
        leaves_children_alone = all(one.age(today) < _ADULT for one in others)
        if leaves_children_alone or self._world.happens(self._world.habits.whole_household):
            return home
        if self._world.happens(_WITH_THE_CHILDREN):
            children = [one for one in others if one.age(today) < _ADULT]
            return [mover, *children]
        return [mover]


def _is_settled_adult(person: Person, today: date) -> bool:
    return person.standing is Standing.HOME and person.age(today) >= _ADULT


def _eagerness(person: Person, today: date) -> float:
    age = person.age(today)
    return next(share for below, share in _EAGER if age < below)
