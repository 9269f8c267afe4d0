"""What all that happens in a simulated year has in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.synthetic_draws import Draws, between, happens, pick
from juki_center.simulation.agenda import Agenda
from juki_center.simulation.business_days import open_from
from juki_center.simulation.people import People
from juki_center.simulation.rates import Habits
from juki_center.simulation.year import opening

_OPEN_SECONDS: Final = 8 * 3600 - 600


@dataclass(frozen=True, slots=True)
class World:
    """What all that happens has in common: the people, what is to come, habits and chance."""

    people: People
    agenda: Agenda
    habits: Habits
    draws: Draws

    def some_time(self, day: date) -> datetime:
        """Draw a time at which the windows are open, on a day or on the next open one."""
        return opening(open_from(day)) + timedelta(seconds=between(self.draws, 0, _OPEN_SECONDS))

    def happens(self, share: float) -> bool:
        """Let something happen in this share of all cases."""
        return happens(self.draws, share)

    def office_away_from(self, municipality: MunicipalityCode) -> MunicipalityCode:
        """Draw another municipality; there is one."""
        while (office := pick(self.draws, self.people.municipalities)) == municipality:
            pass
        return office
