"""`make bench`: what the center costs on this machine, as ratios G1 to G10, against its goals.

Programs that are compared run beside each other in one run and take turns. The last lines are one
for each goal and `bench: N/N met`; the exit code is 3 where a goal is missed. Variables:
BENCH_PAIRS (5) turns of each, of BENCH_SECONDS (2), BENCH_AT_ONCE (64) requests at once; G9 asks in
registers of BENCH_SMALL (10000) and BENCH_RESIDENTS (100000; 1000000 is the full run), G7 opens
portions of BENCH_STREAMS (100). --parts measures registers, the log and suspensions by themselves,
with BENCH_LEAVES (1000000) and BENCH_SUSPENSIONS (60). Everything lies in out/bench, or in
BENCH_DIR; what stays there is goals.json, report.json, and the registers in stores/.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from juki_center.rpc import tls13
from tests.bench import results
from tests.bench.effort import Effort
from tests.bench.goals import GOALS, Group, groups
from tests.bench.measuring import Goal, Part, machine
from tests.support.center_process import ROOT

MISSED = 3
USAGE = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    goals: tuple[str, ...]
    is_json: bool
    is_parts: bool
    is_docs: bool
    is_where: bool

    @classmethod
    def of(cls, arguments: list[str]) -> Asked:
        """Parse; ends the program for what is not understood."""
        told = "\n".join(f"  {name:4} {what}" for name, what in GOALS.items())
        parser = argparse.ArgumentParser(
            prog="python -m tests.bench",
            description=__doc__,
            epilog=f"goals:\n{told}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("goals", nargs="*", metavar="G", help="these alone, such as G3 G7")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--parts", action="store_true", help="the other parts, without G1-G10")
        where = "where the CPU of a confirmation goes; the run of all goals tells it too"
        parser.add_argument("--where", action="store_true", help=where)
        docs = "write what was measured last into docs/performance.md, and measure nothing"
        parser.add_argument("--write-docs", action="store_true", help=docs)
        found = parser.parse_args(arguments)
        unknown = [name for name in found.goals if name not in GOALS]
        if unknown:
            parser.error(f"not a goal: {', '.join(unknown)}")
        is_all = not found.goals and not found.where
        goals = tuple(GOALS) if is_all else tuple(found.goals)
        return cls(goals, found.json, found.parts, found.write_docs, found.where or is_all)


def main() -> int:
    """Measure; return 0 where every goal is met, 3 where one is missed."""
    asked = Asked.of(sys.argv[1:])
    folder = Path(os.environ.get("BENCH_DIR", ROOT / "out" / "bench"))
    if asked.is_docs:
        return _write_docs(folder)
    tls13.settle()  # before anything imports gRPC
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(
        highlight=False, stderr=asked.is_json, width=None if sys.stdout.isatty() else 100
    )
    chosen = _other_parts() if asked.is_parts else groups(asked.goals, has_places=asked.is_where)
    facts = machine()
    began = time.monotonic()
    found = list(_measured(chosen, folder, console))
    facts["took"] = f"{time.monotonic() - began:.0f} s"
    if not asked.is_parts:
        results.keep(folder, facts, found)
    goals = [g for part in found for g in part.goals if asked.is_parts or _is_of(g, asked.goals)]
    return _conclude(facts, found, goals, folder, console, as_json=asked.is_json)


def _write_docs(folder: Path) -> int:
    try:
        results.write_page(folder)
    except results.NothingMeasured as error:
        sys.stderr.write(f"bench: {error}\n")
        return USAGE
    return 0


def _other_parts() -> list[Group]:
    """Return what is measured beside the goals, on stores of its own."""
    from tests.bench import audit_log, registers, suspensions

    def filling(folder: Path, effort: Effort) -> Iterator[Part]:
        yield from registers.measure(folder, sorted((effort.small, effort.residents)))

    def log(folder: Path, _: Effort) -> Iterator[Part]:
        yield from audit_log.measure(folder, _size("BENCH_LEAVES", 1_000_000))

    def stopping(folder: Path, _: Effort) -> Iterator[Part]:
        yield from suspensions.measure(folder, _size("BENCH_SUSPENSIONS", 60))

    return [
        Group("registers", (), filling),
        Group("log", (), log),
        Group("suspensions", (), stopping),
    ]


def _measured(chosen: Iterable[Group], folder: Path, console: Console) -> Iterator[Part]:
    effort = Effort.of_environment()
    for group in chosen:
        own = folder / group.name
        shutil.rmtree(own, ignore_errors=True)
        try:
            for part in group.measure(own, effort):
                _tell(part, console)
                yield part
        finally:
            shutil.rmtree(own, ignore_errors=True)


def _tell(part: Part, console: Console) -> None:
    table = Table("what", "measured", title=part.title, title_justify="left")
    for figure in part.figures:
        table.add_row(figure.name, figure.shown)
    console.print(table)


def _is_of(goal: Goal, wanted: tuple[str, ...]) -> bool:
    return goal.name.partition(" ")[0] in wanted


def _conclude(
    facts: dict[str, str],
    found: list[Part],
    goals: list[Goal],
    folder: Path,
    console: Console,
    *,
    as_json: bool,
) -> int:
    met = sum(goal.is_met for goal in goals)
    result = {"machine": facts, "parts": [asdict(part) for part in found]}
    told = {"schema": "juki/1", "command": "bench", "ok": met == len(goals), "result": result}
    text = json.dumps(told, ensure_ascii=False, indent=2)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    for name, fact in facts.items():
        console.print(f"{name}: {fact}")
    for goal in goals:
        console.print(str(goal))
    if as_json:
        sys.stdout.write(text + "\n")
    console.print(f"bench: {met}/{len(goals)} met")
    return 0 if met == len(goals) else MISSED


def _size(name: str, default: int) -> int:
    return int(os.environ.get(name, default))


if __name__ == "__main__":
    sys.exit(main())
