"""The log of provisions in the database: persons by keyed hash, nothing of their entries.

Rows are numbered as they come and written together: before any are read, and at the latest at the
end of the transaction. Nobody else writes meanwhile, so that the numbers follow the newest row's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from juki_center.areas.agencies.commands import AffairCode, Kind
from juki_center.areas.agencies.provisions import (
    LineAnswer,
    Provision,
    ProvisionCount,
    Recorded,
)
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.storage.keyring import KeyRing, LookUp
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

_ADD = (
    "INSERT INTO provisions (id, at, agency, affair, purpose, kind, subject, municipality, items,"
    " outcome, batch_id, line, answer_token) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_NEWEST = "SELECT coalesce(max(id), 0) FROM provisions"
_NO_LINE = (None, None, None)
_STANDING = (
    "SELECT line, answer_token, id FROM provisions"
    " WHERE agency = ? AND batch_id = ? AND line BETWEEN ? AND ?"
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
        self._newest: int | None = None
        self._waiting: list[tuple[Value, ...]] = []

    def begin(self) -> None:
        """Begin a transaction: what waited in an earlier one was undone."""
        self.back_to(0)

    def mark(self) -> int:
        """Return the present state, for `back_to`."""
        return len(self._waiting)

    def back_to(self, mark: int) -> None:
        """Forget what came after a mark: it was undone."""
        del self._waiting[mark:]
        self._newest = None

    def write(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._sql.executemany(_ADD, self._waiting)
            self._waiting.clear()

    def add(self, provision: Provision) -> Recorded:
        """Add a row."""
        subject = self._subject(provision.person)
        number = self._put(provision, subject, _NO_LINE)
        return Recorded(provision, number, subject, is_new=True)

    def add_lines(
        self, batch_id: UUID, began_at: datetime, answers: Mapping[int, LineAnswer]
    ) -> dict[int, Recorded]:
        """Add a row for each line of one agency's batch, by its number.

        A line with the same content is the row that stands already; one statement reads what
        stands.
        """
        if not answers:
            return {}
        standing = self._standing(batch_id, answers)
        recorded: dict[int, Recorded] = {}
        for line, one in answers.items():
            token = self._answer_token(one, began_at)
            subject = self._subject(one.provision.person)
            number = standing.get((line, token))
            if number is None:
                place = (batch_id.bytes, line, token)
                new = self._put(one.provision, subject, place)
                recorded[line] = Recorded(one.provision, new, subject, is_new=True)
            else:
                recorded[line] = Recorded(one.provision, number, subject, is_new=False)
        return recorded

    def of_person(
        self, person: PersonID, since: datetime, before: datetime
    ) -> list[tuple[int, Provision]]:
        """Return the rows of a person with their numbers, in the order of their time."""
        self.write()
        subject = self._subject(person)
        rows = self._sql.execute(
            _OF_PERSON, (subject, to_micros(since), to_micros(before))
        ).fetchall()
        return [(as_number(row[0]), _provision(person, row)) for row in rows]

    def forget_before(self, moment: datetime, limit: int) -> int:
        """Delete rows of earlier times, at most `limit`; return how many were there."""
        self.write()
        deleted = self._sql.execute(
            "DELETE FROM provisions WHERE id IN (SELECT id FROM provisions WHERE at < ? LIMIT ?)",
            (to_micros(moment), limit),
        )
        return deleted.rowcount

    def counts(self, since: datetime, before: datetime, agency: str | None) -> list[ProvisionCount]:
        """Count the rows of a time, by agency, affair, kind and outcome in this order."""
        self.write()
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

    def _put(
        self, provision: Provision, subject: bytes, place: tuple[bytes | int | None, ...]
    ) -> int:
        """Let a row wait, and return its number."""
        if self._newest is None:
            row = self._sql.execute(_NEWEST).fetchone()
            self._newest = (as_number(row[0]) if row else 0) + len(self._waiting)
        self._newest += 1
        self._waiting.append((self._newest, *_columns(provision, subject), *place))
        return self._newest

    def _subject(self, person: PersonID) -> bytes:
        # Named as in the audit log, so that both can be read for one person.
        return self._keys.look_up(LookUp.AUDIT).token(person.octets)

    def _answer_token(self, answer: LineAnswer, began_at: datetime) -> bytes:
        began = to_micros(began_at).to_bytes(8, "big")
        key = self._keys.look_up(LookUp.CONTENT)
        return key.token(b"answer", answer.provision.person.octets, began, answer.content)

    def _standing(
        self, batch_id: UUID, answers: Mapping[int, LineAnswer]
    ) -> dict[tuple[int, bytes], int]:
        """Return the numbers of the rows that lines from the first to the last have already."""
        self.write()
        agency = next(iter(answers.values())).provision.agency
        which = (agency, batch_id.bytes, min(answers), max(answers))
        return {
            (as_number(row[0]), as_octets(row[1])): as_number(row[2])
            for row in self._sql.execute(_STANDING, which).fetchall()
        }


def _columns(provision: Provision, subject: bytes) -> tuple[Value, ...]:
    return (
        to_micros(provision.at),
        provision.agency,
        provision.affair.text,
        provision.purpose,
        provision.kind,
        subject,
        provision.municipality.digits,
        " ".join(provision.items),
        provision.outcome,
    )


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
