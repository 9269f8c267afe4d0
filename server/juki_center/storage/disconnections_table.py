"""Who is cut off, in the database: one row for each subject, found by its primary key."""

from __future__ import annotations

from collections.abc import Iterable

from juki_center.areas.cards.batches import CardBatch
from juki_center.areas.fleet.disconnections import Disconnection, Level, Scope, Subject
from juki_center.storage.card_batches import CutOffCards
from juki_center.storage.sql import SQL, Row, as_number, as_text, from_micros, to_micros

_SELECT = "SELECT scope, name, level, reason, at, by_whom FROM disconnections"
_OF = _SELECT + " WHERE scope = ? AND name = ?"
_EVERY = _SELECT + " ORDER BY at, scope, name"
_PUT = (
    "INSERT OR REPLACE INTO disconnections (scope, name, level, reason, at, by_whom)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)


class DisconnectionsTable:
    """Disconnections, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def of(self, subject: Subject) -> Disconnection | None:
        """Return the disconnection of exactly this subject."""
        row = self._sql.execute(_OF, (subject.scope, subject.name)).fetchone()
        return None if row is None else _decoded(row)

    def first_of(self, subjects: Iterable[Subject]) -> Subject | None:
        """Return one of these subjects that is cut off, where there is one."""
        # Mostly nobody is cut off, and every act asks.
        if self._sql.execute("SELECT 1 FROM disconnections LIMIT 1").fetchone() is None:
            return None
        return next((one for one in subjects if self.of(one) is not None), None)

    def card_batches(self) -> list[CardBatch]:
        """Return the batches of cards that are cut off."""
        return CutOffCards(self._sql).batches()

    def every(self) -> list[Disconnection]:
        """Return all of them, the oldest first."""
        rows = self._sql.execute(_EVERY).fetchall()
        return [_decoded(row) for row in rows]

    def put(self, disconnection: Disconnection) -> None:
        """Keep one, in place of an earlier one of the same subject."""
        self._sql.execute(
            _PUT,
            (
                disconnection.subject.scope,
                disconnection.subject.name,
                int(disconnection.level),
                disconnection.reason,
                to_micros(disconnection.at),
                disconnection.by,
            ),
        )

    def remove(self, subject: Subject) -> None:
        """Keep it no longer."""
        self._sql.execute(
            "DELETE FROM disconnections WHERE scope = ? AND name = ?", (subject.scope, subject.name)
        )


def _decoded(row: Row) -> Disconnection:
    return Disconnection(
        subject=Subject(Scope(as_text(row[0])), as_text(row[1])),
        level=Level(as_number(row[2])),
        reason=as_text(row[3]),
        at=from_micros(as_number(row[4])),
        by=as_text(row[5]),
    )
