"""Subscriptions in the database, and the change notices that they select."""

from __future__ import annotations

from juki_center.areas.agencies.commands import AffairCode
from juki_center.areas.agencies.subscriptions import Watched
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import KeyUnusable
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.keys import SealKey
from juki_center.storage.sql import SQL, as_number, as_octets, as_text, from_micros

_REFERENCE_OCTETS = 16
# The order of the join is fixed: a page looks at few notices, and an agency may watch millions.
_WATCHED = (
    "SELECT c.position, c.person, c.municipality, c.at FROM changes c CROSS JOIN subscriptions s"
    " ON s.person = c.person WHERE c.position > ? AND c.position <= ?"
    " AND (? IS NULL OR c.municipality = ?) AND s.agency = ? AND s.affair = ?"
    " AND c.position > s.since_position"
    " ORDER BY c.position LIMIT ?"
)


class SubscriptionsTable:
    """Subscriptions, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def add(self, agency: str, affair: AffairCode, person: PersonID) -> bytes:
        """Watch a person from now on, unless that is so already; return their reference."""
        row = self._sql.execute("SELECT coalesce(max(position), 0) FROM changes").fetchone()
        newest = as_number(row[0]) if row else 0
        self._sql.execute(
            "INSERT INTO subscriptions (agency, affair, person, since_position)"
            " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (agency, affair.text, person.octets, newest),
        )
        return self.reference(agency, affair, person)

    def reference(self, agency: str, affair: AffairCode, person: PersonID) -> bytes:
        """Return what this agency's notices for this affair call a person, 16 bytes."""
        key = self._keys.look_up(LookUp.AUDIT)
        parts = (b"watched", agency.encode(), affair.text.encode(), person.octets)
        return key.token(*parts)[:_REFERENCE_OCTETS]

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
        """Return the notices of watched persons between two positions, oldest first."""
        where = str(only) if only else None
        rows = self._sql.execute(
            _WATCHED, (after, up_to, where, where, agency, affair.text, limit)
        ).fetchall()
        return [
            Watched(
                position=as_number(row[0]),
                person=PersonID(as_octets(row[1])),
                municipality=MunicipalityCode(as_text(row[2])),
                recorded_at=from_micros(as_number(row[3])),
            )
            for row in rows
        ]

    def disconnected(self) -> frozenset[MunicipalityCode]:
        """Return the municipalities whose notices cannot be opened now."""
        rows = self._sql.execute("SELECT code FROM municipalities WHERE is_connected = 0")
        return frozenset(MunicipalityCode(as_text(row[0])) for row in rows.fetchall())

    def seal_cursor(self, content: bytes, agency: str, affair: AffairCode) -> bytes:
        """Seal a cursor for an agency and an affair; 29 octets longer than its content."""
        return self._cursor_key(agency, affair).wrap(content, _cursor_owner(agency, affair))

    def open_cursor(self, cursor: bytes, agency: str, affair: AffairCode) -> bytes | None:
        """Open a cursor; None for one that was not sealed for this agency and affair."""
        try:
            return self._cursor_key(agency, affair).unwrap(cursor, _cursor_owner(agency, affair))
        except KeyUnusable:
            return None

    def _cursor_key(self, agency: str, affair: AffairCode) -> SealKey:
        """Return the key of an agency's cursors, made from one that is never replaced.

        A cursor lies with the agency and cannot be sealed anew when the center's key is.
        """
        key = self._keys.look_up(LookUp.CONTENT)
        return SealKey(key.token(b"cursor", agency.encode(), affair.text.encode()))


def _cursor_owner(agency: str, affair: AffairCode) -> str:
    return f"cursor:{agency}:{affair}"
