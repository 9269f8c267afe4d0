"""Bring a database to the newest schema (alembic, run by the program itself)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool


def migrate(path: Path) -> None:
    """Apply to a SQLite file the steps that it does not have yet. Raises sqlite3.Error."""
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path), poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", "juki_center.storage:migrations")
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise error.orig or error from error
