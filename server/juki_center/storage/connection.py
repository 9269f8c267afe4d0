"""Connections: what is set on one to a SQLite file, and how a transaction is held on any."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from juki_center.errors import Reason, Refusal
from juki_center.storage.faults import FAULTS, error_name
from juki_center.storage.sql import SQL

logger = logging.getLogger(__name__)

_BUSY_MILLISECONDS = 2_000


class Connection(SQL, Protocol):
    """A connection on which transactions are held, to a file or to a server."""

    @property
    def in_transaction(self) -> bool: ...

    @property
    def total_changes(self) -> int:
        """A number that is another one after every statement that has changed something."""

    def close(self) -> None: ...


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
def transaction(sql: Connection) -> Iterator[None]:
    """Commit what is done inside, or nothing where it raises. Raises what is in FAULTS."""
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
def savepoint(sql: Connection) -> Iterator[None]:
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
    except (*FAULTS, OSError) as error:
        logger.warning("store cannot be used: %s", error_name(error))
        raise Refusal(Reason.STORE_UNAVAILABLE) from error
