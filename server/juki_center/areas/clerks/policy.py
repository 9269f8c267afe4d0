"""What the configuration settles for clerks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipalities

SIGN_IN_FOR = timedelta(hours=4)
"""How long a sign-in lasts at the most, where the configuration does not say."""
IDLE_FOR = timedelta(minutes=30)
"""How long a sign-in lasts without an act, where the configuration does not say."""


@dataclass(frozen=True, slots=True)
class ClerkPolicy:
    """Whose clerks serve where, and how long a sign-in lasts."""

    municipalities: Municipalities
    sign_in_for: timedelta = SIGN_IN_FOR
    idle_for: timedelta = IDLE_FOR

    def register_of(self, municipality: MunicipalityCode) -> MunicipalityCode:
        """Return the municipality whose clerks serve at an office: a ward's are its city's."""
        return self.municipalities.register_of(municipality)
