"""Households of invented residents: who lives together, and ages that fit.

A parent is 20 to 45 years older than each child, spouses are near in age, and the first member is
the householder, to whom the others' relationships refer. Ages are in days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from juki_center.areas.residents.records import Sex
from juki_center.areas.residents.synthetic_draws import (
    Draws,
    Weighted,
    between,
    happens,
    spread,
)

YEAR: Final = 365.2425
YOUNGEST_PARENT: Final = 20
OLDEST_PARENT: Final = 45
_OLDEST: Final = 103


@dataclass(frozen=True, slots=True)
class Member:
    """One member: the relationship to the householder, sex, and age in days."""

    relationship: str
    sex: Sex
    age: int
    is_child: bool = False


Shape = Callable[[Draws], list[Member]]


class Families:
    """Draws households as a census would find them."""

    def __init__(self) -> None:
        self._shapes: Weighted[Shape] = Weighted(
            [(_single, 38), (_couple, 20), (_with_children, 26), (_one_parent, 9), (_three, 7)]
        )

    def household(self, draws: Draws) -> list[Member]:
        """Draw the members of one household, the householder first."""
        return self._shapes.pick(draws)(draws)


def young_household(draws: Draws) -> list[Member]:
    """Draw a household of people who came to work or to study, some of them with a family."""
    if happens(draws, 0.75):
        sex = Sex.MALE if happens(draws, 0.5) else Sex.FEMALE
        return [_householder(sex, between(draws, _days(19), _days(45)))]
    return _with_children(draws)


def _days(years: float) -> int:
    return int(years * YEAR)


def _householder(sex: Sex, age: int) -> Member:
    return Member("世帯主", sex, age)


def _age(draws: Draws, *spans: tuple[int, int]) -> int:
    """Draw an age in days from one of some spans of years, each as often as the others."""
    low, high = spans[int(draws.random() * len(spans))]
    return between(draws, _days(low), _days(high))


def _single(draws: Draws) -> list[Member]:
    age = _age(draws, (18, 35), (30, 64), (65, 97))
    share_of_men = 0.3 if age > _days(65) else 0.58
    return [_householder(Sex.MALE if happens(draws, share_of_men) else Sex.FEMALE, age)]


def _couple(draws: Draws) -> list[Member]:
    return _spouses(draws, _age(draws, (25, 50), (50, 70), (65, 92), (65, 80)))


def _spouses(draws: Draws, husband: int) -> list[Member]:
    gap = max(-6.0, min(9.0, spread(draws, 2.2, 2.8)))
    wife = husband - _days(gap)
    if happens(draws, 0.96):
        return [_householder(Sex.MALE, husband), Member("妻", Sex.FEMALE, wife)]
    return [_householder(Sex.FEMALE, wife), Member("夫", Sex.MALE, husband)]


def _with_children(draws: Draws) -> list[Member]:
    parents = _spouses(draws, _age(draws, (30, 50), (35, 65)))
    return [*parents, *_children(draws, [parent.age for parent in parents])]


def _one_parent(draws: Draws) -> list[Member]:
    sex = Sex.FEMALE if happens(draws, 0.87) else Sex.MALE
    parent = _householder(sex, _age(draws, (28, 60)))
    return [parent, *_children(draws, [parent.age])]


def _three(draws: Draws) -> list[Member]:
    """Draw three generations under the middle one's name, or under the oldest one's."""
    middle = _spouses(draws, _age(draws, (32, 55)))
    children = _children(draws, [parent.age for parent in middle])
    return [*middle, *children, *_grandparents(draws, middle[0].age)]


def _grandparents(draws: Draws, child: int) -> Iterator[Member]:
    mother = child + _days(_parent_gap(draws))
    father = child + max(
        _days(YOUNGEST_PARENT + 0.1),
        min(_days(OLDEST_PARENT - 0.1), mother - child + _days(spread(draws, 2.2, 2.5))),
    )
    which = draws.random()
    if which < 0.55 and father < _days(_OLDEST):
        yield Member("父", Sex.MALE, father)
    if which > 0.05 and mother < _days(_OLDEST):
        yield Member("母", Sex.FEMALE, mother)


def _children(draws: Draws, parents: list[int]) -> Iterator[Member]:
    """Draw the children who still live with their parents, the eldest first."""
    youngest = max(0, max(parents) - _days(OLDEST_PARENT - 0.1))
    eldest = min(parents) - _days(YOUNGEST_PARENT + 0.1)
    age = min(eldest, min(parents) - _days(_parent_gap(draws)), _days(32))
    wanted = _CHILDREN.pick(draws)
    while wanted and age >= youngest:
        sex = Sex.MALE if happens(draws, 0.512) else Sex.FEMALE
        yield Member("子", sex, age, is_child=True)
        age -= _days(1 + draws.random() * 4)
        wanted -= 1


def _parent_gap(draws: Draws) -> float:
    return max(YOUNGEST_PARENT + 0.1, min(OLDEST_PARENT - 0.1, spread(draws, 29.5, 4.5)))


_CHILDREN: Final = Weighted([(1, 46), (2, 41), (3, 11), (4, 2)])
