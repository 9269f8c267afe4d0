"""A few facts about the store as a whole, such as what kind of center it belongs to."""

from __future__ import annotations

from juki_center.storage.sql import SQL, as_text


class FactsTable:
    """The facts, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def fact(self, name: str) -> str:
        """Return a fact; empty where nobody has said it."""
        row = self._sql.execute("SELECT value FROM store_facts WHERE name = ?", (name,)).fetchone()
        return as_text(row[0]) if row else ""

    def say(self, name: str, value: str) -> None:
        """Say a fact, in the place of what was said before."""
        self._sql.execute(
            "INSERT OR REPLACE INTO store_facts (name, value) VALUES (?, ?)", (name, value)
        )
