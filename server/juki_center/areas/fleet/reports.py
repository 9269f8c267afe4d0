"""What a terminal says of itself: the newest report of each, for operators; no personal data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TerminalReport:
    """A report. `hotlist_made_at` is None where the terminal has no hotlist."""

    uri: str
    at: datetime
    version: str
    hotlist_cursor: int
    hotlist_made_at: datetime | None
    reader_ready: bool
    printer_ready: bool


class TerminalReports(Protocol):
    """What the store keeps of reports."""

    def put(self, report: TerminalReport) -> None:
        """Keep a report in place of the terminal's earlier one."""

    def every(self) -> list[TerminalReport]:
        """Return the newest report of each terminal, by URI."""


class ReportTx(Protocol):
    """What taking a report needs of a transaction."""

    @property
    def terminal_reports(self) -> TerminalReports: ...


def take_report(tx: ReportTx, report: TerminalReport) -> None:
    """Act: keep a terminal's report of itself."""
    tx.terminal_reports.put(report)
