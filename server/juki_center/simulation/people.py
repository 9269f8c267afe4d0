"""The residents as the plan sees them: who lives with whom, where, how old, with which card.

It is no register: no names, no addresses. What the acts make of the registers is compared with it
by the audit, and nothing here is read from the store.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.civil_dates import Precision
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import Sex
from juki_center.areas.residents.synthetic_draws import Draws, pick

_DAYS_OF_A_YEAR = 365.2425
_MOST_TRIES = 2_000
_AGE_IF_UNKNOWN = 80
HEAD = "世帯主"


class Standing(StrEnum):
    """Where a person stands: at home, between two municipalities, or in none any more."""

    HOME = "HOME"
    LEAVING = "LEAVING"
    GONE = "GONE"


class Holding(StrEnum):
    """What a person has of a card. WAITING: it may be used on once that is asked for (2012)."""

    NONE = "NONE"
    APPLIED = "APPLIED"
    USABLE = "USABLE"
    LOST = "LOST"
    WAITING = "WAITING"


@dataclass(slots=True, eq=False)
class Person:
    """One resident; `number` is the plan's own. The code of a newborn is known to the town alone.

    `is_exact` tells that the register knows the day of birth; `leaves_on` is the planned date of a
    move that is under way, `since` the day of the last one, `moves` how many there were.
    """

    number: int
    household: Household
    birth: date
    sex: Sex
    relationship: str = field(repr=False)
    is_exact: bool = True
    code: str = field(default="", repr=False)
    standing: Standing = Standing.HOME
    leaves_on: date | None = None
    holding: Holding = Holding.NONE
    card_made: date = date.min
    card_until: date = date.max
    since: date = date.min
    moves: int = 0

    def age(self, today: date) -> int:
        """Return the age in whole years."""
        return int((today - self.birth).days / _DAYS_OF_A_YEAR)

    def has_card(self, today: date) -> bool:
        """Tell whether the person holds a card that every service takes."""
        return self.holding is Holding.USABLE and today <= self.card_until


@dataclass(slots=True, eq=False)
class Household:
    """The persons who live together."""

    municipality: MunicipalityCode
    members: list[Person] = field(default_factory=list)


@dataclass(slots=True)
class People:
    """Everybody, dead ones too, by their numbers."""

    persons: list[Person] = field(default_factory=list)
    municipalities: list[MunicipalityCode] = field(default_factory=list)

    @classmethod
    def of_lines(cls, lines: Iterable[Mapping[str, str]], today: date) -> People:
        """Read residents from lines of a register file; nobody of unknown age is young."""
        people, households = cls(), dict[tuple[str, str], Household]()
        for line in lines:
            key = (line["municipality"], line["household"])
            if key not in households:
                households[key] = Household(MunicipalityCode(line["municipality"]))
            people.add(households[key], line, _old(today))
        people.municipalities = sorted({one.municipality for one in households.values()})
        return people

    def add(self, household: Household, line: Mapping[str, str], if_unknown: date) -> None:
        """Enter a person of a line, born on a day if it is unknown."""
        birth = parse_date(line["birth"])
        person = Person(
            number=len(self.persons),
            household=household,
            birth=_some_day(birth.sort_from) if birth.sort_from else if_unknown,
            sex=Sex(line["sex"]),
            relationship=line["relationship"],
            is_exact=birth.precision is Precision.DAY,
            code=line["code"],
            since=_some_day(parse_date(line["resident_since"]).sort_from),
        )
        self.enter(person)

    def enter(self, person: Person) -> None:
        """Enter a person into their household."""
        self.persons.append(person)
        person.household.members.append(person)

    def somebody(self, draws: Draws, fits: Callable[[Person], bool]) -> Person | None:
        """Draw a person who fits; None where hardly anybody does."""
        for _ in range(_MOST_TRIES):
            person = pick(draws, self.persons)
            if fits(person):
                return person
        return None

    def leave_household(self, person: Person) -> None:
        """Take a person out of their household."""
        person.household.members.remove(person)


def is_home(person: Person) -> bool:
    """Tell whether a person is a resident and about to stay one."""
    return person.standing is Standing.HOME


def is_resident(person: Person, today: date) -> bool:
    """Tell whether a person is in a register's book on a day: until the planned date of a move."""
    leaves_later = person.leaves_on is not None and person.leaves_on > today
    return person.standing is Standing.HOME or (
        person.standing is Standing.LEAVING and leaves_later
    )


def _old(today: date) -> date:
    return date(today.year - _AGE_IF_UNKNOWN, 1, 1)


def _some_day(number: int) -> date:
    """Return the day that a number such as 19850401 stands for; of 19850400 the first one."""
    year, month, day = number // 10_000, max(number // 100 % 100, 1), number % 100
    return date(year, month, min(max(day, 1), monthrange(year, month)[1]))
