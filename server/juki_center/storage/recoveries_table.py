"""Recoveries of expired certificates in the database."""

from __future__ import annotations

from juki_center.areas.fleet.recoveries import Recovery, RecoveryState
from juki_center.storage.fleet_table import (
    from_moment,
    moment,
    octets_or_none,
    peer_columns,
    peer_of,
)
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

_SELECT = (
    "SELECT id, uri, role, municipality, expired, expired_at, key_digest, asked_at, state,"
    " decided_at, decided_by, fingerprint FROM recoveries"
)


class RecoveriesTable:
    """Recoveries, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def add(self, recovery: Recovery) -> None:
        """Keep a new recovery."""
        self._sql.execute(
            "INSERT INTO recoveries (id, uri, role, municipality, expired, expired_at, key_digest,"
            " asked_at, state, decided_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                recovery.recovery_id,
                *peer_columns(recovery.peer),
                recovery.expired,
                to_micros(recovery.expired_at),
                recovery.key_sha256,
                to_micros(recovery.asked_at),
                recovery.state.value,
                recovery.decided_by,
            ),
        )

    def find(self, recovery_id: str) -> Recovery | None:
        """Return a recovery."""
        row = self._sql.execute(f"{_SELECT} WHERE id = ?", (recovery_id,)).fetchone()
        return None if row is None else _recovery(row)

    def change(self, recovery: Recovery) -> None:
        """Write state and outcome of a recovery that is there."""
        self._sql.execute(
            "UPDATE recoveries SET state = ?, decided_at = ?, decided_by = ?, fingerprint = ?"
            " WHERE id = ?",
            (
                recovery.state.value,
                moment(recovery.decided_at),
                recovery.decided_by,
                recovery.fingerprint,
                recovery.recovery_id,
            ),
        )

    def open_ones(self) -> list[Recovery]:
        """Return what waits for approval or for its peer, the oldest first."""
        rows = self._sql.execute(
            f"{_SELECT} WHERE state IN ('ASKED', 'APPROVED') ORDER BY asked_at"
        ).fetchall()
        return [_recovery(row) for row in rows]


def _recovery(row: Row) -> Recovery:
    return Recovery(
        recovery_id=as_text(row[0]),
        peer=peer_of(row[1:4]),
        expired=as_octets(row[4]),
        expired_at=from_micros(as_number(row[5])),
        key_sha256=as_octets(row[6]),
        asked_at=from_micros(as_number(row[7])),
        state=RecoveryState(as_text(row[8])),
        decided_at=from_moment(row[9]),
        decided_by=as_text(row[10]),
        fingerprint=octets_or_none(row[11]),
    )
