"""Invented residents by the million, household by household, as lines of a register file.

The same seed gives the same people, each line the same characters, on every machine. Nobody here
exists; the municipalities do. What a line's columns mean stands in `register_file`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import Nationality
from juki_center.areas.residents.synthetic_codes import codes
from juki_center.areas.residents.synthetic_dates import era_text, gregorian_text, vague_texts
from juki_center.areas.residents.synthetic_draws import Draws, between, happens, pick
from juki_center.areas.residents.synthetic_families import Families, Member, young_household
from juki_center.areas.residents.synthetic_names import (
    ForeignNames,
    JapaneseNames,
    Rows,
)
from juki_center.areas.residents.synthetic_places import Places

_SHARE_OF_FOREIGN_HOUSEHOLDS = 0.03
_SHARE_OF_IMPRECISE_BIRTHS = 0.004
_OLD_ENOUGH_FOR_IMPRECISION = 75 * 366
_ADULT = 18 * 366

DateText = Callable[[date], str]
Line = dict[str, str]
"""A line of a register file: the columns that are not blank."""


@dataclass(frozen=True, slots=True)
class _Household:
    """What the members of one household share."""

    municipality: MunicipalityCode
    number: str
    address: str
    building: str
    moved_in: int
    notified: int
    previous_address: str
    members: list[Member]


class Synthesis:
    """Invents households, one after the other."""

    def __init__(self, rows: Rows, places: Places, draws: Draws, as_of: date) -> None:
        """Prepare; `as_of` is the day on which the ages fit."""
        self._names = JapaneseNames(rows)
        self._foreign = ForeignNames(rows)
        self._families = Families()
        self._places = places
        self._draws = draws
        self._codes = codes(draws)
        self._today = as_of.toordinal()
        self._numbers: dict[MunicipalityCode, int] = defaultdict(int)

    def lines(self, count: int) -> Iterator[Line]:
        """Give so many residents; the last household may be cut short."""
        return islice(self._all(), count)

    def _all(self) -> Iterator[Line]:
        while True:
            if happens(self._draws, _SHARE_OF_FOREIGN_HOUSEHOLDS):
                yield from self._foreign_household()
            else:
                yield from self._japanese_household()

    def _japanese_household(self) -> Iterator[Line]:
        household = self._household(self._families.household(self._draws))
        surname = self._names.surname(self._draws)
        domicile, head = self._places.domicile(self._draws), ""
        for member in household.members:
            birth = self._today - member.age
            year = date.fromordinal(birth).year
            name = self._names.full(self._draws, surname, member.sex, year)
            head = head or name.text
            line = self._shared(household, member, era_text)
            line |= {"name": name.text, "kana": name.kana, "birth": self._birth(member)}
            # Grandparents are on a family register of their own.
            is_elder = member.relationship in {"父", "母"}
            line["registered_domicile"] = domicile
            line["family_register_head"] = name.text if is_elder else head
            yield line

    def _foreign_household(self) -> Iterator[Line]:
        origin = self._foreign.origin(self._draws)
        household = self._household(young_household(self._draws))
        family = self._foreign.family(self._draws, origin)
        alias = (
            self._names.surname(self._draws)
            if self._foreign.has_alias(self._draws, origin)
            else None
        )
        for member in household.members:
            is_related = member.is_child or member.relationship == "世帯主"
            own = family if is_related else self._foreign.family(self._draws, origin)
            name = self._foreign.full(self._draws, origin, own, member.sex)
            birth = date.fromordinal(self._today - member.age)
            line = self._shared(household, member, gregorian_text)
            line |= {
                "nationality": Nationality.FOREIGN,
                "name": name.text,
                "kana": name.kana,
                "kanji_name": name.kanji,
                "birth": gregorian_text(birth),
            }
            if alias is not None:
                line["alias"] = self._names.full(self._draws, alias, member.sex, birth.year).text
            yield line

    def _household(self, members: list[Member]) -> _Household:
        draws = self._draws
        municipality = self._places.municipality(draws)
        self._numbers[municipality] += 1
        is_small = len(members) <= 2
        longest = max(1, min(members[0].age - _ADULT, 40 * 365))
        moved_in = self._today - int(longest * draws.random() ** 2)
        has_moved = happens(draws, 0.8)
        return _Household(
            municipality=municipality,
            number=f"{self._numbers[municipality]:08d}",
            address=self._places.address(draws, municipality),
            building=self._places.building(draws) if happens(draws, 0.6 * is_small + 0.2) else "",
            moved_in=moved_in,
            notified=min(self._today, moved_in + between(draws, 0, 14)),
            previous_address=self._places.elsewhere(draws) if has_moved else "",
            members=members,
        )

    def _shared(self, household: _Household, member: Member, text: DateText) -> Line:
        """Return the columns that do not depend on the name."""
        birth = self._today - member.age
        has_moved = birth < household.moved_in
        since = date.fromordinal(max(birth, household.moved_in))
        line = {
            "municipality": str(household.municipality),
            "code": next(self._codes),
            "household": household.number,
            "sex": member.sex,
            "address": household.address,
            "building": household.building,
            "relationship": member.relationship,
            "resident_since": text(since),
            "address_since": text(since),
        }
        if has_moved:
            line["notified"] = text(date.fromordinal(household.notified))
            line["previous_address"] = household.previous_address
        return line

    def _birth(self, member: Member) -> str:
        day = date.fromordinal(self._today - member.age)
        is_old = member.age > _OLD_ENOUGH_FOR_IMPRECISION
        if is_old and happens(self._draws, _SHARE_OF_IMPRECISE_BIRTHS):
            return pick(self._draws, vague_texts(day))
        return era_text(day)
