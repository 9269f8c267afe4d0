"""Scenarios, played one after the other and told: narration, a table, report.json, a last line.

`make demo` and `make tour` tell with these; what they play stands in their own modules.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, TypeVar

from rich.console import Console
from rich.table import Table

from tests.e2e.stage import Stage
from tests.support.center_process import ROOT

S = TypeVar("S", bound=Stage)


@dataclass(frozen=True, slots=True)
class Scenario(Generic[S]):
    """A claim and the function that shows it: evidence in a line, or AssertionError."""

    claim: str
    play: Callable[[S], str]

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.play.__name__


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


def perform(stage: S, scenarios: Iterable[Scenario[S]], console: Console) -> list[Shown]:
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


def _play(stage: S, scenario: Scenario[S]) -> Shown:
    began, before = time.monotonic(), stage.counted.copy()
    try:
        evidence, ok = scenario.play(stage), True
    except Exception as error:  # whatever went wrong is this step's evidence
        evidence, ok = f"{type(error).__name__}: {error}"[:400], False
    took, passed = time.monotonic() - began, stage.counted - before
    return Shown(scenario.claim, evidence, took, passed["messages"], passed["apdus"], ok)


def report(facts: Mapping[str, str], played: list[Shown], folder: Path, console: Console) -> bool:
    """Print the table and write report.json; say whether everything was as it should be.

    `facts` begin the report: the command, the reader.
    """
    table = Table("claim", "evidence", "time", title="What was claimed and what was seen")
    for shown in played:
        claim = shown.claim if shown.ok else f"[red]{shown.claim}[/red]"
        table.add_row(claim, shown.evidence, f"{shown.seconds:.1f} s")
    console.print(table)
    ok = bool(played) and all(shown.ok for shown in played)
    steps = [asdict(shown) for shown in played]
    told = {"schema": "juki/1", **facts, "ok": ok, "result": {"steps": steps}}
    text = json.dumps(told, ensure_ascii=False, indent=2)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    return ok


def new_console() -> Console:
    """Return a console as wide as the terminal, and wide enough where there is none."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def from_root(path: Path) -> str:
    """Return a path as one reads it from the project's root."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
