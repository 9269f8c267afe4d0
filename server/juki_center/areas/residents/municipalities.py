"""Which municipalities there are, and what they are called on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from juki_center.areas.residents.codes import MunicipalityCode


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality, or a ward office of a designated city; names without their prefecture."""

    code: MunicipalityCode
    prefecture: str
    name: str
    kana: str
    is_ward: bool

    @property
    def full_name(self) -> str:
        """The name with its prefecture, as it stands on paper."""
        return self.prefecture + self.name


class Municipalities:
    """The municipalities of the country, by code."""

    def __init__(self, all_of_them: Iterable[Municipality]) -> None:
        self._by_code: Mapping[MunicipalityCode, Municipality] = {
            municipality.code: municipality for municipality in all_of_them
        }
        self._cities = {
            (one.prefecture, one.name): one for one in self._by_code.values() if not one.is_ward
        }

    @classmethod
    def parse(cls, rows: Iterable[Mapping[str, str]]) -> Municipalities:
        """Make the list from rows with code6, prefecture, name, kana and kind.

        Raises RuleBroken for a code that is none.
        """
        return cls(
            Municipality(
                code=MunicipalityCode(row["code6"]),
                prefecture=row["prefecture"],
                name=row["name"],
                kana=row["kana"],
                is_ward=row["kind"] == "ward",
            )
            for row in rows
        )

    def __contains__(self, code: MunicipalityCode) -> bool:
        return code in self._by_code

    def __len__(self) -> int:
        return len(self._by_code)

    def __getitem__(self, code: MunicipalityCode) -> Municipality:
        return self._by_code[code]

    def register_of(self, code: MunicipalityCode) -> MunicipalityCode:
        """Return whose register an office keeps: a ward of a designated city keeps its city's.

        >>> yokohama = Municipality(MunicipalityCode("141003"), "神奈川県", "横浜市", "", False)
        >>> naka = Municipality(MunicipalityCode("141046"), "神奈川県", "横浜市中区", "", True)
        >>> str(Municipalities([yokohama, naka]).register_of(naka.code))
        '141003'
        """
        office = self._by_code[code]
        if not office.is_ward:
            return code
        city = office.name[: office.name.index("市") + 1]
        return self._cities[office.prefecture, city].code
