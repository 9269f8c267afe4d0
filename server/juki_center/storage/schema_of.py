"""The schema of the store that a URL names: which it has, and the way back to the one before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from juki_center.errors import StoreUnusable
from juki_center.storage.faults import unusable_if_broken
from juki_center.storage.migrate import go_back, revision
from juki_center.store_url import file_of, is_server, shown


def revision_of(url: str) -> str | None:
    """Return the revision of a store. Raises StoreUnusable where there is no store."""
    if not is_server(url):
        return revision(_file(url))
    from juki_center.storage.postgresql_schema import server_revision  # noqa: PLC0415

    with unusable_if_broken(shown(url)):
        found = server_revision(url)
    if found is None:
        raise StoreUnusable(f"{shown(url)}: there is no store")
    return found


def step_back(url: str) -> str:
    """Take the newest step of a store back; return the revision that it has then.

    Raises StoreUnusable for a store that is not at this build's head.
    """
    if not is_server(url):
        return go_back(_file(url))
    from juki_center.storage.postgresql_schema import go_back_on_server  # noqa: PLC0415

    with unusable_if_broken(shown(url)):
        return go_back_on_server(url, shown(url))


def has_rows(url: str, table: str) -> bool:
    """Tell whether a table of a store has any row."""
    question = f"SELECT 1 FROM {table} LIMIT 1"  # noqa: S608  # a name of ours
    if not is_server(url):
        with closing(sqlite3.connect(_file(url))) as sql:
            return sql.execute(question).fetchone() is not None
    from juki_center.storage.postgresql_connection import PostgreSQLConnection  # noqa: PLC0415

    with unusable_if_broken(shown(url)), closing(PostgreSQLConnection(url)) as server:
        return server.execute(question).fetchone() is not None


def _file(url: str) -> Path:
    store = file_of(url)
    if not store.is_file():
        raise StoreUnusable(f"{store}: there is no store")
    return store
