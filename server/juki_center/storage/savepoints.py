"""Savepoints that are said to a server as late as possible, together, or not at all.

Each act of a group has its own, so that a server would be asked twice an act for nothing but
that; the end of one and the beginning of the next are one question here.
"""

from __future__ import annotations

from typing import Final

from juki_center.storage.sql import Row


class Savepoints:
    """What was said of savepoints since a server was last asked anything else."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def takes(self, statement: str) -> bool:
        """Tell whether a statement need not be run now, because it waits or has become needless."""
        word, _, name = statement.rpartition(" ")
        match word:
            case "SAVEPOINT":
                self._waiting.append(statement)
                return True
            case "RELEASE":
                if self._has_just_begun(name):
                    self._waiting.pop()
                else:
                    self._waiting.append(statement)
                return True
            case "ROLLBACK TO":
                return self._has_just_begun(name)
            case _:
                return False

    def taken(self) -> str:
        """Return what waits as one text, and forget it."""
        waiting, self._waiting = "; ".join(self._waiting), []
        return waiting

    def _has_just_begun(self, name: str) -> bool:
        """Whether nothing was done since a savepoint."""
        return bool(self._waiting) and self._waiting[-1] == f"SAVEPOINT {name}"


class _Nothing:
    """The rows of a statement that has none."""

    rowcount = 0

    def fetchone(self) -> Row | None:
        """Return no row."""
        return None

    def fetchall(self) -> list[Row]:
        """Return no rows."""
        return []


NOTHING: Final = _Nothing()
