"""The audit log in the database: one row for each leaf, numbered from 0 without a gap."""

from __future__ import annotations

import secrets

from juki_center.areas.audit import leaf
from juki_center.areas.audit.events import AuditEvent
from juki_center.areas.residents.records import PersonID
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.sql import SQL, to_micros


class AuditTable:
    """The log, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def append(self, event: AuditEvent) -> None:
        """Append one leaf."""
        salt = secrets.token_bytes(leaf.SALT_OCTETS)
        content = leaf.content(event, self._subject)
        self._sql.execute(
            "INSERT INTO audit_leaves (leaf_index, at, issuing, residence, salt, content,"
            " commitment) SELECT coalesce(max(leaf_index) + 1, 0), ?, ?, ?, ?, ?, ?"
            " FROM audit_leaves",
            (
                to_micros(event.at),
                str(event.issuing) if event.issuing else None,
                str(event.residence) if event.residence else None,
                salt,
                content,
                leaf.commitment(salt, content),
            ),
        )

    def _subject(self, person: PersonID) -> bytes:
        return self._keys.look_up(LookUp.AUDIT).token(person.octets)
