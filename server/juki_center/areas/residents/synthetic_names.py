"""Names of invented residents: surnames as often as in the country, given names by year of birth.

A share of the holders of a surname writes it with another character; a household writes it in one
way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from juki_center.areas.residents.names import SPACE
from juki_center.areas.residents.records import Sex
from juki_center.areas.residents.synthetic_draws import Draws, Weighted, happens, pick

Rows = Callable[[str], list[dict[str, str]]]
"""Returns the rows of a table of names or places by the table's name."""

_PERIODS: Final = (1945, 1970, 1990, 2010)


@dataclass(frozen=True, slots=True)
class WrittenName:
    """A name or a part of one: as it is written, its reading, and its kanji where it has some."""

    text: str
    kana: str
    kanji: str = ""


class JapaneseNames:
    """Draws names of Japanese nationals."""

    def __init__(self, rows: Rows) -> None:
        self._surnames = Weighted(
            [
                (WrittenName(row["surname"], row["kana"]), int(row["weight"]))
                for row in rows("surnames")
            ]
        )
        self._variants: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for row in rows("surname_variants"):
            share = int(row["permille"]) / 1000
            self._variants[row["surname"]].append((row["variant"], share))
        self._given = _given_names(rows("given_names"))

    def surname(self, draws: Draws) -> WrittenName:
        """Draw a household's surname, in the way in which the household writes it."""
        found = self._surnames.pick(draws)
        chance = draws.random()
        for variant, share in self._variants.get(found.text, ()):
            chance -= share
            if chance < 0:
                return WrittenName(variant, found.kana)
        return found

    def full(self, draws: Draws, surname: WrittenName, sex: Sex, year: int) -> WrittenName:
        """Draw a full name for somebody who was born in a year."""
        given = self._given[sex, _period(year)].pick(draws)
        return WrittenName(
            f"{surname.text}{SPACE}{given.text}", f"{surname.kana}{SPACE}{given.kana}"
        )


def _given_names(
    rows: list[dict[str, str]],
) -> Mapping[tuple[Sex, int], Weighted[WrittenName]]:
    by_group: dict[tuple[Sex, int], list[tuple[WrittenName, int]]] = defaultdict(list)
    for row in rows:
        group = Sex(row["sex"]), _period(int(row["born_from"]))
        by_group[group].append((WrittenName(row["name"], row["kana"]), int(row["weight"])))
    return {group: Weighted(names) for group, names in by_group.items()}


def _period(year: int) -> int:
    return sum(year > last for last in _PERIODS)


class ForeignNames:
    """Draws names of foreign residents: Latin letters, for some kanji, for some an alias."""

    def __init__(self, rows: Rows) -> None:
        self._parts: dict[tuple[str, str], list[WrittenName]] = defaultdict(list)
        for row in rows("foreign_names"):
            name = WrittenName(row["name"], row["kana"], row["kanji"])
            self._parts[row["origin"], row["part"]].append(name)
        self._origins = Weighted(
            [
                ("CHINA", 27),
                ("VIETNAM", 19),
                ("KOREA", 14),
                ("PHILIPPINES", 11),
                ("BRAZIL", 8),
                ("NEPAL", 7),
                ("AMERICA", 6),
            ]
        )

    def origin(self, draws: Draws) -> str:
        """Draw where a household comes from."""
        return self._origins.pick(draws)

    def family(self, draws: Draws, origin: str) -> WrittenName:
        """Draw a family name."""
        return pick(draws, self._parts[origin, "family"])

    def full(self, draws: Draws, origin: str, family: WrittenName, sex: Sex) -> WrittenName:
        """Draw a full name."""
        given = pick(draws, self._parts[origin, sex])
        kanji = f"{family.kanji}{SPACE}{given.kanji}" if family.kanji else ""
        return WrittenName(
            f"{family.text}{SPACE}{given.text}", f"{family.kana}{SPACE}{given.kana}", kanji
        )

    def has_alias(self, draws: Draws, origin: str) -> bool:
        """Decide whether somebody has a registered alias; long-settled families often have."""
        return happens(draws, 0.45 if origin == "KOREA" else 0.04)
