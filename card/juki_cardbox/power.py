"""Where the power of a card may be cut, and supplies that cut it there.

A tear test asks for every point of every exchange; a real card meets them when it is pulled.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from juki_card.errors import CardRemoved


class CutPoint(StrEnum):
    """A moment inside one exchange."""

    BEFORE_COMMAND = "before-command"
    BEFORE_WRITE = "before-write"
    AFTER_WRITE = "after-write"
    BEFORE_ANSWER = "before-answer"


class PowerSupply(Protocol):
    """Something that may raise CardRemoved when the slot reaches a point."""

    def reached(self, point: CutPoint, exchange: int, write: int, /) -> None:
        """Say that `point` of the `exchange`th command since power-on is reached, both from 1.

        `write` counts the writes of this exchange, 0 before the first.
        """
        ...


class Mains:
    """Power that is never cut."""

    def reached(self, point: CutPoint, exchange: int, write: int) -> None:
        """Let every point pass."""


@dataclass(frozen=True, slots=True)
class CutAt:
    """Power that is cut at one point of one exchange, and again whenever that point comes back."""

    point: CutPoint
    exchange: int
    write: int | None = None

    def reached(self, point: CutPoint, exchange: int, write: int) -> None:
        """Raise CardRemoved at the chosen point; `write` None means at any write."""
        if (point, exchange) == (self.point, self.exchange) and self.write in (None, write):
            raise CardRemoved(f"power cut {point} in exchange {exchange}")
