"""Notes to a card: who asked for what, how, and what the desk or the clerk recorded.

They are sealed under the center's own key, so that a card can be suspended whoever is cut off
(the municipalities' register of suspensions).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from juki_center.areas.cards.holdings import Holding
from juki_center.areas.residents.codes import MunicipalityCode


class NoteKind(StrEnum):
    """What a note is about."""

    SUSPENDED = "SUSPENDED"
    RESUMED = "RESUMED"
    REVOKED = "REVOKED"
    RETURNED = "RETURNED"
    HAND_OVER_BEGUN = "HAND_OVER_BEGUN"
    HANDED_OVER = "HANDED_OVER"
    CONTINUED = "CONTINUED"


@dataclass(frozen=True, slots=True)
class CardNote:
    """One note. `facts` is what was recorded, as plain CBOR values; never an answer's text."""

    card_serial: bytes
    at: datetime
    kind: NoteKind
    municipality: MunicipalityCode
    caller_uri: str
    facts: dict[str, object] = field(repr=False)


class CardNotes(Protocol):
    """What the store keeps of notes."""

    def add(self, note: CardNote) -> None:
        """Enter a note."""

    def of_card(self, card_serial: bytes) -> list[CardNote]:
        """Return a card's notes, oldest first."""

    def forget(self, *, before: datetime, limit: int) -> int:
        """Delete notes of before a time; return how many."""

    def held(self, *, before: datetime) -> Holding:
        """Count the notes, and those of before a time."""
