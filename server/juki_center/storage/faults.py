"""What a database may raise, whichever it is: SQLite's own errors, and ours for PostgreSQL's.

Their texts quote rows; what is logged is `error_name` alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from juki_center.errors import StoreUnusable

_NO_ROOM: Final = frozenset((sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE))


class StoreFault(Exception):
    """A server has failed a statement; its state is the five characters of the norm (SQLSTATE)."""

    def __init__(self, state: str, name: str) -> None:
        super().__init__(f"{name} ({state})" if state else name)
        self.state = state
        self.name = name


class ConstraintBroken(StoreFault):
    """A row would break what the schema promises."""


class OutOfRoom(StoreFault):
    """The server has no room left on its disk."""


class InTheWay(StoreFault):
    """Another transaction was in the way; the same once more may succeed."""


class ConnectionLost(StoreFault):
    """The connection is gone, and with it the transaction: nothing of it was done."""


class Unreachable(StoreFault):
    """There is no connection, and no server that takes one: nothing was begun."""


class OutcomeUnknown(StoreFault):
    """The connection went during a commit, and nobody could be asked what became of it."""


BROKEN_CONSTRAINT: Final = (sqlite3.IntegrityError, ConstraintBroken)
FAULTS: Final = (sqlite3.Error, StoreFault)


def is_full(error: Exception) -> bool:
    """Whether an error says that the disk has no room left."""
    return isinstance(error, OutOfRoom) or getattr(error, "sqlite_errorcode", None) in _NO_ROOM


def error_name(error: Exception) -> str:
    """Return what an error is called; its text could show what a row holds."""
    if isinstance(error, StoreFault):
        return str(error)
    return str(getattr(error, "sqlite_errorname", type(error).__name__))


@contextmanager
def unusable_if_broken(name: str) -> Iterator[None]:
    """Raise StoreUnusable, naming the store, for what a server fails inside."""
    try:
        yield
    except StoreFault as fault:
        raise StoreUnusable(f"{name}: {fault}") from None
