"""Approvals in the database: the proposed act is sealed, under the key of the side that proposes.

That of a municipality under its own key, that of the center's operators under the center's. It is
forgotten when the approval is used, taken back or over.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from juki_center.areas.approvals.rows import Approval, Person
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.storage.keyring import DataKey, KeyRing
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

_COLUMNS = (
    "approval_id, municipality, method, digest, proposer_uri, proposer_clerk,"
    " proposer_credential, proposed_at, until, approver_uri, approver_clerk, approver_credential,"
    " approved_at, used_by, is_withdrawn, key_version, sealed"
)


class ApprovalsTable:
    """Approvals, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def add(self, approval: Approval) -> None:
        """Enter a proposal; its id is new. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        by = approval.proposer
        key = self._key(by.side)
        marks = ", ".join("?" * len(_COLUMNS.split(",")))
        self._sql.execute(
            f"INSERT INTO approvals ({_COLUMNS}) VALUES ({marks})",  # noqa: S608  # question marks
            (
                approval.approval_id,
                None if by.side is None else str(by.side),
                approval.method,
                approval.digest,
                by.uri,
                by.clerk_id,
                by.credential,
                to_micros(approval.proposed_at),
                to_micros(approval.until),
                *(None,) * 5,
                int(approval.is_withdrawn),
                key.version,
                key.key.seal(approval.act or b"", approval_owner(approval.approval_id)),
            ),
        )

    def approval(self, approval_id: str) -> Approval | None:
        """Return an approval without its act."""
        row = self._sql.execute(
            f"SELECT {_COLUMNS} FROM approvals WHERE approval_id = ?",  # noqa: S608  # a constant
            (approval_id,),
        ).fetchone()
        return None if row is None else _approval(row, None)

    def pending(self, side: MunicipalityCode | None, now: datetime, limit: int) -> list[Approval]:
        """Return the open proposals of a side with their acts, oldest first.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        rows = self._sql.execute(
            f"SELECT {_COLUMNS} FROM approvals WHERE municipality IS ? AND until > ?"  # noqa: S608  # a constant
            " AND sealed IS NOT NULL ORDER BY until LIMIT ?",
            (None if side is None else str(side), to_micros(now), limit),
        ).fetchall()
        return [_approval(row, self._act(row, side)) for row in rows]

    def approve(self, approval_id: str, approver: Person, at: datetime) -> None:
        """Write who has approved."""
        self._sql.execute(
            "UPDATE approvals SET approver_uri = ?, approver_clerk = ?, approver_credential = ?,"
            " approved_at = ? WHERE approval_id = ?",
            (
                approver.uri,
                approver.clerk_id,
                approver.credential,
                to_micros(at),
                approval_id,
            ),
        )

    def use(self, approval_id: str, request_id: UUID) -> None:
        """Write which request has used the approval, and forget the act."""
        self._sql.execute(
            "UPDATE approvals SET used_by = ?, sealed = NULL WHERE approval_id = ?",
            (request_id.bytes, approval_id),
        )

    def withdraw(self, approval_id: str) -> None:
        """Write that the proposal was taken back, and forget the act."""
        self._sql.execute(
            "UPDATE approvals SET is_withdrawn = 1, sealed = NULL WHERE approval_id = ?",
            (approval_id,),
        )

    def forget(self, before: datetime) -> None:
        """Forget the acts of the proposals that were over before a time."""
        self._sql.execute(
            "UPDATE approvals SET sealed = NULL WHERE sealed IS NOT NULL AND until < ?",
            (to_micros(before),),
        )

    def _act(self, row: Row, side: MunicipalityCode | None) -> bytes:
        key = self._key(side, as_number(row[15]))
        return key.key.open(as_octets(row[16]), approval_owner(as_text(row[0])))

    def _key(self, side: MunicipalityCode | None, version: int | None = None) -> DataKey:
        if side is None:
            return self._keys.center_key(version)
        return self._keys.data_key(side, version)


def approval_owner(approval_id: str) -> str:
    """Return what a proposed act is sealed to."""
    return f"approval:{approval_id}"


def _approval(row: Row, act: bytes | None) -> Approval:
    side = None if row[1] is None else MunicipalityCode(as_text(row[1]))
    proposer = _person(row[4:7], side)
    return Approval(
        approval_id=as_text(row[0]),
        method=as_text(row[2]),
        digest=as_octets(row[3]),
        proposer=proposer,
        proposed_at=from_micros(as_number(row[7])),
        until=from_micros(as_number(row[8])),
        act=act,
        approver=None if row[9] is None else _person(row[9:12], side),
        approved_at=_moment(row[12]),
        used_by=None if row[13] is None else UUID(bytes=as_octets(row[13])),
        is_withdrawn=bool(as_number(row[14])),
    )


def _person(row: Row, side: MunicipalityCode | None) -> Person:
    return Person(as_text(row[0]), as_text(row[1]), as_octets(row[2]), side)


def _moment(value: Value) -> datetime | None:
    return None if value is None else from_micros(as_number(value))
