"""A progress bar on standard error, for commands that take minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from types import TracebackType


class Pace:
    """Shows how far a command is; silent where standard error is no terminal."""

    def __init__(self, what: str, total: int, *, unit: str = "lines") -> None:
        self._unit = unit
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(what, total=total, rate="")
        self._is_shown = self._progress.console.is_terminal

    def __enter__(self) -> Pace:
        if self._is_shown:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_shown:
            self._progress.stop()

    def reached(self, done: int, lines: int) -> None:
        """Say how much is done of the total, and how many lines or rows that were in this run."""
        if self._is_shown:
            elapsed = self._progress.tasks[0].elapsed or 0.0
            rate = f"{lines:,} {self._unit}, {lines / max(elapsed, 0.1):,.0f}/s"
            self._progress.update(self._task, completed=done, rate=rate)
