"""Subscriptions: which persons an agency watches for an affair, and what it calls them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from juki_center.areas.agencies.commands import AffairCode
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID


@dataclass(frozen=True, slots=True)
class Watched:
    """A change notice of a watched person, not opened: its place, whose it is, and since when."""

    position: int
    person: PersonID
    municipality: MunicipalityCode
    recorded_at: datetime


class Subscriptions(Protocol):
    """What the store keeps of subscriptions. Positions are those of change notices."""

    def add(self, agency: str, affair: AffairCode, person: PersonID) -> bytes:
        """Watch a person from now on, unless that is so already; return their reference."""

    def reference(self, agency: str, affair: AffairCode, person: PersonID) -> bytes:
        """Return what this agency's notices for this affair call a person, 16 bytes."""

    def watched(
        self,
        agency: str,
        affair: AffairCode,
        *,
        after: int,
        up_to: int,
        limit: int,
        only: MunicipalityCode | None = None,
    ) -> list[Watched]:
        """Return the notices of watched persons between two positions, oldest first.

        A person's notices from before the subscription are not among them.
        """

    def disconnected(self) -> frozenset[MunicipalityCode]:
        """Return the municipalities whose notices cannot be opened now."""

    def seal_cursor(self, content: bytes, agency: str, affair: AffairCode) -> bytes:
        """Seal a cursor for an agency and an affair; 29 octets longer than its content."""

    def open_cursor(self, cursor: bytes, agency: str, affair: AffairCode) -> bytes | None:
        """Open a cursor; None for one that was not sealed for this agency and affair."""
