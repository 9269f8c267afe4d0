"""Where invented residents live: real municipalities, towns and lots that fit them by chance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.synthetic_draws import Draws, Weighted, between, happens, pick
from juki_center.areas.residents.synthetic_names import Rows
from juki_center.errors import RuleBroken

_NUMERALS: Final = "一二三四五六七"


@dataclass(frozen=True, slots=True)
class Country:
    """The country's municipalities, and the day on which somebody lives in them."""

    municipalities: Municipalities
    day: date


class Places:
    """Draws municipalities and addresses in them."""

    def __init__(
        self, rows: Rows, country: Country, wanted: tuple[MunicipalityCode, ...] = ()
    ) -> None:
        """Choose among the wanted municipalities, each as often as the others; without any, among
        those that ship, by their numbers of residents.

        Raises RuleBroken where a wanted one is unknown or a ward, which keeps no register.
        """
        for code in wanted:
            if country.municipalities.office_on(code, country.day).is_ward:
                raise RuleBroken("NO_REGISTER_OF_ITS_OWN", "municipality")
        self._known = [
            (MunicipalityCode(row["code6"]), int(row["thousands"]))
            for row in rows("municipalities")
        ]
        self._chosen = Weighted([(code, 1) for code in wanted] or self._known)
        self._anywhere = Weighted(self._known)
        self._names = _names_of_places(country, {code for code, _ in self._known} | {*wanted})
        self._towns = [(row["town"], row["has_blocks"] == "1") for row in rows("towns")]
        parts = rows("buildings")
        self._kinds = [row["text"] for row in parts if row["part"] == "kind"]
        self._words = [row["text"] for row in parts if row["part"] == "word"]

    def municipality(self, draws: Draws) -> MunicipalityCode:
        """Draw a municipality for a household."""
        return self._chosen.pick(draws)

    def address(self, draws: Draws, code: MunicipalityCode) -> str:
        """Draw an address in a municipality, with the names of its prefecture and of itself."""
        place = pick(draws, self._names[code])
        town, has_blocks = pick(draws, self._towns)
        lot = between(draws, 1, 40)
        if has_blocks:
            block = pick(draws, _NUMERALS)
            return f"{place}{town}{block}丁目{lot}番{between(draws, 1, 25)}号"
        if place.endswith(("町", "村")):
            return f"{place}大字{town}{lot * 37 + between(draws, 1, 36)}番地"
        return f"{place}{town}{lot * 9 + between(draws, 0, 8)}番地{between(draws, 1, 12)}"

    def domicile(self, draws: Draws) -> str:
        """Draw a registered domicile, anywhere in the country."""
        place = pick(draws, self._names[self._anywhere.pick(draws)])
        return f"{place}{pick(draws, self._towns)[0]}{between(draws, 1, 2400)}番地"

    def elsewhere(self, draws: Draws) -> str:
        """Draw an address anywhere in the country."""
        return self.address(draws, self._anywhere.pick(draws))

    def building(self, draws: Draws) -> str:
        """Draw a house and a room in it; most small households live in one."""
        room = between(draws, 1, 9) * 100 + between(draws, 1, 12)
        if happens(draws, 0.8):
            return f"{pick(draws, self._kinds)}{pick(draws, self._words)}{room}号室"
        return f"{pick(draws, self._words)}団地{between(draws, 1, 30)}-{room}"


def _names_of_places(
    country: Country, codes: set[MunicipalityCode]
) -> dict[MunicipalityCode, list[str]]:
    """Return what addresses begin with: a designated city's begin with one of its wards."""
    names: dict[MunicipalityCode, list[str]] = {code: [] for code in codes}
    for office in country.municipalities.current(country.day):
        register = country.municipalities.register_of(office.code)
        if office.is_ward and register in names:
            names[register].append(office.full_name)
    return {
        code: found or [country.municipalities[code].full_name] for code, found in names.items()
    }
