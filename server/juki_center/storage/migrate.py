"""Bring a database to the newest schema (alembic, run by the program itself)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from juki_center.errors import StoreUnusable

HEAD: Final = "0005"
"""The newest revision in `migrations/versions`."""


def migrate(path: Path) -> None:
    """Apply to a SQLite file the steps that it does not have yet.

    Raises sqlite3.Error, and StoreUnusable for a file that a newer build has made.
    """
    found = _revision(path)
    if found is not None and found > HEAD:
        raise StoreUnusable(
            f"{path}: its schema {found} is newer than this build, which has {HEAD}"
        )
    if found != HEAD:
        _upgrade(path)


def _revision(path: Path) -> str | None:
    """Return the revision of a file, None where it has none yet."""
    with closing(sqlite3.connect(path)) as sql:
        table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        if sql.execute(table).fetchone() is None:
            return None
        row = sql.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])


def _upgrade(path: Path) -> None:
    # alembic and SQLAlchemy take longer to import than a center takes to start; most starts find
    # the schema as it should be.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path), poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", "juki_center.storage:migrations")
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise error.orig or error from error
