"""Subscriptions: which persons an agency watches for an affair, and what it calls them."""

from __future__ import annotations

from typing import Protocol

from juki_center.areas.agencies.commands import AffairCode
from juki_center.areas.residents.records import PersonID


class Subscriptions(Protocol):
    """What the store keeps of subscriptions. Positions are those of change notices."""

    def add(self, agency: str, affair: AffairCode, person: PersonID) -> bytes:
        """Watch a person from now on, unless that is so already; return their reference."""

    def reference(self, agency: str, affair: AffairCode, person: PersonID) -> bytes:
        """Return what this agency's notices for this affair call a person, 16 bytes."""

    def last_position(self) -> int:
        """Return the newest change notice's position, 0 for none."""
