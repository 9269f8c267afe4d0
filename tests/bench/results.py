"""What was measured, kept in out/bench/goals.json, and the table of it in docs/performance.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from tests.bench.goals import GOALS
from tests.bench.measuring import Part
from tests.support.center_process import ROOT

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | float | None"
PAGE = ROOT / "docs" / "performance.md"
FILE = "goals.json"
PLACES = "where"
"""Under this name is kept what has no goal: where the CPU goes."""
_BEGIN, _END = "<!-- goals: begin -->", "<!-- goals: end -->"


class NothingMeasured(Exception):  # what is the case, and no defect
    """There are no results to be written down."""


def keep(folder: Path, facts: dict[str, str], parts: Sequence[Part]) -> None:
    """Put what was measured in the place of what was kept of the same goals."""
    kept = _kept(folder)
    for part in parts:
        figures = [f"{figure.name}: {figure.shown}" for figure in part.figures]
        if not part.goals:
            kept[PLACES] = {"title": part.title, "figures": figures, "machine": facts}
        for goal in part.goals:
            name = goal.name.partition(" ")[0]
            kept[name] = {
                **asdict(goal),
                "line": str(goal),
                "met": goal.is_met,
                "title": part.title,
                "figures": figures,
                "machine": facts,
            }
    text = json.dumps(kept, ensure_ascii=False, indent=1)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def write_page(folder: Path, page: Path = PAGE) -> None:
    """Write the results between the marks of the page. Raises NothingMeasured."""
    kept = _kept(folder)
    if not kept:
        raise NothingMeasured(f"{folder / FILE}: nothing was measured yet")
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    table = "\n".join(_table(kept))
    page.write_text(f"{before}{_BEGIN}\n\n{table}\n\n{_END}{after}", encoding="utf-8")


def _kept(folder: Path) -> dict[str, dict[str, JSON]]:
    path = folder / FILE
    if not path.exists():
        return {}
    found: dict[str, dict[str, JSON]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _table(kept: dict[str, dict[str, JSON]]) -> list[str]:
    """Return the table of the goals, the machines, and the figures behind each."""
    lines = ["| | what is compared | measured | goal | |", "|---|---|---|---|---|"]
    known = [name for name in GOALS if name in kept]
    for name in known:
        one = kept[name]
        verdict = "met" if one["met"] else "missed"
        numbers = [(one["number"], "≤", one["limit"])]
        beside = one["beside"]
        assert isinstance(beside, list)
        numbers += [(o["number"], "≥", o["limit"]) for o in beside if isinstance(o, dict)]
        measured = ", ".join(f"{float(str(number)):.2f}" for number, _, _ in numbers)
        goal = ", ".join(f"{sign} {limit}" for _, sign, limit in numbers)
        lines.append(f"| {name} | {GOALS[name]} | {measured} | {goal} | {verdict} |")
    told = [*known, PLACES] if PLACES in kept else known
    return [*lines, "", *_machines(kept, told), "", *_figures(kept, told)]


def _machines(kept: dict[str, dict[str, JSON]], known: list[str]) -> list[str]:
    told: dict[str, list[str]] = {}
    for name in known:
        machine = kept[name]["machine"]
        assert isinstance(machine, dict)
        told.setdefault("; ".join(f"{key}: {fact}" for key, fact in machine.items()), []).append(
            name
        )
    return [f"- {', '.join(names)}: {machine}" for machine, names in told.items()]


def _figures(kept: dict[str, dict[str, JSON]], known: list[str]) -> list[str]:
    lines = ["| figures behind the ratios | |", "|---|---|"]
    seen: list[JSON] = []
    for name in known:
        one = kept[name]
        if one["title"] in seen:
            continue
        seen.append(one["title"])
        lines.append(f"| **{one['title']}** | |")
        figures = one["figures"]
        assert isinstance(figures, list)
        for figure in figures:
            what, _, shown = str(figure).rpartition(": ")
            lines.append(f"| {what} | {shown} |")
    return lines
