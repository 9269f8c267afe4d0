"""Who is enrolled: a peer by its name in the network, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.codes import MunicipalityCode

if TYPE_CHECKING:
    from datetime import datetime

    from juki_center.areas.residents.municipalities import Municipalities


@dataclass(frozen=True, slots=True)
class Peer:
    """A terminal, a desk or an agency: its URI, its role, and where a municipal one stands."""

    uri: str
    role: str
    municipality: MunicipalityCode | None = None


def require_office(peer: Peer, municipalities: Municipalities, now: datetime) -> None:
    """Raise RuleBroken where no municipality works under a peer's code today.

    The rule is MUNICIPALITY_UNKNOWN or MUNICIPALITY_NOT_VALID. An agency has no code.
    """
    if peer.municipality is not None:
        municipalities.office_on(peer.municipality, day_in_japan(now))
