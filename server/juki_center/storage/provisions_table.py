"""The log of provisions in the database: persons by keyed hash, nothing of their entries."""

from __future__ import annotations

from datetime import datetime

from juki_center.areas.agencies.commands import AffairCode, Kind
from juki_center.areas.agencies.provisions import (
    BatchLine,
    Provision,
    ProvisionCount,
    Recorded,
)
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.sql import SQL, Row, as_number, as_text, from_micros, to_micros

_INSERT = (
    "INSERT INTO provisions (at, agency, affair, purpose, kind, subject, municipality, items,"
    " outcome, batch_id, line, answer_token) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " RETURNING id"
)
_LINE = (
    "SELECT id FROM provisions WHERE agency = ? AND batch_id = ? AND line = ? AND answer_token = ?"
)
_OF_PERSON = (
    "SELECT id, at, agency, affair, purpose, kind, municipality, items, outcome FROM provisions"
    " WHERE subject = ? AND at >= ? AND at < ? ORDER BY at, id"
)
_COUNTS = (
    "SELECT agency, affair, kind, outcome, count(*) FROM provisions"
    " WHERE at >= ? AND at < ? AND (? IS NULL OR agency = ?)"
    " GROUP BY agency, affair, kind, outcome ORDER BY agency, affair, kind, outcome"
)


class ProvisionsTable:
    """Provisions, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def add(self, provision: Provision, line: BatchLine | None = None) -> Recorded:
        """Add a row; a batch's line with the same content is the row that stands already."""
        # The subject is named as in the audit log, so that both can be read for one person.
        subject = self._keys.look_up(LookUp.AUDIT).token(provision.person.octets)
        where: tuple[bytes | None, int | None, bytes | None] = (None, None, None)
        if line is not None:
            token = self._keys.look_up(LookUp.CONTENT).token(
                b"answer", provision.person.octets, *_content(line)
            )
            where = (line.batch_id.bytes, line.line, token)
            standing = self._sql.execute(_LINE, (provision.agency, *where)).fetchone()
            if standing is not None:
                return Recorded(provision, as_number(standing[0]), subject, is_new=False)
        row = self._sql.execute(
            _INSERT,
            (
                to_micros(provision.at),
                provision.agency,
                provision.affair.text,
                provision.purpose,
                provision.kind,
                subject,
                str(provision.municipality),
                " ".join(provision.items),
                provision.outcome,
                *where,
            ),
        ).fetchone()
        if row is None:
            raise LookupError("no number was returned")
        return Recorded(provision, as_number(row[0]), subject, is_new=True)

    def of_person(
        self, person: PersonID, since: datetime, before: datetime
    ) -> list[tuple[int, Provision]]:
        """Return the rows of a person with their numbers, in the order of their time."""
        subject = self._keys.look_up(LookUp.AUDIT).token(person.octets)
        rows = self._sql.execute(
            _OF_PERSON, (subject, to_micros(since), to_micros(before))
        ).fetchall()
        return [(as_number(row[0]), _provision(person, row)) for row in rows]

    def forget_before(self, moment: datetime, limit: int) -> int:
        """Delete rows of earlier times, at most `limit`; return how many were there."""
        deleted = self._sql.execute(
            "DELETE FROM provisions WHERE id IN (SELECT id FROM provisions WHERE at < ? LIMIT ?)",
            (to_micros(moment), limit),
        )
        return deleted.rowcount

    def counts(self, since: datetime, before: datetime, agency: str | None) -> list[ProvisionCount]:
        """Count the rows of a time, by agency, affair, kind and outcome in this order."""
        rows = self._sql.execute(
            _COUNTS, (to_micros(since), to_micros(before), agency, agency)
        ).fetchall()
        return [
            ProvisionCount(
                agency=as_text(row[0]),
                affair=AffairCode(as_text(row[1])),
                kind=Kind(as_text(row[2])),
                outcome=as_text(row[3]),
                provisions=as_number(row[4]),
            )
            for row in rows
        ]


def _provision(person: PersonID, row: Row) -> Provision:
    return Provision(
        at=from_micros(as_number(row[1])),
        agency=as_text(row[2]),
        affair=AffairCode(as_text(row[3])),
        purpose=as_text(row[4]),
        kind=Kind(as_text(row[5])),
        person=person,
        municipality=MunicipalityCode(as_text(row[6])),
        items=tuple(map(Item, as_text(row[7]).split())),
        outcome=as_text(row[8]),
    )


def _content(line: BatchLine) -> tuple[bytes, bytes]:
    return to_micros(line.began_at).to_bytes(8, "big"), line.content
