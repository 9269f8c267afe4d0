"""What is decided about agencies outside of their authorisations."""

from __future__ import annotations

from dataclasses import dataclass, field

from juki_center.areas.agencies.affairs import Affairs
from juki_center.areas.agencies.alarms import AlarmRule
from juki_center.areas.residents.municipalities import Municipalities


@dataclass(frozen=True, slots=True)
class AgencyPolicy:
    """Given to each act: the affairs that the law names, the municipalities, when to alarm."""

    affairs: Affairs
    municipalities: Municipalities
    alarm: AlarmRule = field(default_factory=AlarmRule)
