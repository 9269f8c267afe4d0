"""Batches in the database: how far each of them is, and nothing of any line."""

from __future__ import annotations

import hmac
from datetime import datetime
from uuid import UUID

from juki_center.areas.agencies.batch_rows import Batch
from juki_center.areas.agencies.commands import AffairCode, Outcome
from juki_center.areas.residents.changes import Item
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

_COLUMNS = (
    "agency, batch_id, affair, items, is_watching, line_count, lines_done, counts, began_at,"
    " changed_at"
)
# Beside the outcomes, in the same column.
_REFUSED = "REFUSED"


class BatchesTable:
    """Batches, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def find(self, agency: str, batch_id: UUID) -> Batch | None:
        """Return an agency's batch."""
        row = self._sql.execute(
            f"SELECT {_COLUMNS} FROM batches WHERE agency = ? AND batch_id = ?",  # noqa: S608  # names only
            (agency, batch_id.bytes),
        ).fetchone()
        return None if row is None else _batch(row)

    def add(self, batch: Batch, content_digest: bytes) -> None:
        """Add a batch; its id is new for its agency. The digest is kept as a keyed token."""
        self._sql.execute(
            f"INSERT INTO batches ({_COLUMNS}, content_token)"  # noqa: S608  # names only
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                batch.agency,
                batch.batch_id.bytes,
                batch.affair.text,
                " ".join(batch.items),
                int(batch.is_watching),
                batch.line_count,
                batch.lines_done,
                _counts_text(batch),
                to_micros(batch.began_at),
                to_micros(batch.changed_at),
                self._token(content_digest),
            ),
        )

    def is_content(self, batch: Batch, content_digest: bytes) -> bool:
        """Tell whether a batch was added with this digest, or with none."""
        row = self._sql.execute(
            "SELECT content_token FROM batches WHERE agency = ? AND batch_id = ?",
            (batch.agency, batch.batch_id.bytes),
        ).fetchone()
        if row is None or row[0] is None:
            return True
        return hmac.compare_digest(as_octets(row[0]), self._token(content_digest) or b"")

    def update(self, batch: Batch) -> None:
        """Write how far a batch is."""
        self._sql.execute(
            "UPDATE batches SET lines_done = ?, counts = ?, changed_at = ?"
            " WHERE agency = ? AND batch_id = ?",
            (
                batch.lines_done,
                _counts_text(batch),
                to_micros(batch.changed_at),
                batch.agency,
                batch.batch_id.bytes,
            ),
        )

    def forget_before(self, moment: datetime) -> None:
        """Delete the batches that were changed last before a time."""
        self._sql.execute("DELETE FROM batches WHERE changed_at < ?", (to_micros(moment),))

    def _token(self, content_digest: bytes) -> bytes | None:
        if not content_digest:
            return None
        return self._keys.look_up(LookUp.CONTENT).token(b"batch", content_digest)


def _counts_text(batch: Batch) -> str:
    counts = {str(outcome): number for outcome, number in batch.counts.items()}
    return " ".join(
        f"{key}={number}" for key, number in ({_REFUSED: batch.refused} | counts).items()
    )


def _batch(row: Row) -> Batch:
    counts = {
        key: int(number) for key, number in (one.split("=") for one in as_text(row[7]).split())
    }
    refused = counts.pop(_REFUSED, 0)
    return Batch(
        agency=as_text(row[0]),
        batch_id=UUID(bytes=as_octets(row[1])),
        affair=AffairCode(as_text(row[2])),
        items=tuple(map(Item, as_text(row[3]).split())),
        is_watching=bool(as_number(row[4])),
        line_count=as_number(row[5]),
        lines_done=as_number(row[6]),
        counts={Outcome(key): number for key, number in counts.items()},
        refused=refused,
        began_at=from_micros(as_number(row[8])),
        changed_at=from_micros(as_number(row[9])),
    )
