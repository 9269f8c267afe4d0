"""Control events in the database, numbered from 1 without a gap as acts committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_center.areas.fleet.control import ControlEvent, ControlKind
from juki_center.areas.fleet.hotlist import KEY_OCTETS
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.sql import SQL, Row, as_number, as_octets, as_text, from_micros, to_micros

if TYPE_CHECKING:
    from datetime import datetime

_SELECT = "SELECT cursor, at, kind, subject, content FROM control_events"


class ControlTable:
    """Control events, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys
        self._has_news = False
        self._newest: int | None = None

    def begin(self) -> None:
        """Begin a transaction, or undo an act: what was read before counts no more."""
        self._newest = None

    def append(self, kind: ControlKind, subject: str, at: datetime, content: bytes = b"") -> int:
        """Append an event in the act's own transaction, and return its cursor."""
        cursor = self.newest() + 1
        self._sql.execute(
            "INSERT INTO control_events (cursor, at, kind, subject, content)"
            " VALUES (?, ?, ?, ?, ?)",
            (cursor, to_micros(at), kind.value, subject, content),
        )
        self._newest = cursor
        self._has_news = True
        return cursor

    def take_news(self) -> bool:
        """Say whether something was appended since the last time it was asked."""
        had, self._has_news = self._has_news, False
        return had

    def newest(self) -> int:
        """Return the cursor of the newest event; 0 where there was none ever."""
        # Every act asks, and within a transaction nobody else appends.
        if self._newest is None:
            self._newest = self._number("SELECT coalesce(max(cursor), 0) FROM control_events")
        return self._newest

    def oldest(self) -> int:
        """Return the cursor of the oldest event that is kept; 0 where none is."""
        return self._number("SELECT coalesce(min(cursor), 0) FROM control_events")

    def after(self, cursor: int, limit: int) -> list[ControlEvent]:
        """Return the events after a cursor, oldest first, at most `limit`."""
        rows = self._sql.execute(
            f"{_SELECT} WHERE cursor > ? ORDER BY cursor LIMIT ?", (cursor, limit)
        ).fetchall()
        return [_event(row) for row in rows]

    def forget_before(self, moment: datetime) -> int:
        """Delete what is older, but never the newest event; return how many.

        The newest row keeps the count: a cursor is never given twice.
        """
        return self._sql.execute(
            "DELETE FROM control_events WHERE cursor < coalesce("
            "(SELECT cursor FROM control_events WHERE at >= ? ORDER BY cursor LIMIT 1),"
            " (SELECT max(cursor) FROM control_events))",
            (to_micros(moment),),
        ).rowcount

    def hotlist_key(self) -> bytes:
        """Return the key of the hotlist's entries, made from one that is never replaced."""
        return self._keys.look_up(LookUp.CONTENT).token(b"hotlist")[:KEY_OCTETS]

    def _number(self, question: str) -> int:
        row = self._sql.execute(question).fetchone()
        return as_number(row[0]) if row else 0


def _event(row: Row) -> ControlEvent:
    return ControlEvent(
        cursor=as_number(row[0]),
        at=from_micros(as_number(row[1])),
        kind=ControlKind(as_text(row[2])),
        subject=as_text(row[3]),
        content=as_octets(row[4]),
    )
