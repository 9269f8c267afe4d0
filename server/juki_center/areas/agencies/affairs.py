"""Affairs: for which purposes the law lets an agency be told of a person, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from juki_center.areas.agencies.commands import AffairCode
from juki_center.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class Affair:
    """An affair of the law's tables: its code on the wire, its names, and where it stands."""

    code: AffairCode
    name_en: str
    name_ja: str
    basis: str


class Affairs:
    """The catalogue of affairs, by code."""

    def __init__(self, all_of_them: Iterable[Affair]) -> None:
        self._affairs: dict[AffairCode, Affair] = {}
        for one in all_of_them:
            if one.code in self._affairs:
                raise RuleBroken("AFFAIR_TWICE")
            self._affairs[one.code] = one

    @classmethod
    def parse(cls, tables: Iterable[Mapping[str, str]]) -> Affairs:
        """Make the catalogue from tables with code, name_en, name_ja and basis.

        Raises RuleBroken for a code that is none, and for one that stands twice.
        """
        return cls(
            Affair(AffairCode(one["code"]), one["name_en"], one["name_ja"], one["basis"])
            for one in tables
        )

    def __contains__(self, code: AffairCode) -> bool:
        return code in self._affairs

    def __getitem__(self, code: AffairCode) -> Affair:
        """Return an affair. Raises KeyError for one that the law does not name."""
        return self._affairs[code]

    def __iter__(self) -> Iterator[Affair]:
        """Go through the catalogue in the order of its codes."""
        return iter(sorted(self._affairs.values(), key=lambda one: one.code.text))
