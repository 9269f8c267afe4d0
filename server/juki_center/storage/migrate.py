"""Bring a database to the newest schema (alembic, run by the program itself)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_center.errors import StoreUnusable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

HEAD: Final = "0007"
"""The newest revision in `migrations/versions`."""


def migrate(path: Path) -> None:
    """Apply to a SQLite file the steps that it does not have yet.

    Raises sqlite3.Error, and StoreUnusable for a file that a newer build has made.
    """
    if is_behind(revision(path), path):
        _run(path, "upgrade", "head")


def is_behind(found: str | None, store: object) -> bool:
    """Tell whether a schema lacks steps. Raises StoreUnusable for one of a newer build."""
    if found is not None and found > HEAD:
        raise StoreUnusable(
            f"{store}: its schema {found} is newer than this build, which has {HEAD}"
        )
    return found != HEAD


def go_back(path: Path) -> str:
    """Take the newest step of a SQLite file back; return the revision that it has then.

    Raises StoreUnusable for a file that is not at this build's head, and sqlite3.Error.
    """
    check_newest(revision(path), path)
    _run(path, "downgrade", "-1")
    return revision(path) or ""


def check_newest(found: str | None, store: object) -> None:
    """Raise StoreUnusable for a schema that is not at this build's head."""
    if found != HEAD:
        raise StoreUnusable(f"{store}: its schema is {found}, not this build's {HEAD}")


def revision(path: Path) -> str | None:
    """Return the revision of a file, None where it has none yet."""
    with closing(sqlite3.connect(path)) as sql:
        table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        if sql.execute(table).fetchone() is None:
            return None
        row = sql.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])


def _run(path: Path, way: str, to: str) -> None:
    # alembic and SQLAlchemy take longer to import than a center takes to start; most starts find
    # the schema as it should be.
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path), poolclass=NullPool)
    run_steps(engine, way, to)


def run_steps(
    engine: Engine, way: str, to: str, first: Callable[[Connection], object] = lambda _: None
) -> None:
    """Run steps "upgrade" or "downgrade" in one transaction, after `first`.

    Raises what the database's driver raises.
    """
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "juki_center.storage:migrations")
    try:
        with engine.begin() as connection:
            first(connection)
            config.attributes["connection"] = connection
            ways = {"upgrade": command.upgrade, "downgrade": command.downgrade}
            ways[way](config, to)
    except DBAPIError as error:
        raise error.orig or error from error
