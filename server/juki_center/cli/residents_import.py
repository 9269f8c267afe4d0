"""`juki-center residents import`: a register file into the store, with progress and a report."""

from __future__ import annotations

import csv
import resource
import time
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from juki_center.areas.residents.imports import NOT_HOSTED, Importer, ImportMode, unmentioned
from juki_center.areas.residents.register_file import COLUMNS_OF_ENTRIES
from juki_center.cli import shipped
from juki_center.cli.clock import system_clock
from juki_center.cli.opening import open_with_key
from juki_center.cli.pace import Pace
from juki_center.cli.report import Failure, fail, report, said
from juki_center.errors import Reason, Refusal, RuleBroken
from juki_center.storage.import_run import Around, Order, run_import

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from juki_center.areas.residents.imports import Finding, Import
    from juki_center.cli.report import JSON
    from juki_center.config import CenterConfig

COMMAND: Final = "residents import"
_RULES_SAID: Final = 5
_REPORT_COLUMNS: Final = ("line", "outcome", "field", "rule", "missing_version")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says."""

    file: Path
    mode: ImportMode
    report: Path | None = None
    host: bool = False
    restart: bool = False


@dataclass(frozen=True, slots=True)
class _Measured:
    """What an import came to, and what it cost."""

    done: Import
    from_line: int
    seconds: float
    broken: Counter[str]

    @property
    def rate(self) -> int:
        """Lines a second of this run."""
        return int((self.done.line - self.from_line) / max(self.seconds, 0.001))

    @property
    def peak_mebibytes(self) -> int:
        """The most memory that the process ever held."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def import_file(config: CenterConfig, wanted: Wanted, *, as_json: bool) -> None:
    """Import, write the report, and say what came of it; leave with 3 for refused or held lines."""
    try:
        measured = _run(config, wanted)
    except RuleBroken as broken:
        problem = Failure(
            Reason.FILE_NOT_USABLE,
            f"{wanted.file}: {said(broken)}",
            "Correct the file, or export it again as CSV in UTF-8 with the columns of the manual.",
            metadata={"problem": broken.rule},
        )
        fail(COMMAND, problem, as_json=as_json)
    except Refusal as refusal:
        if refusal.reason is not Reason.IMPORT_NOT_THE_SAME:
            raise
        fail(COMMAND, _not_the_same(wanted), as_json=as_json)
    _conclude(measured, wanted, as_json=as_json)


def _run(config: CenterConfig, wanted: Wanted) -> _Measured:
    by = Importer(
        caller_uri=f"juki://center/{config.node}",
        may_host=shipped.municipalities() if wanted.host else None,
    )
    order = Order(wanted.file, wanted.mode, by, restart=wanted.restart)
    with (
        closing(open_with_key(config)) as store,
        closing(store.bulk()) as connection,
        Pace("importing", wanted.file.stat().st_size) as pace,
    ):
        began = time.monotonic()
        reached = _Reached(pace)
        done = run_import(connection, order, Around(system_clock, reached))
        seconds = time.monotonic() - began
        if wanted.report is not None:
            store.read(lambda tx: _write_report(wanted, done, tx.imports.findings(done.import_id)))
        broken = store.read(lambda tx: _broken_rules(tx.imports.findings(done.import_id)))
    return _Measured(done, reached.first or 1, seconds, broken)


class _Reached:
    """Shows how far the import is, and remembers behind which line this run began."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.first = 0

    def __call__(self, importing: Import) -> None:
        self.first = self.first or importing.line
        self._pace.reached(importing.offset, importing.line - self.first)


def _broken_rules(findings: Iterator[Finding]) -> Counter[str]:
    """Count the rules that lines break, with the column as far as one is to blame."""
    rules = ((_column(one), _kind(one.rule)) for one in findings if one.rule)
    return Counter(f"{column}: {rule}" if column else rule for column, rule in rules)


def _kind(rule: str) -> str:
    """Return a rule without code point and version, which would part one into many."""
    words = (one for one in rule.split() if not one.startswith(("U+", "HELD_VERSION_")))
    return " ".join(words)


def _column(finding: Finding) -> str:
    return COLUMNS_OF_ENTRIES.get(finding.field, finding.field)


def _write_report(wanted: Wanted, done: Import, findings: Iterator[Finding]) -> None:
    """Write what became of every line, in order; no word of a line is in it."""
    if wanted.report is None:
        return
    with wanted.report.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_REPORT_COLUMNS)
        outcome, rule = unmentioned(done)
        # Line 1 is the header.
        line = 2
        for one in findings:
            writer.writerows((number, outcome, "", rule, "") for number in range(line, one.line))
            missing = one.missing or ""
            writer.writerow((one.line, one.outcome, _column(one), one.rule, missing))
            line = one.line + 1
        writer.writerows((number, outcome, "", rule, "") for number in range(line, done.line + 1))


def _not_the_same(wanted: Wanted) -> Failure:
    return Failure(
        Reason.IMPORT_NOT_THE_SAME,
        f"{wanted.file}: an import of this file was cut off, and the file or the mode is another "
        "one now; or the file changed while it was read",
        "Put the file back as it was and import it to its end, or begin anew with --restart: what "
        "was applied already is found to be a duplicate.",
    )


def _conclude(measured: _Measured, wanted: Wanted, *, as_json: bool) -> None:
    done, totals = measured.done, measured.done.totals
    counts = {"lines": totals.lines, **asdict(totals)}
    cost = {"lines_per_second": measured.rate, "peak_rss_mib": measured.peak_mebibytes}
    said_counts = ", ".join(f"{count} {name}" for name, count in counts.items())
    said_cost = f"{measured.rate} lines a second, {measured.peak_mebibytes} MiB at most"
    if totals.refused or totals.held or measured.broken:
        rules = ", ".join(f"{n} {rule}" for rule, n in measured.broken.most_common(_RULES_SAID))
        facts = {name: str(number) for name, number in (counts | cost).items()}
        unlike = Failure(
            Reason.LINES_REFUSED,
            f"{said_counts}{'; most often ' if rules else ''}{rules}; {said_cost}",
            _remedy(measured, wanted),
            metadata={"import_id": done.import_id, **facts, "rules": rules},
        )
        fail(COMMAND, unlike, as_json=as_json)
    result: dict[str, JSON] = {"import_id": done.import_id, "mode": done.source.mode}
    result |= {**counts, **cost}
    report(COMMAND, result, [said_counts, said_cost], as_json=as_json)


def _remedy(measured: _Measured, wanted: Wanted) -> str:
    """Say what to do first: a register that does not exist refuses all of its lines."""
    if f"municipality: {NOT_HOSTED}" in measured.broken:
        return "Begin the registers that are not hosted yet: import the file again with --host."
    if wanted.report:
        return "Read the report, correct the lines and import them again."
    return "Import the file again with --report FILE: it says what is wrong with which line."
