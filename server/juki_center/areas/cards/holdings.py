"""How much of a kind is kept: counted, never opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """How many there are, since when the oldest one is there, and how many have run out."""

    count: int
    oldest: datetime | None
    due: int
