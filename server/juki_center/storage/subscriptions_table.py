"""Subscriptions in the database, and the change notices that they select."""

from __future__ import annotations

from juki_center.areas.agencies.commands import AffairCode
from juki_center.areas.residents.records import PersonID
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.sql import SQL, as_number

_REFERENCE_OCTETS = 16


class SubscriptionsTable:
    """Subscriptions, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def add(self, agency: str, affair: AffairCode, person: PersonID) -> bytes:
        """Watch a person from now on, unless that is so already; return their reference."""
        self._sql.execute(
            "INSERT INTO subscriptions (agency, affair, person, since_position)"
            " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (agency, affair.text, person.octets, self.last_position()),
        )
        return self.reference(agency, affair, person)

    def reference(self, agency: str, affair: AffairCode, person: PersonID) -> bytes:
        """Return what this agency's notices for this affair call a person, 16 bytes."""
        key = self._keys.look_up(LookUp.AUDIT)
        parts = (b"watched", agency.encode(), affair.text.encode(), person.octets)
        return key.token(*parts)[:_REFERENCE_OCTETS]

    def last_position(self) -> int:
        """Return the newest change notice's position, 0 for none."""
        row = self._sql.execute("SELECT coalesce(max(position), 0) FROM changes").fetchone()
        return as_number(row[0]) if row else 0
