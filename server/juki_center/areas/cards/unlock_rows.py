"""Unlockings of a PIN, as the store keeps them: opened with evidence, ended by the card's proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from juki_center.areas.cards.holdings import Holding
from juki_center.areas.evidence import IdentityDocument, LegalRepresentative
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID


class UnlockMode(StrEnum):
    """What is to happen to the PIN: only its counter is reset, or it is taken away."""

    KEEP = "KEEP"
    FORGOTTEN = "FORGOTTEN"


class UnlockState(StrEnum):
    """How far an unlocking has come; ATTEMPTED once a command may have reached the card."""

    OPEN = "OPEN"
    ATTEMPTED = "ATTEMPTED"
    DONE = "DONE"
    VOID = "VOID"


@dataclass(frozen=True, slots=True)
class UnlockPapers:
    """What is sealed of an unlocking."""

    clerk_name: str = field(repr=False)
    documents: tuple[IdentityDocument, ...] = field(default=(), repr=False)
    representative: LegalRepresentative | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Unlock:
    """One unlocking; `unlock_id` is 16 bytes, `card_serial` 32. `papers` is None once deleted."""

    unlock_id: bytes
    municipality: MunicipalityCode
    person: PersonID
    card_serial: bytes
    terminal_uri: str
    mode: UnlockMode
    state: UnlockState
    begun_at: datetime
    papers: UnlockPapers | None = field(default=None, repr=False)
    ended_at: datetime | None = None


class Unlocks(Protocol):
    """What the store keeps of unlockings. Writing papers raises Refusal(RESIDENCE_DISCONNECTED)."""

    def by_id(self, unlock_id: bytes) -> Unlock | None:
        """Return one, without its papers."""

    def open_of_card(self, card_serial: bytes) -> list[Unlock]:
        """Return a card's unlockings that are OPEN or ATTEMPTED, newest first, without papers."""

    def open_ones(
        self, municipality: MunicipalityCode | None, *, after: int, limit: int
    ) -> list[tuple[int, Unlock]]:
        """Return those that are OPEN or ATTEMPTED, oldest first; None means everywhere."""

    def add(self, unlock: Unlock) -> None:
        """Enter one; its id is new."""

    def set_state(self, unlock_id: bytes, state: UnlockState, ended_at: datetime | None) -> None:
        """Write how far it has come."""

    def forget_papers(self, *, ended_before: datetime, limit: int) -> int:
        """Delete the papers of unlockings that ended before a time; return how many."""

    def papers_held(self, *, ended_before: datetime) -> Holding:
        """Count the papers, and those of unlockings that ended before a time."""
