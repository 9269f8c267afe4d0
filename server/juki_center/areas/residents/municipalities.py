"""Which municipalities there are and were, from when to when, and what they are called on paper.

The code is the key and never the name: 25 names belong to several municipalities, and a name may
change while the code stays. A code that was given up stays known, for old records and old papers,
but no office works under it any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.name_keys import name_key
from juki_center.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality, or a ward office of a designated city; names without their prefecture.

    `valid_from` and `valid_to` are the first and the last day on which it bore this code and this
    name; the least and the greatest date stand for an open end.
    """

    code: MunicipalityCode
    prefecture: str
    name: str
    kana: str
    is_ward: bool
    valid_from: date = date.min
    valid_to: date = date.max

    @property
    def full_name(self) -> str:
        """The name with its prefecture, as it stands on paper."""
        return self.prefecture + self.name

    def exists_on(self, day: date) -> bool:
        """Tell whether the municipality bears this code and this name on a day."""
        return self.valid_from <= day <= self.valid_to


class Municipalities:
    """The municipalities of the country, by code."""

    def __init__(self, all_of_them: Iterable[Municipality]) -> None:
        periods: dict[MunicipalityCode, list[Municipality]] = defaultdict(list)
        for one in sorted(all_of_them, key=lambda one: (one.code, one.valid_from)):
            periods[one.code].append(one)
        self._periods: Mapping[MunicipalityCode, tuple[Municipality, ...]] = {
            code: tuple(ones) for code, ones in periods.items()
        }
        self._refuse_overlaps()
        cities: dict[tuple[str, str], list[Municipality]] = defaultdict(list)
        for one in self.everything():
            if not one.is_ward:
                cities[one.prefecture, one.name].append(one)
        self._cities: Mapping[tuple[str, str], list[Municipality]] = dict(cities)
        self._prefectures = {
            name_key(one.prefecture): one.code.prefecture for one in self.everything()
        }

    @classmethod
    def parse(cls, rows: Iterable[Mapping[str, str]]) -> Municipalities:
        """Make the list from rows with code6, prefecture, name, kana, kind, valid_from, valid_to.

        Raises RuleBroken for a code that is none and for two periods of one code that overlap.
        """
        return cls(
            Municipality(
                code=MunicipalityCode(row["code6"]),
                prefecture=row["prefecture"],
                name=row["name"],
                kana=row["kana"],
                is_ward=row["kind"] == "ward",
                valid_from=_day(row["valid_from"], date.min),
                valid_to=_day(row["valid_to"], date.max),
            )
            for row in rows
        )

    def __contains__(self, code: MunicipalityCode) -> bool:
        return code in self._periods

    def __len__(self) -> int:
        return len(self._periods)

    def __getitem__(self, code: MunicipalityCode) -> Municipality:
        """Return what a code means today, or meant at last. Raises KeyError."""
        return self._periods[code][-1]

    def periods(self, code: MunicipalityCode) -> tuple[Municipality, ...]:
        """Return everything that a code has meant, the oldest first; empty for an unknown code."""
        return self._periods.get(code, ())

    def valid_on(self, code: MunicipalityCode, day: date) -> Municipality | None:
        """Return what a code means on a day, or None where it means nothing."""
        return next((one for one in self.periods(code) if one.exists_on(day)), None)

    def office_on(self, code: MunicipalityCode, day: date) -> Municipality:
        """Return the office that works under a code on a day.

        Raises RuleBroken, MUNICIPALITY_UNKNOWN or MUNICIPALITY_NOT_VALID: the code was given up, or
        is not in force yet.
        """
        found = self.valid_on(code, day)
        if found is None:
            known = code in self._periods
            raise RuleBroken("MUNICIPALITY_NOT_VALID" if known else "MUNICIPALITY_UNKNOWN")
        return found

    def current(self, day: date) -> tuple[Municipality, ...]:
        """Return the municipalities and ward offices of a day, in the order of their codes."""
        return tuple(one for one in self.everything() if one.exists_on(day))

    def everything(self) -> tuple[Municipality, ...]:
        """Return the present and the former ones, in the order of their codes."""
        return tuple(one for periods in self._periods.values() for one in periods)

    def named(self, text: str) -> tuple[Municipality, ...]:
        """Return all that bear or bore a name; a name is never a key, so there may be several.

        The name may stand with or without its prefecture, in kana, or in variant kanji; a ward is
        found without its city's name too.
        """
        wanted = name_key(text)
        return tuple(one for one in self.everything() if wanted in _names(one))

    def prefecture_in(self, address: str) -> str | None:
        """Return the prefecture, 01 to 47, with whose name an address begins, or None."""
        key = name_key(address)
        found = (code for name, code in self._prefectures.items() if key.startswith(name))
        return next(found, None)

    def register_of(self, code: MunicipalityCode) -> MunicipalityCode:
        """Return whose register an office keeps: a ward of a designated city keeps its city's.

        >>> yokohama = Municipality(MunicipalityCode("141003"), "神奈川県", "横浜市", "", False)
        >>> naka = Municipality(MunicipalityCode("141046"), "神奈川県", "横浜市中区", "", True)
        >>> str(Municipalities([yokohama, naka]).register_of(naka.code))
        '141003'
        """
        office = self[code]
        if not office.is_ward:
            return code
        # A city that became a designated one had another code before, under the same name.
        cities = self._cities.get((office.prefecture, _city(office.name)), [])
        return next(city.code for city in cities if city.exists_on(office.valid_to))

    def offices_of(self, register: MunicipalityCode) -> tuple[MunicipalityCode, ...]:
        """Return the codes of all offices, present and former, that keep one register.

        >>> yokohama = Municipality(MunicipalityCode("141003"), "神奈川県", "横浜市", "", False)
        >>> naka = Municipality(MunicipalityCode("141046"), "神奈川県", "横浜市中区", "", True)
        >>> list(map(str, Municipalities([yokohama, naka]).offices_of(yokohama.code)))
        ['141003', '141046']
        """
        wards = (one.code for one in self.everything() if one.is_ward)
        near = (code for code in wards if code.prefecture == register.prefecture)
        own = (code for code in near if self.register_of(code) == register)
        return tuple(dict.fromkeys((register, *own)))

    def _refuse_overlaps(self) -> None:
        for periods in self._periods.values():
            for earlier, later in pairwise(periods):
                if later.valid_from <= earlier.valid_to:
                    raise RuleBroken("PERIODS_OVERLAP")


def _day(text: str, open_end: date) -> date:
    return date.fromisoformat(text) if text else open_end


def _city(ward: str) -> str:
    return ward[: ward.index("市") + 1]


def _names(municipality: Municipality) -> frozenset[str]:
    names = {municipality.name, municipality.full_name, municipality.kana}
    if municipality.is_ward:
        names.add(municipality.name.removeprefix(_city(municipality.name)))
    return frozenset(map(name_key, names))
