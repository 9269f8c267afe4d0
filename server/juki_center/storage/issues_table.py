"""Issued copies in the database, without personal data."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from juki_center.areas.copies.commands import Item, PrintState, RecallReason, Scope
from juki_center.areas.copies.issues import IssueRow
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

_SELECT = (
    "SELECT number, issued_at, terminal_uri, request_id, issuing, residence, by_card, scope,"
    " items, fee_yen, print_state, print_attempts, pdf_sha256, recalled_at, recall_reason, cursor"
    " FROM issues"
)
_INSERT = (
    "INSERT INTO issues (number, issued_at, terminal_uri, request_id, issuing, residence, by_card,"
    " scope, items, fee_yen, print_state, print_attempts, pdf_sha256, recalled_at, recall_reason,"
    " content_token, note_key_version, note)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class IssuesTable:
    """Issues, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def next_serial(self, issuing: MunicipalityCode, day: date) -> int:
        """Draw the next serial of an issuing municipality's day, from 1."""
        row = self._sql.execute(
            "INSERT INTO issue_serials (issuing, day, last) VALUES (?, ?, 1)"
            " ON CONFLICT (issuing, day) DO UPDATE"
            " SET last = issue_serials.last + 1 RETURNING last",
            (str(issuing), day.isoformat()),
        ).fetchone()
        if row is None:
            raise LookupError("no serial was returned")
        return as_number(row[0])

    def add(
        self,
        row: IssueRow,
        *,
        content_proof: bytes,
        counter_note: bytes,
        persons: Iterable[PersonID],
    ) -> None:
        """Enter an issue; its number and its request are new."""
        center_key = self._keys.center_key()
        self._sql.execute(
            _INSERT,
            (
                *_values(row),
                self._content_token(content_proof),
                center_key.version,
                center_key.key.seal(counter_note, note_owner(row.number)) if counter_note else None,
            ),
        )
        self._sql.executemany(
            "INSERT INTO issue_persons (number, person, issued_at) VALUES (?, ?, ?)",
            [(row.number, one.octets, to_micros(row.issued_at)) for one in persons],
        )

    def counter_note(self, number: str) -> bytes:
        """Open what the window stated; empty for an issue by card."""
        row = self._sql.execute(
            "SELECT note, note_key_version FROM issues WHERE number = ?", (number,)
        ).fetchone()
        if row is None or row[0] is None:
            return b""
        center_key = self._keys.center_key(as_number(row[1]))
        return center_key.key.open(as_octets(row[0]), note_owner(number))

    def by_number(self, number: str) -> IssueRow | None:
        """Return the issue with this number."""
        row = self._sql.execute(_SELECT + " WHERE number = ?", (number,)).fetchone()
        return None if row is None else _issue(row)

    def by_request(self, terminal_uri: str, request_id: UUID) -> IssueRow | None:
        """Return the issue that a terminal's request made."""
        row = self._sql.execute(
            _SELECT + " WHERE terminal_uri = ? AND request_id = ?",
            (terminal_uri, request_id.bytes),
        ).fetchone()
        return None if row is None else _issue(row)

    def of_persons(self, persons: Iterable[PersonID]) -> list[IssueRow]:
        """Return the issues that show one of these persons, as far as that is still known."""
        found = {
            as_text(row[0])
            for one in persons
            for row in self._sql.execute(
                "SELECT number FROM issue_persons WHERE person = ?", (one.octets,)
            ).fetchall()
        }
        rows = (self.by_number(number) for number in sorted(found))
        return [row for row in rows if row is not None]

    def forget_persons(self, number: str) -> None:
        """Forget whose entries an issue shows."""
        self._sql.execute("DELETE FROM issue_persons WHERE number = ?", (number,))

    def forget_persons_before(self, moment: datetime) -> None:
        """Forget whose entries the issues show that were made before a time."""
        self._sql.execute("DELETE FROM issue_persons WHERE issued_at < ?", (to_micros(moment),))

    def is_content(self, number: str, content_proof: bytes) -> bool:
        """Tell whether the issue's content had this proof."""
        row = self._sql.execute(
            "SELECT content_token FROM issues WHERE number = ?", (number,)
        ).fetchone()
        token = self._content_token(content_proof)
        return row is not None and hmac.compare_digest(as_octets(row[0]), token)

    def update_paper(self, row: IssueRow) -> None:
        """Write the print state, the attempts and the PDF's hash."""
        self._sql.execute(
            "UPDATE issues SET print_state = ?, print_attempts = ?, pdf_sha256 = ?"
            " WHERE number = ?",
            (row.print_state, row.print_attempts, row.pdf_sha256, row.number),
        )

    def update_recall(self, row: IssueRow) -> None:
        """Write the recall."""
        self._sql.execute(
            "UPDATE issues SET recalled_at = ?, recall_reason = ? WHERE number = ?",
            (_micros(row.recalled_at), row.recall_reason, row.number),
        )

    def page(
        self,
        *,
        issuing: MunicipalityCode | None,
        before: int | None,
        limit: int,
        unconfirmed_since: datetime | None,
    ) -> list[tuple[int, IssueRow]]:
        """Return issues with their cursors, newest first, older than the cursor `before`."""
        rows = self._sql.execute(
            _SELECT + " WHERE (? IS NULL OR issuing = ?)"
            " AND (? IS NULL OR cursor < ?)"
            " AND (? IS NULL OR (print_state = ? AND issued_at <= ?))"
            " ORDER BY cursor DESC LIMIT ?",
            (
                *(str(issuing) if issuing else None,) * 2,
                before,
                before,
                _micros(unconfirmed_since),
                PrintState.UNCONFIRMED,
                _micros(unconfirmed_since),
                limit,
            ),
        ).fetchall()
        return [(as_number(row[-1]), _issue(row)) for row in rows]

    def _content_token(self, content_proof: bytes) -> bytes:
        return self._keys.look_up(LookUp.CONTENT).token(b"copy", content_proof)


def note_owner(number: str) -> str:
    """Return what the note of an issue is sealed to."""
    return f"counter-note:{number}"


def _values(row: IssueRow) -> tuple[Value, ...]:
    return (
        row.number,
        to_micros(row.issued_at),
        row.terminal_uri,
        row.request_id.bytes,
        str(row.issuing),
        str(row.residence),
        int(row.by_card),
        row.scope,
        " ".join(row.items),
        row.fee_yen,
        row.print_state,
        row.print_attempts,
        row.pdf_sha256,
        _micros(row.recalled_at),
        row.recall_reason,
    )


def _issue(row: Row) -> IssueRow:
    return IssueRow(
        number=as_text(row[0]),
        issued_at=from_micros(as_number(row[1])),
        terminal_uri=as_text(row[2]),
        request_id=UUID(bytes=as_octets(row[3])),
        issuing=MunicipalityCode(as_text(row[4])),
        residence=MunicipalityCode(as_text(row[5])),
        by_card=bool(as_number(row[6])),
        scope=Scope(as_text(row[7])),
        items=tuple(Item(item) for item in as_text(row[8]).split()),
        fee_yen=as_number(row[9]),
        print_state=PrintState(as_text(row[10])),
        print_attempts=as_number(row[11]),
        pdf_sha256=None if row[12] is None else as_octets(row[12]),
        recalled_at=None if row[13] is None else from_micros(as_number(row[13])),
        recall_reason=None if row[14] is None else RecallReason(as_text(row[14])),
    )


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)
