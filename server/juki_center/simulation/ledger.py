"""Everything that the audit looks at, read from a store: rows as they are, records opened.

It is read once, in one transaction, by a connection that writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from juki_center.areas.cards.register import Card
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import Move
from juki_center.areas.residents.records import PersonID, Resident
from juki_center.errors import KeyUnusable
from juki_center.storage.connection import connect
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.sql import SQL, Row, as_number, as_octets, as_text
from juki_center.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A row of the directory."""

    municipality: str
    state: str
    version: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A change notice: its position, whose version it tells of."""

    position: int
    person: bytes
    version: int
    items: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a store holds.

    `directory` is by person; `versions` has every version of a person, the oldest first, unless one
    of them does not open, and the person is `closed`. `record_rows` are person, municipality,
    household and version of each newest record. `reasons_for_being_late` tells for each arrived
    move whether a reason was written down, `cards_continue` whether the law lets cards be used on
    after a move.
    """

    today: date
    directory: Mapping[bytes, list[Whereabouts]]
    record_rows: list[tuple[bytes, str, bytes, int]]
    versions: Mapping[bytes, list[Resident]]
    closed: list[bytes]
    cards: Mapping[bytes, list[Card]]
    open_applications: Mapping[bytes, int]
    notices: list[Notice]
    moves: list[Move]
    reasons_for_being_late: Mapping[str, bool]
    cards_continue: bool

    def newest(self, person: bytes) -> Resident | None:
        """Return the newest version of a person, where it opens."""
        versions = self.versions.get(person)
        return versions[-1] if versions else None


def read_ledger(
    path: Path, kek: KeyEncryptionKey, today: date, *, cards_continue: bool = False
) -> Ledger:
    """Read a store as it is on a day."""
    with closing(connect(path, read_only=True)) as sql:
        sql.execute("BEGIN")
        tx = Transaction(sql, kek)
        tx.forget_reads()
        directory, moves = _directory(sql), _moves(sql, tx)
        versions, closed = _versions(sql, tx, directory)
        return Ledger(
            today=today,
            directory=directory,
            record_rows=_record_rows(sql),
            versions=versions,
            closed=closed,
            cards=_cards(sql, tx),
            open_applications=_open_applications(sql),
            notices=_notices(tx),
            moves=moves,
            reasons_for_being_late=_reasons(tx, moves),
            cards_continue=cards_continue,
        )


def _directory(sql: SQL) -> dict[bytes, list[Whereabouts]]:
    found: dict[bytes, list[Whereabouts]] = defaultdict(list)
    for row in sql.execute("SELECT person, municipality, state, version FROM directory").fetchall():
        one = Whereabouts(as_text(row[1]), as_text(row[2]), as_number(row[3]))
        found[as_octets(row[0])].append(one)
    return found


def _record_rows(sql: SQL) -> list[tuple[bytes, str, bytes, int]]:
    rows = sql.execute("SELECT person, municipality, household, version FROM records").fetchall()
    return [(as_octets(r[0]), as_text(r[1]), as_octets(r[2]), as_number(r[3])) for r in rows]


def _versions(
    sql: SQL, tx: Transaction, directory: Iterable[bytes]
) -> tuple[dict[bytes, list[Resident]], list[bytes]]:
    """Return every version of everybody, in whichever book, and whose versions do not open."""
    earlier: dict[bytes, list[int]] = defaultdict(list)
    rows = sql.execute("SELECT person, version FROM record_history ORDER BY person, version")
    for row in rows.fetchall():
        earlier[as_octets(row[0])].append(as_number(row[1]))
    versions, closed = {}, []
    for person in directory:
        try:
            versions[person] = _opened(tx, PersonID(person), earlier[person])
        except (KeyUnusable, LookupError):
            closed.append(person)
    return versions, closed


def _opened(tx: Transaction, person: PersonID, earlier: list[int]) -> list[Resident]:
    kept = [tx.residents.version(person, number) for number in earlier]
    return [*kept, tx.residents.resident(person)]


def _cards(sql: SQL, tx: Transaction) -> dict[bytes, list[Card]]:
    persons: list[Row] = sql.execute("SELECT DISTINCT person FROM cards").fetchall()
    return {as_octets(row[0]): tx.cards.of_person(PersonID(as_octets(row[0]))) for row in persons}


def _open_applications(sql: SQL) -> dict[bytes, int]:
    rows = sql.execute(
        "SELECT person, count(*) FROM card_applications WHERE ended_at IS NULL GROUP BY person"
    ).fetchall()
    return {as_octets(row[0]): as_number(row[1]) for row in rows}


def _notices(tx: Transaction) -> list[Notice]:
    last = tx.changes.last_position()
    found = []
    for position in range(1, last + 1):
        one = tx.changes.at(position)
        items = frozenset(str(item) for item in one.items)
        found.append(Notice(position, one.person.octets, one.version, items))
    return found


def _moves(sql: SQL, tx: Transaction) -> list[Move]:
    numbers = sql.execute("SELECT number FROM moves ORDER BY cursor").fetchall()
    found = (tx.moves.move(MoveNumber(as_text(row[0]))) for row in numbers)
    return [one for one in found if one is not None]


def _reasons(tx: Transaction, moves: list[Move]) -> dict[str, bool]:
    arrived = ((one.number, tx.moves.arrival(one)) for one in moves if one.arrived_in is not None)
    return {number: bool(papers and papers.late_reason) for number, papers in arrived}
