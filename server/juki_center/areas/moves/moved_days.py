"""Which days may be the actual day of a move."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from juki_center.errors import RuleBroken

BEFORE_PLANNED: Final = timedelta(days=365)
"""How long before the planned day somebody may have moved; anything earlier is a slip."""


def refuse_moved_day(moved_on: date, planned_on: date, today: date, field: str) -> None:
    """Raise RuleBroken for a day on which nobody can have moved.

    FUTURE: of all days of a move only the planned one may lie ahead (STD-4.0.3). RANGE: more than
    a year before the planned day. How late a notice comes is no matter of this.
    """
    if moved_on > today:
        raise RuleBroken("FUTURE", field)
    if moved_on < planned_on - BEFORE_PLANNED:
        raise RuleBroken("RANGE", field)
