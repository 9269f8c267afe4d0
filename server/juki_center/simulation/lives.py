"""Births, deaths, cards and copies: who they happen to, and what comes of each later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from math import exp
from typing import Final

from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import Sex
from juki_center.areas.residents.synthetic_draws import between
from juki_center.simulation.errands import (
    Apply,
    Birth,
    Collect,
    Copy,
    Death,
    Errand,
    Lose,
    Reissue,
    Resume,
)
from juki_center.simulation.people import HEAD, Holding, Person, Standing, is_home
from juki_center.simulation.rates import Happening
from juki_center.simulation.world import World

_PARENTS: Final = frozenset({HEAD, "妻"})
_CHILD: Final = "子"
_CARD_AGE: Final = 16
_VALID_YEARS: Final = 10


class Lives:
    """Lets things happen to people, one at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._people = world.people

    def starts(self) -> Mapping[Happening, Callable[[datetime], Iterator[Errand]]]:
        """Return what lets each of these happenings begin."""
        return {
            Happening.BORN: self._born,
            Happening.DIED: self._died,
            Happening.COPIED: self._copied,
            Happening.APPLIED: self._applied,
            Happening.LOST: self._lost,
        }

    def _born(self, at: datetime) -> Iterator[Errand]:
        today = day_in_japan(at)

        def may_be_mother(person: Person) -> bool:
            is_woman = person.sex is Sex.FEMALE and person.relationship in _PARENTS
            return is_home(person) and is_woman and 20 <= person.age(today) < 45

        mother = self._people.somebody(self._world.draws, may_be_mother)
        if mother is None:
            return
        child = Person(
            number=len(self._people.persons),
            household=mother.household,
            birth=today - timedelta(days=between(self._world.draws, 1, 14)),
            sex=Sex.FEMALE if self._world.happens(0.487) else Sex.MALE,
            relationship=_CHILD,
        )
        self._people.enter(child)
        office = mother.household.municipality
        yield Birth(at, office, None, child.number, mother.number, child.birth, child.sex)

    def _died(self, at: datetime) -> Iterator[Errand]:
        today, draws = day_in_japan(at), self._world.draws

        def dies(person: Person) -> bool:
            is_here = is_home(person) or _leaves_after(person, today)
            return is_here and draws.random() < exp((person.age(today) - 95) / 9)

        person = self._people.somebody(draws, dies)
        if person is None:
            return
        yield Death(
            at,
            person.household.municipality,
            None,
            person.number,
            max(person.birth, today - timedelta(days=between(draws, 0, 6))),
        )
        self._ends(person)

    def _ends(self, person: Person) -> None:
        self._people.leave_household(person)
        person.standing, person.holding = Standing.GONE, Holding.NONE

    def _copied(self, at: datetime) -> Iterator[Errand]:
        today, world = day_in_japan(at), self._world
        by_card = not world.happens(world.habits.by_photo)

        def may_ask(person: Person) -> bool:
            is_known = person.has_card(today) if by_card else person.is_exact
            return is_home(person) and is_known and person.age(today) >= _CARD_AGE

        person = self._people.somebody(world.draws, may_ask)
        if person is None:
            return
        yield Copy(
            at,
            world.office_away_from(person.household.municipality),
            None,
            person.number,
            by_card=by_card,
            of_household=world.happens(world.habits.of_household),
            is_confirmed=not world.happens(world.habits.unconfirmed),
        )

    def _applied(self, at: datetime) -> Iterator[Errand]:
        today = day_in_japan(at)

        def may_apply(person: Person) -> bool:
            # A person of unknown age may be a child, and needs a representative.
            may_alone = person.is_exact and person.age(today) >= _CARD_AGE
            return is_home(person) and may_alone and person.holding is Holding.NONE

        person = self._people.somebody(self._world.draws, may_apply)
        if person is None:
            return
        by_letter = self._world.happens(self._world.habits.by_letter)
        yield Apply(at, person.household.municipality, None, person.number, by_letter=by_letter)
        if not by_letter:
            self._holds(person, today)
            return
        person.holding = Holding.APPLIED
        later = today + timedelta(days=between(self._world.draws, 3, 12))
        office = person.household.municipality
        self._world.agenda.put(
            self._world.some_time(later), partial(self._collected, person, office)
        )

    def _collected(
        self, person: Person, office: MunicipalityCode, at: datetime
    ) -> Iterator[Errand]:
        is_here = person.household.municipality == office and person.standing is Standing.HOME
        if is_here and person.holding is Holding.APPLIED:
            yield Collect(at, office, None, person.number)
            self._holds(person, day_in_japan(at))

    def _holds(self, person: Person, today: date) -> None:
        person.holding, person.card_made = Holding.USABLE, today
        person.card_until = today.replace(year=today.year + _VALID_YEARS, day=min(today.day, 28))

    def _lost(self, at: datetime) -> Iterator[Errand]:
        today, world = day_in_japan(at), self._world

        def may_lose(person: Person) -> bool:
            return is_home(person) and person.has_card(today)

        person = self._people.somebody(world.draws, may_lose)
        if person is None:
            return
        yield Lose(at, person.household.municipality, None, person.number)
        person.holding = Holding.LOST
        later = today + timedelta(days=between(world.draws, 2, 20))
        if world.happens(world.habits.found_again):
            world.agenda.put(world.some_time(later), partial(self._found, person))
        elif world.happens(world.habits.reissued):
            world.agenda.put(world.some_time(later), partial(self._replaced, person))

    def _found(self, person: Person, at: datetime) -> Iterator[Errand]:
        if self._is_without(person) and day_in_japan(at) <= person.card_until:
            yield Resume(at, person.household.municipality, None, person.number)
            person.holding = Holding.USABLE

    def _replaced(self, person: Person, at: datetime) -> Iterator[Errand]:
        if self._is_without(person):
            yield Reissue(at, person.household.municipality, None, person.number)
            self._holds(person, day_in_japan(at))

    def _is_without(self, person: Person) -> bool:
        return person.standing is Standing.HOME and person.holding is Holding.LOST


def _leaves_after(person: Person, today: date) -> bool:
    """Tell whether a person has filed a notice for a later day, and is a resident until then."""
    return person.leaves_on is not None and person.leaves_on > today
