"""Cosignatures of the log's heads in the database: the newest ones of each witness's key."""

from __future__ import annotations

from typing import Final

from juki_center.areas.audit.cosignatures import Cosignature
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

KEPT: Final = 16
"""How many heads are kept for each key: witnesses that look at other times can meet at one."""
_SELECT: Final = "SELECT witness, key_id, size, cosigned_at, taken_at, note FROM cosignatures"


class CosignaturesTable:
    """Cosignatures, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def put(self, cosignature: Cosignature) -> None:
        """Keep one in place of an earlier one of the same key and size; forget the oldest.

        When the first of them was taken is kept.
        """
        one = cosignature
        key = (one.witness, one.key_id)
        micros = (to_micros(one.cosigned_at), to_micros(one.taken_at))
        self._sql.execute(
            "INSERT INTO cosignatures (witness, key_id, size, cosigned_at, taken_at,"
            " note) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (witness, key_id, size) DO UPDATE SET"
            " cosigned_at = excluded.cosigned_at, note = excluded.note",
            (*key, one.size, *micros, one.note),
        )
        self._sql.execute(
            "DELETE FROM cosignatures WHERE witness = ? AND key_id = ? AND size NOT IN (SELECT size"
            " FROM cosignatures WHERE witness = ? AND key_id = ? ORDER BY size DESC LIMIT ?)",
            (*key, *key, KEPT),
        )

    def newest(self, witness: str, key_id: bytes) -> Cosignature | None:
        """Return a key's newest one."""
        row = self._sql.execute(
            f"{_SELECT} WHERE witness = ? AND key_id = ? ORDER BY size DESC LIMIT 1",
            (witness, key_id),
        ).fetchone()
        return None if row is None else _cosignature(row)

    def every(self) -> list[Cosignature]:
        """Return all, those of the largest head first."""
        rows = self._sql.execute(f"{_SELECT} ORDER BY size DESC, witness, key_id").fetchall()
        return [_cosignature(row) for row in rows]


def _cosignature(row: Row) -> Cosignature:
    witness, key_id, size, cosigned_at, taken_at, note = row
    return Cosignature(
        as_text(witness),
        as_octets(key_id),
        as_number(size),
        from_micros(as_number(cosigned_at)),
        from_micros(as_number(taken_at)),
        as_octets(note),
    )
