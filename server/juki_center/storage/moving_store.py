"""Moves what an embedded store holds into an empty database on a server, all of it or nothing.

Every row is read back and compared before the one commit at the end. The file is locked meanwhile
and set aside after it, so that no two centers go on from the same log.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import sql as composing

from juki_center.errors import StoreUnusable
from juki_center.storage import migrate
from juki_center.storage.faults import error_name, unusable_if_broken
from juki_center.storage.postgresql_connection import WRITERS_LOCK, adapted, fault_of
from juki_center.storage.postgresql_schema import migrate_server
from juki_center.storage.primary import PrimaryConnection, connected
from juki_center.store_url import shown

_AT_ONCE: Final = 5_000
_OIDS: Final = {"bigint": "int8", "bytea": "bytea", "text": "text"}

Server: TypeAlias = psycopg.Connection[tuple[Any, ...]]
Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table, as both stores have it."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    key: tuple[str, ...]
    counted: str | None
    """The column that the database numbers by itself."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: rows by table, a digest over all of them, and the size of the log."""

    rows: dict[str, int]
    digest: str
    leaves: int
    aside: Path


def move_store(path: Path, url: str, now: datetime, reached: Callable[[int], None]) -> Moved:
    """Move a file's content into an empty database; `reached` is told how many rows are there.

    Raises StoreUnusable where the file or the database cannot be used, where the database has
    rows, or where something that was read back is not what was written; nothing is moved then.
    """
    name = shown(url)
    if not path.is_file():
        raise StoreUnusable(f"{path}: there is no store")
    migrate.check_newest(migrate.revision(path), path)
    with unusable_if_broken(name):
        migrate_server(url, name)
    try:
        with closing(_locked(path)) as file, closing(connected(url)) as server:
            moved = _Move(file, server, name, reached).run()
            # Under the lock still: nobody can have written to it since it was read.
            return Moved(*moved, _set_aside(path, now))
    except sqlite3.Error as error:
        raise StoreUnusable(f"{path}: {error_name(error)}") from error
    except psycopg.Error as error:
        raise StoreUnusable(f"{name}: {fault_of(error)}") from None


class _Move:
    """One move, in one transaction of the server's."""

    def __init__(
        self,
        file: sqlite3.Connection,
        server: PrimaryConnection,
        name: str,
        reached: Callable[[int], None],
    ) -> None:
        self._file = file
        self._server = adapted(server)
        self._name = name
        self._reached = reached
        self._rows = 0

    def run(self) -> tuple[dict[str, int], str, int]:
        with self._server.transaction():
            self._server.execute(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
            tables = self._tables()
            self._check_empty(tables)
            counts = {one.name: self._copy(one) for one in tables}
            whole = hashlib.sha256()
            for one in sorted(tables, key=lambda table: table.name):
                whole.update(self._compared(one))
            self._check_head()
        return counts, whole.hexdigest(), counts["audit_leaves"]

    def _tables(self) -> list[Table]:
        """Return the tables so that each comes after those that it refers to."""
        known = {name: self._table(name) for (name,) in self._server.execute(_NAMES).fetchall()}
        refers: dict[str, set[str]] = {name: set() for name in known}
        for name, other in self._server.execute(_REFERENCES).fetchall():
            refers[name].add(other)
        ordered: list[Table] = []
        while refers:
            free = sorted(name for name, others in refers.items() if not others & refers.keys())
            ordered += [known[name] for name in free]
            for name in free:
                del refers[name]
        return ordered

    def _table(self, name: str) -> Table:
        found = self._server.execute(_COLUMNS, (name,)).fetchall()
        columns = tuple(column for column, _, _ in found)
        there = {row[1] for row in self._file.execute(f'PRAGMA table_info("{name}")')}
        if set(columns) - {"rowid"} != there - {"rowid"}:
            raise StoreUnusable(f"{self._name}: {name} has other columns than the file's")
        key = tuple(column for (column,) in self._server.execute(_KEY, (name,)).fetchall())
        counted = next((column for column, _, is_counted in found if is_counted == "YES"), None)
        types = tuple(_OIDS[kind] for _, kind, _ in found)
        # A table without a key is compared in the order in which its rows came.
        return Table(name, columns, types, key or ("rowid",), counted)

    def _check_empty(self, tables: list[Table]) -> None:
        self._server.execute(_HEAD_OF_NOTHING)
        for one in tables:
            question = composing.SQL("SELECT 1 FROM {} LIMIT 1").format(_quoted(one.name))
            if self._server.execute(question).fetchone():
                raise StoreUnusable(f"{self._name}: {one.name} has rows; name an empty database")

    def _copy(self, table: Table) -> int:
        rows = 0
        into = composing.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            _quoted(table.name), composing.SQL(", ").join(map(_quoted, table.columns))
        )
        with self._server.cursor() as cursor, cursor.copy(into) as copy:
            copy.set_types(table.types)
            for row in self._of_file(table):
                copy.write_row(row)
                rows += 1
                if rows % _AT_ONCE == 0:
                    self._reached(self._rows + rows)
        self._rows += rows
        self._count_on(table)
        return rows

    def _count_on(self, table: Table) -> None:
        """Let the database's own numbers go on behind those that were given, be they in use."""
        if table.counted is None:
            return
        highest = self._file.execute(_HIGHEST.format(table.counted, table.name)).fetchone()[0] or 0
        with_gaps = self._file.execute(_SEQUENCES).fetchone()
        if with_gaps:
            given = self._file.execute(_GIVEN, (table.name,)).fetchone()
            highest = max(highest, given[0] if given else 0)
        if highest:
            self._server.execute(_GO_ON, (table.name, table.counted, highest))

    def _compared(self, table: Table) -> bytes:
        """Return the digest of a table that is the same on both sides. Raises StoreUnusable."""
        digest = hashlib.sha256(table.name.encode())
        both = zip_longest(self._of_file(table), self._of_server(table))
        for number, (written, read) in enumerate(both):
            if _digest(written) != _digest(read):
                raise StoreUnusable(
                    f"{self._name}: row {number} of {table.name} came out otherwise"
                )
            digest.update(_digest(read))
        return digest.digest()

    def _check_head(self) -> None:
        question = "SELECT frontier, signed_size, checkpoint FROM audit_head"
        there = self._server.execute(question, binary=True).fetchone()
        if there != self._file.execute(question).fetchone():
            raise StoreUnusable(f"{self._name}: the head of the log came out otherwise")

    def _of_file(self, table: Table) -> Iterator[Row]:
        names, key = _listed(table.columns), _listed(table.key)
        rows = self._file.execute(f'SELECT {names} FROM "{table.name}" ORDER BY {key}')  # noqa: S608
        while found := rows.fetchmany(_AT_ONCE):
            yield from found

    def _of_server(self, table: Table) -> Iterator[Row]:
        question = composing.SQL("SELECT {} FROM {} ORDER BY {}").format(
            composing.SQL(", ").join(map(_quoted, table.columns)),
            _quoted(table.name),
            composing.SQL(", ").join(map(_quoted, table.key)),
        )
        with psycopg.RawServerCursor(self._server, "moved") as cursor:
            cursor.execute(question, binary=True)
            while found := cursor.fetchmany(_AT_ONCE):
                yield from found


_NAMES: Final = (
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
    " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
)
_REFERENCES: Final = (
    "SELECT a.relname, b.relname FROM pg_constraint c JOIN pg_class a ON a.oid = c.conrelid"
    " JOIN pg_class b ON b.oid = c.confrelid WHERE c.contype = 'f' AND a.oid <> b.oid"
    " AND NOT a.relispartition AND NOT b.relispartition"
)
_COLUMNS: Final = (
    "SELECT column_name, data_type, is_identity FROM information_schema.columns"
    " WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position"
)
_KEY: Final = (
    "SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k (number, place)"
    " JOIN pg_attribute a ON a.attnum = k.number WHERE i.indrelid = a.attrelid"
    " AND i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY k.place"
)
# The schema begins with a head over no leaf.
_HEAD_OF_NOTHING: Final = (
    "DELETE FROM audit_head WHERE signed_size = 0 AND NOT EXISTS (SELECT 1 FROM audit_leaves)"
)
_HIGHEST: Final = 'SELECT max({}) FROM "{}"'
_SEQUENCES: Final = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"
_GIVEN: Final = "SELECT seq FROM sqlite_sequence WHERE name = ?"
_GO_ON: Final = "SELECT setval(pg_get_serial_sequence($1, $2), $3)"


def _quoted(name: str) -> composing.Identifier:
    return composing.Identifier(name)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{one}"' for one in names)


def _digest(row: Row | None) -> bytes:
    """Return a digest of a row; its lengths keep two columns from passing for one."""
    parts = hashlib.sha256()
    for value in row or ():
        octets = value if isinstance(value, bytes) else repr(value).encode()
        parts.update(b"%s %d " % (type(value).__name__.encode(), len(octets)) + octets)
    return parts.digest() if row is not None else b""


def _locked(path: Path) -> sqlite3.Connection:
    """Open a file so that nobody else can write to it, and nothing of it is left elsewhere."""
    file = sqlite3.connect(path, isolation_level=None, timeout=0)
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.execute("BEGIN IMMEDIATE")
    return file


def _set_aside(path: Path, now: datetime) -> Path:
    aside = path.with_name(f"{path.name}.moved-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    path.rename(aside)
    return aside
