"""Reports of terminals in the database: one row for each terminal."""

from __future__ import annotations

from juki_center.areas.fleet.reports import TerminalReport
from juki_center.storage.sql import SQL, Row, as_number, as_text, from_micros, to_micros


class TerminalReportsTable:
    """Reports of terminals, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def put(self, report: TerminalReport) -> None:
        """Keep a report in place of the terminal's earlier one."""
        made = report.hotlist_made_at
        self._sql.execute(
            "INSERT OR REPLACE INTO terminal_reports (uri, at, version, hotlist_cursor,"
            " hotlist_made_at, reader_ready, printer_ready) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                report.uri,
                to_micros(report.at),
                report.version,
                report.hotlist_cursor,
                None if made is None else to_micros(made),
                int(report.reader_ready),
                int(report.printer_ready),
            ),
        )

    def every(self) -> list[TerminalReport]:
        """Return the newest report of each terminal, by URI."""
        rows = self._sql.execute(
            "SELECT uri, at, version, hotlist_cursor, hotlist_made_at, reader_ready, printer_ready"
            " FROM terminal_reports ORDER BY uri"
        ).fetchall()
        return [_report(row) for row in rows]


def _report(row: Row) -> TerminalReport:
    return TerminalReport(
        uri=as_text(row[0]),
        at=from_micros(as_number(row[1])),
        version=as_text(row[2]),
        hotlist_cursor=as_number(row[3]),
        hotlist_made_at=None if row[4] is None else from_micros(as_number(row[4])),
        reader_ready=bool(as_number(row[5])),
        printer_ready=bool(as_number(row[6])),
    )
