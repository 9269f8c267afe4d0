"""Revocations in the database: found by their subject, a URI or a fingerprint in hex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.fleet.revocations import OfCertificate, OfPeer, Revocation, RevocationReason
from juki_center.storage.sql import SQL, Row, as_number, as_text, from_micros, to_micros

if TYPE_CHECKING:
    from collections.abc import Iterator

_SELECT: Final = "SELECT subject, uri, reason, revoked_at, revoked_by FROM revocations"
_SCHEME: Final = "juki://"
_CENTERS: Final = "juki://center/"


class RevocationsTable:
    """Revocations, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def has(self, fingerprint: bytes, uri: str) -> bool:
        """Whether a certificate, or the peer that it names, was revoked: by primary key."""
        row = self._sql.execute(
            "SELECT 1 FROM revocations WHERE subject IN (?, ?)", (fingerprint.hex(), uri)
        ).fetchone()
        return row is not None

    def find(self, of: OfPeer | OfCertificate) -> Revocation | None:
        """Return the revocation of a peer or a certificate."""
        row = self._sql.execute(f"{_SELECT} WHERE subject = ?", (of.subject,)).fetchone()
        return None if row is None else _revocation(row)

    def add(self, revocation: Revocation) -> None:
        """Enter a revocation; there is none of its subject."""
        self._sql.execute(
            "INSERT INTO revocations (subject, uri, reason, revoked_at, revoked_by)"
            " VALUES (?, ?, ?, ?, ?)",
            (
                revocation.of.subject,
                revocation.of.uri,
                revocation.reason.value,
                to_micros(revocation.at),
                revocation.by,
            ),
        )

    def subjects(self) -> Iterator[str]:
        """Return what was revoked: URIs, and fingerprints in hex."""
        rows = self._sql.execute("SELECT subject FROM revocations").fetchall()
        return (as_text(row[0]) for row in rows)

    def of_centers(self) -> list[Revocation]:
        """Return the revocations of the center's own nodes and their certificates."""
        rows = self._sql.execute(
            f"{_SELECT} WHERE uri >= ? AND uri < ? ORDER BY uri, subject",
            (_CENTERS, _CENTERS + "~"),
        ).fetchall()
        return [_revocation(row) for row in rows]

    def page(self, after: str, limit: int) -> list[Revocation]:
        """Return revocations in the order of their subjects, those behind `after`."""
        rows = self._sql.execute(
            f"{_SELECT} WHERE subject > ? ORDER BY subject LIMIT ?", (after, limit)
        ).fetchall()
        return [_revocation(row) for row in rows]

    def count(self) -> int:
        """Return how many there are."""
        row = self._sql.execute("SELECT count(*) FROM revocations").fetchone()
        return as_number(row[0]) if row else 0


def _revocation(row: Row) -> Revocation:
    subject, uri = as_text(row[0]), as_text(row[1])
    is_peer = subject.startswith(_SCHEME)
    return Revocation(
        of=OfPeer(subject) if is_peer else OfCertificate(bytes.fromhex(subject), uri),
        reason=RevocationReason(as_text(row[2])),
        at=from_micros(as_number(row[3])),
        by=as_text(row[4]),
    )
