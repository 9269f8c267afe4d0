"""Look into a store's file as a thief would: with nothing but SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def rows(path: Path, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a question, read on a connection of its own."""
    with closing(sqlite3.connect(path)) as sql:
        return sql.execute(statement, parameters).fetchall()


def number(path: Path, statement: str, *parameters: object) -> int:
    """Return the one number that a question is answered by."""
    ((found,),) = rows(path, statement, *parameters)
    return int(found)


def change(path: Path, statement: str, *parameters: object) -> None:
    """Change the file from outside."""
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.execute(statement, parameters)
