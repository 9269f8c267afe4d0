"""The log as its rows lie in a store, read as they are: no key is needed, and nothing is believed.

Everything is read in one state, whatever a serving center commits in the meantime. A column of the
wrong kind is read as empty octets, so that its row is named and not stumbled over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from juki_audit.rows import Columns, Row
from juki_audit.tree import Frontier
from juki_center.errors import StoreUnusable
from juki_center.storage.faults import error_name
from juki_center.storage.sql import SQL, Value
from juki_center.storage.sql import Row as Found

_NOWHEN = -1
_BEFORE_ALL = -(2**63)
_AT_ONCE = 10_000
_ROWS = (
    "SELECT leaf_index, commitment, salt, content, at, issuing, residence FROM audit_leaves"
    " WHERE leaf_index > ? ORDER BY leaf_index LIMIT ?"
)
_NODES = (
    "SELECT node_index, hash FROM audit_nodes WHERE level = ? AND node_index > ?"
    " ORDER BY node_index LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class StoredLog:
    """The log over an open connection; every method raises what is in FAULTS."""

    sql: SQL
    keeps_tree: bool = True

    @property
    def size(self) -> int:
        """How many rows there are."""
        found = self._one("SELECT count(*) FROM audit_leaves")
        return found if isinstance(found, int) else 0

    def rows(self) -> Iterator[Row]:
        """Yield the rows by their index."""
        for found in self._in_order(_ROWS):
            index, commitment, salt, content, at, issuing, residence = found
            columns = Columns(
                at if isinstance(at, int) else _NOWHEN, _text(issuing), _text(residence)
            )
            yield Row(
                cast("int", index),
                _octets(commitment) or b"",
                _octets(salt),
                _octets(content),
                columns,
            )

    def nodes(self, level: int) -> Iterator[tuple[int, bytes]]:
        """Yield index and hash of the nodes of a level."""
        found = self._in_order(_NODES, level)
        return ((cast("int", index), _octets(one) or b"") for index, one in found)

    def _in_order(self, question: str, *about: int) -> Iterator[Found]:
        """Yield what a question finds, by its first column, in portions that memory holds."""
        # Whoever could write to a file may have put anything anywhere: it is read on behind that.
        last: Value = _BEFORE_ALL
        while found := self.sql.execute(question, (*about, last, _AT_ONCE)).fetchall():
            yield from found
            last = found[-1][0]

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a node; raises LookupError where it is not there."""
        found = self.sql.execute(
            "SELECT hash FROM audit_nodes WHERE level = ? AND node_index = ?", (level, index)
        ).fetchone()
        if found is None:
            raise LookupError(f"no node {index} at level {level}")
        return _octets(found[0]) or b""

    def row(self, index: int) -> Row | None:
        """Return one row."""
        found = self.sql.execute(
            "SELECT commitment, salt, content FROM audit_leaves WHERE leaf_index = ?", (index,)
        ).fetchone()
        if found is None:
            return None
        commitment, salt, content = found
        return Row(index, _octets(commitment) or b"", _octets(salt), _octets(content))

    def checkpoint(self) -> bytes:
        """Return the newest signed head; empty where there is none."""
        return _octets(self._one("SELECT checkpoint FROM audit_head")) or b""

    def cosigned(self) -> tuple[bytes, ...]:
        """Return the heads that witnesses have cosigned, each with the line of one of them."""
        if self._one("SELECT 1 FROM alembic_version WHERE version_num >= '0006'") is None:
            # A backup that an older build made.
            return ()
        found = self.sql.execute("SELECT note FROM cosignatures ORDER BY size DESC, witness")
        return tuple(_octets(note) or b"" for (note,) in found.fetchall())

    def frontier(self) -> Frontier | None:
        """Return the frontier; raises LogMalformed for what is none."""
        return Frontier.decode(_octets(self._one("SELECT frontier FROM audit_head")) or b"")

    def _one(self, statement: str) -> object:
        found = self.sql.execute(statement).fetchone()
        return None if found is None else found[0]


@contextmanager
def stored_log(store: Path) -> Iterator[StoredLog]:
    """Open the log of a store's file in one state; raises StoreUnusable for what is no store."""
    if not store.is_file():
        raise StoreUnusable(f"{store}: there is no store")
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as sql:
            sql.isolation_level = None
            sql.execute("BEGIN")
            sql.execute("SELECT count(*) FROM audit_head").fetchone()
            yield StoredLog(sql)
    except sqlite3.Error as error:
        raise StoreUnusable(f"{store}: {error_name(error)}") from error


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _octets(value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return b""
