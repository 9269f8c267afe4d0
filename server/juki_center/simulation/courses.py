"""One move from its notice to its end, as the plan sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason
from juki_center.simulation.business_days import last_day, special_last_day
from juki_center.simulation.people import HEAD, Holding, Household, Person, Standing

_KEPT = frozenset({"子", "孫"})
_OTHERS = "同居人"


@dataclass(slots=True, eq=False)
class Course:
    """A move. `by_card` tells that it is still a special one; `moved` are who has arrived.

    `holders` are who had a card when the notice was filed.
    """

    number: int
    home: Household
    persons: list[Person]
    destination: MunicipalityCode | None
    planned_on: date
    moved_on: date
    filed_on: date
    by_card: bool
    holders: list[Person] = field(default_factory=list)
    is_open: bool = True
    arrived_on: date = date.max
    moved: list[Person] = field(default_factory=list)
    _moves_then: list[int] = field(default_factory=list)

    @property
    def origin(self) -> MunicipalityCode:
        """Whose register is left."""
        return self.home.municipality

    @property
    def moving(self) -> list[Person]:
        """Who is still to move: nobody who has died meanwhile."""
        return [one for one in self.persons if one.standing is Standing.LEAVING]

    def arrive(self, persons: list[Person], today: date) -> None:
        """Remember who has arrived; the move has ended."""
        self.moved, self.is_open, self.arrived_on = persons, False, today
        self._moves_then = [one.moves for one in persons]

    def is_newest_of(self, person: Person) -> bool:
        """Tell whether somebody who has arrived lives there still, and moved nowhere since."""
        then = self._moves_then[self.moved.index(person)]
        return person.standing is Standing.HOME and person.moves == then

    @property
    def last_day(self) -> date:
        """The last day for a move-in by card."""
        return special_last_day(self.moved_on, self.planned_on)

    def bearer(self, today: date) -> Person | None:
        """Return who has a card that opens the move."""
        return next((one for one in self.moving if one.has_card(today)), None)

    def refusal_by_card(self, today: date) -> Reason | None:
        """Return why a move-in by a good card is refused on a day, if it is."""
        return Reason.DEADLINE_14 if today > self.last_day else None

    def has_run_out(self, today: date) -> bool:
        """Tell whether the notice has run out in a night before, and the cards with it."""
        return today > last_day(self.planned_on, 30)

    def useless_card(self, today: date, if_run_out: Reason) -> tuple[Person, Reason] | None:
        """Return whose card is tried although it is good no more, and why it is refused."""
        is_over = self.has_run_out(today)
        for person in self.holders:
            if person.standing is Standing.LEAVING and is_over:
                return person, if_run_out
            if person.standing is Standing.LEAVING and person.holding is Holding.LOST:
                return person, Reason.CARD_SUSPENDED
        return None


def relationships(persons: list[Person]) -> tuple[str, ...]:
    """Return how each is related to who heads a new household of these: exactly one heads it."""
    heads = [one for one in persons if one.relationship == HEAD]
    head = heads[0] if heads else min(persons, key=lambda one: one.birth)
    return tuple(HEAD if one is head else _related(one, stays=bool(heads)) for one in persons)


def _related(person: Person, *, stays: bool) -> str:
    is_kept = person.relationship != HEAD and (stays or person.relationship in _KEPT)
    return person.relationship if is_kept else _OTHERS
