"""The little that the tables need of a database connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

Value = str | bytes | int | None
Row = tuple[Value, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Rows(Protocol):
    """The rows of a statement, or how many it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Row | None: ...

    def fetchall(self) -> list[Row]: ...


class SQL(Protocol):
    """Runs one statement with `?` for its parameters, once or for each of many rows."""

    def execute(self, statement: str, parameters: Sequence[Value] = (), /) -> Rows: ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Value]], /) -> Rows: ...


def to_micros(moment: datetime) -> int:
    """Return microseconds since 1970-01-01T00:00Z."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Return the aware UTC time of so many microseconds since 1970-01-01T00:00Z."""
    return _EPOCH + timedelta(microseconds=micros)


def as_text(value: Value) -> str:
    """Return a column that holds text. Raises TypeError where the schema was not kept."""
    if not isinstance(value, str):
        raise TypeError(f"text expected, found {type(value).__name__}")
    return value


def as_octets(value: Value) -> bytes:
    """Return a column that holds bytes. Raises TypeError where the schema was not kept."""
    if not isinstance(value, bytes):
        raise TypeError(f"bytes expected, found {type(value).__name__}")
    return value


def as_number(value: Value) -> int:
    """Return a column that holds a whole number. Raises TypeError where the schema was not kept."""
    if not isinstance(value, int):
        raise TypeError(f"number expected, found {type(value).__name__}")
    return value
