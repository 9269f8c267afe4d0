"""`batch`: a file of questions, a file of answers, and the sums over both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from juki_agency import answers
from juki_agency.batch import BatchFiles, BatchOutcome, run_batch
from juki_agency.batch_state import BatchOrder
from juki_agency.cli.tables import drawn
from juki_agency.cli.texts import Text
from juki_agency.patience import Patience
from juki_agency.question_file import QuestionFile
from juki_client.outcome import JSON, Language, Problem
from juki_client.report import Report, say

if TYPE_CHECKING:
    from juki_agency.cli.settings import Settings
    from juki_agency.questions import Item


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """What `batch` was called with."""

    source: Path
    out: Path
    affair: str
    items: tuple[Item, ...] = ()
    watch: bool = False
    patience_seconds: float = 60.0


def batch(settings: Settings, options: BatchOptions) -> Report:
    """Run a batch; raise Problem LINES_REFUSED where lines were refused, after all are done."""
    file = QuestionFile.examine(options.source)
    order = BatchOrder.of(file, options.affair, options.items, watch=options.watch)
    files = BatchFiles(file, options.out)
    patience = Patience(options.patience_seconds)
    with settings.center() as center, _progress(file.line_count) as tell:
        outcome = run_batch(center, files, order, patience, tell)
    if outcome.refused:
        if not settings.as_json:
            say(_table(outcome, settings.language))
        raise Problem("LINES_REFUSED", _metadata(outcome, options.out))
    return Report(_result(outcome, options.out), _table(outcome, settings.language))


@contextmanager
def _progress(line_count: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task("batch", total=line_count)
    with bar:
        yield lambda done: bar.update(task, completed=done)


def _result(outcome: BatchOutcome, out: Path) -> dict[str, JSON]:
    return {
        "batch_id": outcome.batch_id,
        "out": str(out),
        "lines": outcome.line_count,
        "counts": dict(outcome.counts),
        "refused": outcome.refused,
    }


def _metadata(outcome: BatchOutcome, out: Path) -> dict[str, str]:
    """Return the sums as metadata, whose values are texts."""
    counts = {name: str(count) for name, count in outcome.counts.items()}
    return {
        "refused": str(outcome.refused),
        "lines": str(outcome.line_count),
        **counts,
        "out": str(out),
    }


def _table(outcome: BatchOutcome, language: Language) -> str:
    """Draw the lines by outcome, and their sum."""
    table = Table(Text.OUTCOME.say(language), "", Text.LINES.say(language))
    for name in answers.OUTCOMES:
        if name in outcome.counts:
            label = answers.outcome_label(name, Language.JAPANESE)
            table.add_row(name, label, str(outcome.counts[name]))
    if outcome.refused:
        table.add_row("REFUSED", "エラー", str(outcome.refused))
    table.add_section()
    table.add_row(Text.SUM.say(language), "", str(outcome.line_count))
    return drawn(table)
