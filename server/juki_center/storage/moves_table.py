"""Moves, their persons, papers, corrections and alerts in the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Final

from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import (
    AlertKind,
    ArrivalPapers,
    Correction,
    Move,
    MoveAlert,
    MovePapers,
    Selection,
)
from juki_center.areas.moves.states import MemberState
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.storage import record_codec
from juki_center.storage.keyring import KeyRing
from juki_center.storage.move_columns import (
    COLUMN_COUNT,
    COLUMNS,
    MARKS,
    move_values,
    read_alert,
    read_member,
    read_move,
)
from juki_center.storage.moves_codec import (
    decode_arrival_papers,
    decode_move_papers,
    encode_arrival_papers,
    encode_move_papers,
)
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

_SELECT: Final = f"SELECT {COLUMNS}, cursor FROM moves"  # noqa: S608  # a constant
_NUMBERS_OF: Final = "SELECT number FROM move_members WHERE person = ?"
_OPEN_OF: Final = f"{_NUMBERS_OF} AND is_open = 1"
_LISTED: Final = {
    Selection.OUT_OPEN: "origin = ? AND ended_at IS NULL",
    Selection.OUT_ALL: "origin = ?",
    Selection.IN_OPEN: "transfer_to = ? AND ended_at IS NULL AND state = 'TRANSFERRED'",
    Selection.IN_DONE: "arrived_in = ? AND arrived_in IS NOT NULL",
    Selection.EXPECTED: "destination = ? AND ended_at IS NULL AND state = 'NOTIFIED'",
    Selection.LAPSED: "origin = ? AND ended_at IS NULL AND state = 'LAPSED'",
    Selection.MISSING: "origin = ? AND ended_at IS NULL AND missing_since IS NOT NULL",
}
_EXPECTS: Final = "kind IN ('EXPECTED', 'NO_LONGER_EXPECTED')"
_EXPECTATIONS: Final = (
    "SELECT municipality, kind, 0 AS waits, cursor AS place FROM move_alerts"  # noqa: S608
    f" WHERE number = ?1 AND {_EXPECTS} UNION ALL SELECT municipality, kind, 1, place"
    f" FROM queued_notices WHERE about = ?1 AND {_EXPECTS} ORDER BY waits, place"  # constants
)
_ALERT: Final = "SELECT id, municipality, number, kind, at, seen_at, cursor FROM move_alerts"


class MovesTable:
    """Moves, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def move(self, number: MoveNumber) -> Move | None:
        """Return the move with this number."""
        return self._one(f"{_SELECT} WHERE number = ?", number)

    def open_of_person(self, person: PersonID) -> Move | None:
        """Return the open move that names a person who is still to move."""
        return self._one(
            f"{_SELECT} WHERE number = ({_OPEN_OF})",
            person.octets,
        )

    def newest_of_person(self, person: PersonID) -> Move | None:
        """Return the move that named a person last, open or not."""
        return self._one(
            f"{_SELECT} WHERE number IN ({_NUMBERS_OF}) ORDER BY cursor DESC LIMIT 1",
            person.octets,
        )

    def newest_arrival_of(self, person: PersonID) -> Move | None:
        """Return the move by which a person has come to a register last."""
        return self._one(
            f"{_SELECT} WHERE number IN ({_NUMBERS_OF} AND arrived_version > 0)"
            " ORDER BY cursor DESC LIMIT 1",
            person.octets,
        )

    def away_on(self, day: date, persons: Collection[PersonID]) -> frozenset[PersonID]:
        """Return which of these persons were to move by a day and have not departed."""
        marks = ", ".join("?" * len(persons))
        rows = self._sql.execute(
            "SELECT o.person FROM move_members o JOIN moves m ON m.number = o.number"  # noqa: S608
            f" WHERE o.is_open = 1 AND o.person IN ({marks})"  # question marks
            " AND m.departed = 0 AND m.planned_on <= ?",
            (*(one.octets for one in persons), day.isoformat()),
        ).fetchall()
        return frozenset(PersonID(as_octets(row[0])) for row in rows)

    def has_written(self, person: PersonID, version: int) -> bool:
        """Tell whether a move made this version of a person's record."""
        row = self._sql.execute(
            "SELECT 1 FROM move_members WHERE person = ? AND ? IN (left_version, arrived_version)",
            (person.octets, version),
        ).fetchone()
        return row is not None

    def by_transfer(self, transfer_id: bytes) -> Move | None:
        """Return the move that a destination has claimed under this id."""
        return self._one(f"{_SELECT} WHERE transfer_id = ?", transfer_id)

    def add(self, move: Move, papers: MovePapers) -> None:
        """Enter a move; its number is new. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        key = self._keys.data_key(move.origin)
        sealed = key.key.seal(encode_move_papers(papers), move_owner(move.number))
        self._sql.execute(
            f"INSERT INTO moves ({COLUMNS}, key_version, sealed)"  # noqa: S608  # a constant
            f" VALUES ({MARKS}, ?, ?)",
            (*move_values(move), key.version, sealed),
        )
        self._add_members(move)

    def update(self, move: Move) -> None:
        """Write everything but number and origin; members that are left out are removed."""
        self._sql.execute(
            f"UPDATE moves SET ({COLUMNS}) = ({MARKS}) WHERE number = ?",  # noqa: S608  # a constant
            (*move_values(move), move.number),
        )
        self._sql.execute("DELETE FROM move_members WHERE number = ?", (move.number,))
        self._add_members(move)

    def papers(self, move: Move) -> MovePapers:
        """Open what the origin keeps. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        (row,) = self._sql.execute(
            "SELECT key_version, sealed FROM moves WHERE number = ?", (move.number,)
        ).fetchall()
        key = self._keys.data_key(move.origin, as_number(row[0])).key
        return decode_move_papers(key.open(as_octets(row[1]), move_owner(move.number)))

    def put_papers(self, move: Move, papers: MovePapers) -> None:
        """Write what the origin keeps. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        key = self._keys.data_key(move.origin)
        self._sql.execute(
            "UPDATE moves SET key_version = ?, sealed = ? WHERE number = ?",
            (
                key.version,
                key.key.seal(encode_move_papers(papers), move_owner(move.number)),
                move.number,
            ),
        )

    def arrival(self, move: Move) -> ArrivalPapers | None:
        """Open what the destination keeps; None before an arrival here.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        row = self._sql.execute(
            "SELECT municipality, key_version, sealed FROM move_arrivals WHERE number = ?",
            (move.number,),
        ).fetchone()
        if row is None:
            return None
        key = self._keys.data_key(MunicipalityCode(as_text(row[0])), as_number(row[1])).key
        return decode_arrival_papers(key.open(as_octets(row[2]), arrival_owner(move.number)))

    def put_arrival(self, move: Move, papers: ArrivalPapers) -> None:
        """Write what the destination keeps. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        if move.arrived_in is None:
            raise ValueError("the move has not arrived")
        key = self._keys.data_key(move.arrived_in)
        self._sql.execute(
            "INSERT INTO move_arrivals (number, municipality, key_version, sealed)"
            " VALUES (?, ?, ?, ?)",
            (
                move.number,
                str(move.arrived_in),
                key.version,
                key.key.seal(encode_arrival_papers(papers), arrival_owner(move.number)),
            ),
        )

    def corrections(self, move: Move) -> list[Correction]:
        """Open the corrections that wait, oldest first. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        rows = self._sql.execute(
            "SELECT person, municipality, sent_at, key_version, sealed FROM move_corrections"
            " WHERE number = ? ORDER BY sent_at, person",
            (move.number,),
        ).fetchall()
        return [self._correction(move.number, row) for row in rows]

    def put_correction(self, correction: Correction) -> None:
        """Keep a correction, in place of an earlier one of the same person.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        key = self._keys.data_key(correction.municipality)
        owner = correction_owner(correction.number, correction.person.octets)
        self._sql.execute(
            "INSERT OR REPLACE INTO move_corrections"
            " (number, person, municipality, sent_at, key_version, sealed)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                correction.number,
                correction.person.octets,
                str(correction.municipality),
                to_micros(correction.sent_at),
                key.version,
                key.key.seal(record_codec.encode(correction.record), owner),
            ),
        )

    def take_correction(self, number: MoveNumber, person: PersonID) -> None:
        """Remove a correction that was entered."""
        self._sql.execute(
            "DELETE FROM move_corrections WHERE number = ? AND person = ?", (number, person.octets)
        )

    def page(
        self, municipality: MunicipalityCode, selection: Selection, *, after: int, limit: int
    ) -> list[tuple[int, Move]]:
        """Return moves behind a cursor, oldest first."""
        rows = self._sql.execute(
            f"{_SELECT} WHERE {_LISTED[selection]} AND cursor > ? ORDER BY cursor LIMIT ?",
            (str(municipality), after, limit),
        ).fetchall()
        return [(as_number(row[COLUMN_COUNT]), self._move(row)) for row in rows]

    def departing(self, day: date, *, after: int, limit: int) -> list[tuple[int, Move]]:
        """Return open moves planned for `day` or earlier that have not departed."""
        due = "ended_at IS NULL AND departed = 0 AND planned_on <= ?"
        return self._due(due, day.isoformat(), after, limit)

    def overdue(self, day: date, *, after: int, limit: int) -> list[tuple[int, Move]]:
        """Return NOTIFIED moves whose last day lies before `day`."""
        return self._due("state = 'NOTIFIED' AND last_day < ?", day.isoformat(), after, limit)

    def stale(self, fetched_before: datetime, *, after: int, limit: int) -> list[tuple[int, Move]]:
        """Return TRANSFERRED moves that were fetched before a time."""
        due = "state = 'TRANSFERRED' AND fetched_at < ?"
        return self._due(due, to_micros(fetched_before), after, limit)

    def unarrived(self, day: date, *, after: int, limit: int) -> list[tuple[int, Move]]:
        """Return departed open moves, planned and notified before `day`, not yet told of."""
        due = (
            "ended_at IS NULL AND departed = 1 AND missing_since IS NULL AND planned_on < ?1"
            " AND notified_on < ?1 AND destination IS NOT NULL"
        )
        return self._due(due, day.isoformat(), after, limit)

    def add_alerts(self, alerts: Iterable[MoveAlert]) -> None:
        """Enter alerts; their ids are new."""
        for one in alerts:
            self._sql.execute(
                "INSERT INTO move_alerts (id, municipality, number, kind, at, seen_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    one.alert_id,
                    str(one.municipality),
                    one.number,
                    one.kind,
                    to_micros(one.at),
                    None if one.seen_at is None else to_micros(one.seen_at),
                ),
            )

    def alert(self, alert_id: bytes) -> MoveAlert | None:
        """Return an alert."""
        row = self._sql.execute(f"{_ALERT} WHERE id = ?", (alert_id,)).fetchone()
        return None if row is None else read_alert(row)

    def see_alert(self, alert_id: bytes, at: datetime) -> None:
        """Write when an alert was acknowledged."""
        self._sql.execute(
            "UPDATE move_alerts SET seen_at = ? WHERE id = ?", (to_micros(at), alert_id)
        )

    def expecting(self, number: MoveNumber) -> MunicipalityCode | None:
        """Return whom alerts have told to expect a move, and not yet to expect it no more."""
        # What still waits for an office stands behind what that office was told.
        rows = self._sql.execute(_EXPECTATIONS, (number,)).fetchall()
        last = {as_text(row[0]): as_text(row[1]) for row in rows}
        for office, kind in last.items():
            if kind == AlertKind.EXPECTED:
                return MunicipalityCode(office)
        return None

    def alerts(
        self, municipality: MunicipalityCode, *, with_seen: bool, after: int, limit: int
    ) -> list[tuple[int, MoveAlert]]:
        """Return a municipality's alerts behind a cursor, oldest first."""
        unseen = "" if with_seen else " AND seen_at IS NULL"
        rows = self._sql.execute(
            f"{_ALERT} WHERE municipality = ?{unseen} AND cursor > ? ORDER BY cursor LIMIT ?",
            (str(municipality), after, limit),
        ).fetchall()
        return [(as_number(row[6]), read_alert(row)) for row in rows]

    def _one(self, statement: str, parameter: Value) -> Move | None:
        row = self._sql.execute(statement, (parameter,)).fetchone()
        return None if row is None else self._move(row)

    def _due(self, due: str, value: Value, after: int, limit: int) -> list[tuple[int, Move]]:
        # The plus keeps SQLite from walking all moves by their cursors: what is due is little.
        rows = self._sql.execute(
            f"{_SELECT} WHERE {due} AND +cursor > ? ORDER BY +cursor LIMIT ?", (value, after, limit)
        ).fetchall()
        return [(as_number(row[COLUMN_COUNT]), self._move(row)) for row in rows]

    def _move(self, row: Row) -> Move:
        members = self._sql.execute(
            "SELECT person, state, left_version, arrived_version FROM move_members"
            " WHERE number = ? ORDER BY place",
            (row[0],),
        ).fetchall()
        return read_move(row, tuple(map(read_member, members)))

    def _add_members(self, move: Move) -> None:
        self._sql.executemany(
            "INSERT INTO move_members (number, place, person, state, is_open, left_version,"
            " arrived_version) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    move.number,
                    place,
                    one.person.octets,
                    one.state,
                    int(move.is_open and one.state is MemberState.MOVING),
                    one.left_version,
                    one.arrived_version,
                )
                for place, one in enumerate(move.members)
            ],
        )

    def _correction(self, number: MoveNumber, row: Row) -> Correction:
        person, municipality = as_octets(row[0]), MunicipalityCode(as_text(row[1]))
        key = self._keys.data_key(municipality, as_number(row[3])).key
        opened = key.open(as_octets(row[4]), correction_owner(number, person))
        record, _ = record_codec.decode(opened)
        return Correction(
            number, PersonID(person), municipality, from_micros(as_number(row[2])), record
        )


def move_owner(number: str) -> str:
    """Return what binds the origin's papers to their move."""
    return f"move/{number}"


def arrival_owner(number: str) -> str:
    """Return what binds the destination's papers to their move."""
    return f"move-arrival/{number}"


def correction_owner(number: str, person: bytes) -> str:
    """Return what binds a correction to its move and person."""
    return f"move-correction/{number}/{person.hex()}"
