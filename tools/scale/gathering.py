"""A connection that keeps rows instead of inserting them, so that they can be loaded in bulk.

Tables write through it as they always do: sealing, tokens and columns are theirs. What they only
ask goes to the store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from juki_center.storage.sql import SQL, Row, Rows, Value

_INSERTION: Final = re.compile(r"INSERT INTO (\w+) \(([\w, ]+)\) VALUES \(([\w?, ]+)\)")


@dataclass(frozen=True, slots=True)
class _Insertion:
    """A statement that inserts one row: the table, its columns, and a number where no `?` is."""

    table: str
    columns: str
    numbers: tuple[int | None, ...]

    def row(self, given: Sequence[Value]) -> Row:
        if None not in self.numbers or len(given) == len(self.numbers):
            return tuple(given)
        values = iter(given)
        return tuple(next(values) if one is None else one for one in self.numbers)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Rows of tables, in the order of their first column, and the columns by table."""

    columns: Mapping[str, str]
    rows: Mapping[str, list[Row]] = field(repr=False)

    def load(self, sql: SQL, tables: Sequence[str]) -> None:
        """Insert the rows, table by table; one that refers to another stands behind it."""
        for table in tables:
            names = self.columns[table]
            places = ", ".join("?" * len(names.split(",")))
            sql.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({places})",  # noqa: S608  # the tables' own
                self.rows[table],
            )


class Gathering:
    """What a table takes for a connection."""

    def __init__(self, sql: SQL) -> None:
        """`sql` answers questions."""
        self._sql = sql
        self._columns: dict[str, str] = {}
        self._rows: dict[str, list[Row]] = {}

    def execute(self, statement: str, parameters: Sequence[Value] = (), /) -> Rows:
        """Keep a row, or ask."""
        insertion = _insertion(statement)
        if insertion is None:
            return self._sql.execute(statement, parameters)
        self._keep(insertion, parameters)
        return _ONE_ROW

    def executemany(self, statement: str, rows: Iterable[Sequence[Value]], /) -> Rows:
        """Keep many rows. Raises ValueError for a statement that does not insert."""
        insertion = _insertion(statement)
        if insertion is None:
            raise ValueError("only insertions can be gathered")
        for row in rows:
            self._keep(insertion, row)
        return _ONE_ROW

    def taken(self) -> Gathered:
        """Return what was kept, and keep it no longer."""
        rows, self._rows = self._rows, {}
        # Side by side in their index, so that a page is written once.
        for kept in rows.values():
            kept.sort(key=_first)
        return Gathered(dict(self._columns), rows)

    def _keep(self, insertion: _Insertion, given: Sequence[Value]) -> None:
        self._columns[insertion.table] = insertion.columns
        self._rows.setdefault(insertion.table, []).append(insertion.row(given))


class _OneRow:
    """What is said of an insertion that is only kept."""

    rowcount = 1

    def fetchone(self) -> Row | None:
        """Return nothing: insertions give no rows."""
        return None

    def fetchall(self) -> list[Row]:
        """Return nothing: insertions give no rows."""
        return []


_ONE_ROW: Final = _OneRow()


@lru_cache(maxsize=64)
def _insertion(statement: str) -> _Insertion | None:
    found = _INSERTION.match(statement)
    if found is None:
        return None
    table, columns, places = found.groups()
    numbers = tuple(None if one.strip() == "?" else int(one) for one in places.split(","))
    return _Insertion(table, columns, numbers)


def _first(row: Row) -> bytes:
    return row[0] if isinstance(row[0], bytes) else str(row[0]).encode()
