"""Connections to a SQLite file: what is set on each, and how a transaction is held on one."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from juki_center.errors import Reason, Refusal

logger = logging.getLogger(__name__)

_BUSY_MILLISECONDS = 2_000
_NO_ROOM = frozenset((sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE))


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection that may be used by any one thread. Raises sqlite3.Error."""
    sql = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "foreign_keys = ON",
        # Nothing that was open in memory may be left in a file: no temporary files, and what is
        # deleted is overwritten.
        "temp_store = MEMORY",
        "secure_delete = ON",
        f"query_only = {int(read_only)}",
    ):
        sql.execute(f"PRAGMA {pragma}")
    return sql


@contextmanager
def transaction(sql: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done inside, or nothing where it raises. Raises sqlite3.Error."""
    sql.execute("BEGIN IMMEDIATE")
    try:
        yield
        sql.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself where the disk was full.
        if sql.in_transaction:
            sql.execute("ROLLBACK")
        raise


@contextmanager
def savepoint(sql: sqlite3.Connection) -> Iterator[None]:
    """Undo what is done inside where it raises, and go on with the transaction."""
    sql.execute("SAVEPOINT act")
    try:
        yield
    except BaseException:
        if sql.in_transaction:
            sql.execute("ROLLBACK TO act")
            sql.execute("RELEASE act")
        raise
    sql.execute("RELEASE act")


@contextmanager
def unavailable_if_broken() -> Iterator[None]:
    """Raise Refusal(STORE_UNAVAILABLE) for what the database or the system raises inside."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        logger.warning("store cannot be used: %s", error_name(error))
        raise Refusal(Reason.STORE_UNAVAILABLE) from error


def is_full(error: Exception) -> bool:
    """Whether an error of SQLite says that the disk has no room left."""
    return getattr(error, "sqlite_errorcode", None) in _NO_ROOM


def error_name(error: Exception) -> str:
    """Return what an error is called; its text could show what a row holds."""
    return str(getattr(error, "sqlite_errorname", type(error).__name__))
