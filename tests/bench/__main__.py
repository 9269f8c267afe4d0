"""`make bench`: what the center costs, measured on this machine, against its goals.

BENCH_RESIDENTS is the size of the large register (default 100,000; 1,000,000 is the full run),
BENCH_SMALL that of the small one; BENCH_SUSPENSIONS says how often a card is stopped (default 60),
BENCH_LEAVES how long the audit log is (default 1,000,000). Servers that are measured beside each
other take turns: BENCH_PAIRS turns each (default 5) of BENCH_SECONDS (default 3).
Everything lies in out/bench, or in BENCH_DIR, and is removed at the end, but for report.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from juki_center.rpc import tls13
from tests.bench.measuring import Part, machine
from tests.support.center_process import ROOT

MISSED = 3


def parts(folder: Path) -> Iterator[Callable[[], Iterator[Part]]]:
    """Return all parts of the benchmark; each gives its findings as they come."""
    from tests.bench import audit_log, confirmations, registers, suspensions

    sizes = [_size("BENCH_SMALL", 10_000), _size("BENCH_RESIDENTS", 100_000)]
    yield lambda: registers.measure(folder / "registers", sorted(sizes))
    yield lambda: audit_log.measure(folder / "log", _size("BENCH_LEAVES", 1_000_000))
    pairs, seconds = _size("BENCH_PAIRS", 5), _size("BENCH_SECONDS", 3)
    yield lambda: confirmations.measure(folder / "confirmations", pairs, seconds)
    yield lambda: suspensions.measure(folder / "suspensions", _size("BENCH_SUSPENSIONS", 60))


def main() -> int:
    """Measure everything; return 0 where every goal is met, else 3."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    tls13.settle()  # before anything imports gRPC
    folder = Path(os.environ.get("BENCH_DIR", ROOT / "out" / "bench"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    console = Console(highlight=False, stderr=as_json, width=None if sys.stdout.isatty() else 100)
    facts = machine()
    try:
        found = [_told(part, console) for measure in parts(folder) for part in measure()]
    finally:
        for part in folder.iterdir():
            shutil.rmtree(part)
    return _conclude(facts, found, folder, console, as_json=as_json)


def _told(part: Part, console: Console) -> Part:
    table = Table("what", "measured", title=part.title, title_justify="left")
    for figure in part.figures:
        table.add_row(figure.name, figure.shown)
    console.print(table)
    return part


def _conclude(
    facts: dict[str, str], found: list[Part], folder: Path, console: Console, *, as_json: bool
) -> int:
    goals = [goal for part in found for goal in part.goals]
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
