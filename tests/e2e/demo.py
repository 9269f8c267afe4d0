"""`make demo`: the whole way played before a sceptic, ending in a table of claims and evidence.

It runs the end-to-end tests' own scenarios. What it leaves in out/demo can be tried by hand.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from juki_cardbox.sandbox import PcscSandbox, why_unavailable
from tests.e2e.scenarios import SCENARIOS, Scenario
from tests.e2e.stage import PcscSlots, Stage, VirtualSlots
from tests.support.center_process import ROOT, CenterProcess

FOLDER = ROOT / "out" / "demo"


@dataclass(frozen=True, slots=True)
class Shown:
    """A scenario that was played: what it claims, what was seen, what it took.

    `messages` passed between terminals and center, `apdus` are the commands to cards.
    """

    claim: str
    evidence: str
    seconds: float
    messages: int
    apdus: int
    ok: bool

    @property
    def took(self) -> str:
        """Time and traffic, in words."""
        return f"{self.seconds:.1f} s, {self.messages} messages, {self.apdus} APDUs"


def perform(stage: Stage, scenarios: Iterable[Scenario], console: Console) -> list[Shown]:
    """Play scenarios one after the other and tell of each; one that fails stops none."""
    played = []
    for number, scenario in enumerate(scenarios, start=1):
        console.print(f"[bold]{number:2}. {scenario.claim}[/bold]")
        console.print(f"    {(scenario.play.__doc__ or '').strip()}", style="dim")
        played.append(_play(stage, scenario))
        mark = (
            "[green]as it should be[/green]" if played[-1].ok else "[red]NOT as it should be[/red]"
        )
        console.print(f"    {mark}: {played[-1].evidence}\n    {played[-1].took}\n")
    return played


def _play(stage: Stage, scenario: Scenario) -> Shown:
    began, before = time.monotonic(), stage.counted.copy()
    try:
        evidence, ok = scenario.play(stage), True
    except Exception as error:  # whatever went wrong is this step's evidence
        evidence, ok = f"{type(error).__name__}: {error}"[:400], False
    took, passed = time.monotonic() - began, stage.counted - before
    return Shown(scenario.claim, evidence, took, passed["messages"], passed["apdus"], ok)


@contextmanager
def opened_stage(folder: Path, console: Console) -> Iterator[Stage]:
    """Bring up a center and a reader, of the kind that JUKI_READER asks for."""
    wanted = os.environ.get("JUKI_READER", "pcsc")
    lacking = None if wanted == "virtual" else why_unavailable()
    if lacking:
        console.print(f"No PC/SC here ({lacking}): the cards are in the terminal's own process.")
    with CenterProcess(folder) as center:
        console.print(f"center: ready on {center.address}, folder {_shown(folder)}\n")
        if wanted == "virtual" or lacking:
            yield Stage(folder, center, VirtualSlots())
            return
        with PcscSandbox(slots=1) as sandbox:
            yield Stage(folder, center, PcscSlots(sandbox), dict(sandbox.environment))


def report(kind: str, played: list[Shown], folder: Path, console: Console) -> bool:
    """Print the table and write report.json; say whether everything was as it should be."""
    table = Table("claim", "evidence", "time", title="What was claimed and what was seen")
    for shown in played:
        claim = shown.claim if shown.ok else f"[red]{shown.claim}[/red]"
        table.add_row(claim, shown.evidence, f"{shown.seconds:.1f} s")
    console.print(table)
    ok = bool(played) and all(shown.ok for shown in played)
    facts = {"schema": "juki/1", "command": "demo", "ok": ok, "reader": kind}
    facts["result"] = {"steps": [asdict(shown) for shown in played]}
    text = json.dumps(facts, ensure_ascii=False, indent=2)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    return ok


def main() -> int:
    """Play everything; return 0 only where everything was as it should be."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    shutil.rmtree(FOLDER, ignore_errors=True)
    began = time.monotonic()
    with opened_stage(FOLDER, console) as stage:
        played = perform(stage, SCENARIOS, console)
        ok = report(stage.slots.kind, played, FOLDER, console)
        console.print(f"the paper: {_shown(FOLDER / 'copy.pdf')}, {_shown(FOLDER / 'copy.png')}")
        console.print(f"all in {time.monotonic() - began:.0f} s")
        console.print(f"reader: {stage.slots.kind}")
    console.print("demo: ok" if ok else "demo: failed")
    return 0 if ok else 1


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
