"""Queues of updates in the database: what waits is sealed to its register's own inbox."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

import cbor2

from juki_center.areas.fleet.queues import FindingKind, QueueState, Report, UpdateQueue
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.updates import Update
from juki_center.storage.inboxes import SealedInbox, lay_in, new_inbox, open_inbox, take_out
from juki_center.storage.keyring import KeyRing
from juki_center.storage.pending_table import decode_update, encode_update
from juki_center.storage.sql import (
    SQL,
    Row,
    Value,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_SELECT: Final = (
    "SELECT q.municipality, q.state, q.reason, q.at, q.by_whom, q.checked_at, q.persons,"
    " q.findings, (SELECT count(*) FROM queued_updates u WHERE u.municipality = q.municipality)"
    " FROM update_queues q"
)
_ONE: Final = f"{_SELECT} WHERE q.municipality = ?"
_EVERY: Final = f"{_SELECT} ORDER BY q.municipality"
_BEGIN: Final = (
    "INSERT INTO update_queues (municipality, state, reason, at, by_whom, inbox, key_version,"
    " sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_CHANGE: Final = (
    "UPDATE update_queues SET state = ?, reason = ?, by_whom = ?, checked_at = ?, persons = ?,"
    " findings = ? WHERE municipality = ?"
)
_FIRST: Final = (
    "SELECT place, sealed FROM queued_updates WHERE municipality = ? ORDER BY place LIMIT ?"
)


class QueuesTable:
    """Queues, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def of(self, municipality: MunicipalityCode) -> UpdateQueue | None:
        """Return a municipality's queue."""
        row = self._sql.execute(_ONE, (str(municipality),)).fetchone()
        return None if row is None else _queue(row)

    def every(self) -> list[UpdateQueue]:
        """Return all queues, by municipality."""
        return [_queue(row) for row in self._sql.execute(_EVERY).fetchall()]

    def state_of(self, municipality: MunicipalityCode) -> QueueState | None:
        """Return the state of a municipality's queue; None where nothing has to wait."""
        row = self._sql.execute(
            "SELECT state FROM update_queues WHERE municipality = ?", (str(municipality),)
        ).fetchone()
        return None if row is None else QueueState(as_text(row[0]))

    def begin(self, queue: UpdateQueue) -> None:
        """Begin a queue. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        owner = inbox_owner(str(queue.municipality))
        inbox = new_inbox(self._keys, queue.municipality, owner)
        self._sql.execute(
            _BEGIN,
            (
                str(queue.municipality),
                queue.state,
                queue.reason,
                to_micros(queue.at),
                queue.by,
                inbox.public,
                inbox.key_version,
                inbox.sealed,
            ),
        )

    def change(self, queue: UpdateQueue) -> None:
        """Write a queue's state, reason and report."""
        self._sql.execute(
            _CHANGE,
            (
                queue.state,
                queue.reason,
                queue.by,
                *_report_columns(queue.report),
                str(queue.municipality),
            ),
        )

    def end(self, municipality: MunicipalityCode) -> None:
        """End a queue in which nothing waits."""
        self._sql.execute("DELETE FROM update_queues WHERE municipality = ?", (str(municipality),))

    def put(self, update: Update, now: datetime) -> None:
        """Let an update stand at the end of its municipality's queue."""
        municipality = str(update.municipality)
        row = self._sql.execute(
            "SELECT inbox FROM update_queues WHERE municipality = ?", (municipality,)
        ).fetchone()
        if row is None:
            raise LookupError("the municipality has no queue")
        plain = cbor2.dumps([update.version, encode_update(update, 0)])
        self._sql.execute(
            "INSERT INTO queued_updates (municipality, held_at, sealed) VALUES (?, ?, ?)",
            (
                municipality,
                to_micros(now),
                lay_in(as_octets(row[0]), plain, queued_owner(municipality)),
            ),
        )

    def first(self, municipality: MunicipalityCode, limit: int) -> list[tuple[int, Update]]:
        """Open the updates that wait longest, with their places.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        rows = self._sql.execute(_FIRST, (str(municipality), limit)).fetchall()
        if not rows:
            return []
        inbox = self._inbox(municipality)
        return [
            (as_number(row[0]), self._opened(municipality, inbox, as_octets(row[1])))
            for row in rows
        ]

    def remove(self, place: int) -> None:
        """Let an update wait no longer."""
        self._sql.execute("DELETE FROM queued_updates WHERE place = ?", (place,))

    def _inbox(self, municipality: MunicipalityCode) -> X25519PrivateKey:
        row = self._sql.execute(
            "SELECT inbox, key_version, sealed FROM update_queues WHERE municipality = ?",
            (str(municipality),),
        ).fetchone()
        if row is None:
            raise LookupError("the municipality has no queue")
        kept = SealedInbox(as_octets(row[0]), as_number(row[1]), as_octets(row[2]))
        return open_inbox(self._keys, municipality, kept, inbox_owner(str(municipality)))

    def _opened(
        self, municipality: MunicipalityCode, inbox: X25519PrivateKey, sealed: bytes
    ) -> Update:
        plain = take_out(inbox, sealed, queued_owner(str(municipality)))
        version, encoded = cast("tuple[int, bytes]", cbor2.loads(plain))
        return decode_update(encoded, municipality, version)


def inbox_owner(municipality: str) -> str:
    """Return what the private key of an inbox is sealed to."""
    return f"inbox:{municipality}"


def queued_owner(municipality: str) -> str:
    """Return what an update that waits is sealed to."""
    return f"queued:{municipality}"


def _report_columns(report: Report | None) -> tuple[Value, Value, Value]:
    if report is None:
        return None, None, None
    found = cbor2.dumps([[str(kind), count] for kind, count in report.findings])
    return to_micros(report.checked_at), report.persons, found


def _queue(row: Row) -> UpdateQueue:
    return UpdateQueue(
        municipality=MunicipalityCode(as_text(row[0])),
        state=QueueState(as_text(row[1])),
        reason=as_text(row[2]),
        at=from_micros(as_number(row[3])),
        by=as_text(row[4]),
        report=None if row[5] is None else _report(row),
        held=as_number(row[8]),
    )


def _report(row: Row) -> Report:
    found = cast("list[tuple[str, int]]", cbor2.loads(as_octets(row[7])))
    findings = tuple((FindingKind(kind), count) for kind, count in found)
    return Report(from_micros(as_number(row[5])), as_number(row[6]), findings)
