"""Alerts in the database, the counts that lead to them, and how far the log was watched."""

from __future__ import annotations

from datetime import datetime

from juki_center.areas.alerts.rows import Alert, Tally
from juki_center.areas.alerts.rules import AlertKind
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_text,
    from_micros,
    to_micros,
)

_COLUMNS = "id, kind, at, actor, count, first, last, seen_at, seen_by"


class AlertsTable:
    """Alerts, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def watched(self) -> int:
        """Return how many leaves were watched."""
        row = self._sql.execute("SELECT size FROM alert_watch").fetchone()
        return as_number(row[0]) if row else 0

    def set_watched(self, size: int) -> None:
        """Say how many leaves were watched."""
        self._sql.execute("INSERT OR REPLACE INTO alert_watch (id, size) VALUES (0, ?)", (size,))

    def tally(self, kind: AlertKind, actor: str, window: int) -> Tally:
        """Return what was counted in a half window."""
        row = self._sql.execute(
            "SELECT count, first, is_told FROM alert_tallies"
            " WHERE kind = ? AND actor = ? AND window = ?",
            (kind, actor, window),
        ).fetchone()
        if row is None:
            return Tally()
        return Tally(as_number(row[0]), as_number(row[1]), is_told=bool(row[2]))

    def keep_tally(self, kind: AlertKind, actor: str, window: int, tally: Tally) -> None:
        """Keep what was counted in a half window."""
        self._sql.execute(
            "INSERT OR REPLACE INTO alert_tallies (kind, actor, window, count, first, is_told)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (kind, actor, window, tally.count, tally.first, int(tally.is_told)),
        )

    def forget_tallies(self, kind: AlertKind, before: int) -> None:
        """Forget the half windows of a kind before a number."""
        self._sql.execute("DELETE FROM alert_tallies WHERE kind = ? AND window < ?", (kind, before))

    def add(self, alert: Alert) -> None:
        """Keep a new alert."""
        self._sql.execute(
            "INSERT INTO alerts (id, kind, at, actor, count, first, last)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                alert.id,
                alert.kind,
                to_micros(alert.at),
                alert.actor,
                alert.count,
                alert.first,
                alert.last,
            ),
        )

    def alert(self, alert_id: str) -> Alert | None:
        """Return an alert."""
        row = self._sql.execute(
            f"SELECT {_COLUMNS} FROM alerts WHERE id = ?",  # noqa: S608  # names of ours alone
            (alert_id,),
        ).fetchone()
        return None if row is None else _alert(row)

    def newest(self, *, only_unseen: bool, limit: int) -> list[Alert]:
        """Return alerts, the newest first."""
        which = "WHERE seen_at IS NULL" if only_unseen else ""
        rows = self._sql.execute(
            f"SELECT {_COLUMNS} FROM alerts {which} ORDER BY cursor DESC LIMIT ?",  # noqa: S608
            (limit,),
        ).fetchall()
        return [_alert(row) for row in rows]

    def unseen(self) -> dict[AlertKind, int]:
        """Return how many alerts of each kind nobody has seen."""
        rows = self._sql.execute(
            "SELECT kind, count(*) FROM alerts WHERE seen_at IS NULL GROUP BY kind"
        ).fetchall()
        return {AlertKind(as_text(row[0])): as_number(row[1]) for row in rows}

    def see(self, alert_id: str, at: datetime, by: str) -> None:
        """Say that somebody has seen an alert."""
        self._sql.execute(
            "UPDATE alerts SET seen_at = ?, seen_by = ? WHERE id = ? AND seen_at IS NULL",
            (to_micros(at), by, alert_id),
        )


def _alert(row: Row) -> Alert:
    return Alert(
        id=as_text(row[0]),
        kind=AlertKind(as_text(row[1])),
        at=from_micros(as_number(row[2])),
        actor=as_text(row[3]),
        count=as_number(row[4]),
        first=as_number(row[5]),
        last=as_number(row[6]),
        seen_at=None if row[7] is None else from_micros(as_number(row[7])),
        seen_by=as_text(row[8]) if row[8] is not None else "",
    )
