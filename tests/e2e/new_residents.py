"""Grown-up residents of Tokorozawa without any card, to be applied for one by one."""

from __future__ import annotations

import csv
from pathlib import Path

from juki_center.cli import main as center_main
from tests.e2e.shell import run_here

_MUNICIPALITY = "112089"


def enter_residents(folder: Path, count: int, seed: int = 5) -> list[str]:
    """Enter so many invented people at a center; return the codes of those born in Showa."""
    file = folder / f"new-residents-{seed}.csv"
    options = ("--count", str(count), "--seed", str(seed), "--municipality", _MUNICIPALITY)
    _center("residents", "generate", *options, "--out", str(file))
    _center("residents", "import", str(file), "--config", str(folder / "center.toml"))
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    file.unlink()
    return [row["code"] for row in rows if row["birth"].startswith("昭和") and not row["state"]]


def _center(*arguments: str) -> None:
    ended = run_here(center_main, arguments)
    if ended.exit_code:
        raise RuntimeError(ended.said)
