"""Questions to a store's database from outside, as somebody with a database client would ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from juki_center.storage.center_store import CenterStore
from juki_center.storage.postgresql import PostgreSQLStore
from juki_center.storage.postgresql_connection import PostgreSQLConnection
from juki_center.storage.sql import SQL
from juki_center.storage.sqlite import SQLiteStore

Peekable = Path | CenterStore


@contextmanager
def peeking(place: Peekable) -> Iterator[SQL]:
    """Give a connection of its own to a file, or to where a store keeps what it has.

    What is done inside is committed at the end, without the writers' lock on a server, and by
    somebody whom the server's own rules about references do not stop.
    """
    if isinstance(place, PostgreSQLStore):
        with closing(PostgreSQLConnection(place.url)) as server:
            server.execute("SET session_replication_role = replica")
            yield server
        return
    path = place.path if isinstance(place, SQLiteStore) else place
    assert isinstance(path, Path)
    with closing(sqlite3.connect(path)) as sql, sql:
        yield sql


def rows(place: Peekable, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a question."""
    with peeking(place) as sql:
        return sql.execute(statement, parameters).fetchall()


def number(place: Peekable, statement: str, *parameters: object) -> int:
    """Return the one number that a question is answered by."""
    ((found,),) = rows(place, statement, *parameters)
    return int(found)


def change(place: Peekable, statement: str, *parameters: object) -> None:
    """Change the database from outside."""
    with peeking(place) as sql:
        sql.execute(statement, parameters)


def tables(sql: SQL) -> list[str]:
    """Return the names of all tables of a store."""
    question = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = 'public'::regnamespace"
        if isinstance(sql, PostgreSQLConnection)
        else "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return [name for (name,) in sql.execute(question).fetchall()]
