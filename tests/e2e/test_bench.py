"""The benchmark runs to its end and reports; whether goals are met is no question of a test."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.center_process import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TINY = {
    "BENCH_PAIRS": "1",
    "BENCH_SECONDS": "1",
    "BENCH_AT_ONCE": "3",
    "BENCH_STREAMS": "4",
    "BENCH_SMALL": "40",
    "BENCH_RESIDENTS": "80",
}
LINE = re.compile(
    r"(G\d+) ratio=(-?\d+\.\d\d) goal<=[\d.]+( \w+=\d+\.\d\d goal>=\d+)* (met|missed)"
)


def bench(folder: Path, *arguments: str, **sizes: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark with few turns of few people."""
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *arguments],
        cwd=ROOT,
        env=os.environ | TINY | {"BENCH_DIR": str(folder)} | sizes,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@pytest.mark.parametrize(
    "goals",
    [("G1", "G2"), ("G3", "G4"), ("G5",), ("G6",), ("G7",), ("G8",), ("G9",), ("G10",)],
    ids="-".join,
)
def test_goals_are_measured_and_each_has_its_line(goals: tuple[str, ...], tmp_path: Path) -> None:
    ran = bench(tmp_path, *goals)

    assert ran.returncode in {0, 3}, ran.stderr
    lines = ran.stdout.splitlines()
    found = [LINE.fullmatch(line) for line in lines[-1 - len(goals) : -1]]
    assert tuple(one.group(1) for one in found if one) == goals
    met = sum(one.group(4) == "met" for one in found if one)
    assert lines[-1] == f"bench: {met}/{len(goals)} met"
    assert ran.returncode == (0 if met == len(goals) else 3)
    kept = json.loads((tmp_path / "goals.json").read_text(encoding="utf-8"))
    assert set(goals) <= set(kept)
    assert {path.name for path in tmp_path.iterdir()} <= {"goals.json", "report.json", "stores"}


def test_the_places_of_the_cpu_are_told(tmp_path: Path) -> None:
    ran = bench(tmp_path, "--where")

    assert ran.returncode == 0, ran.stderr
    places = json.loads((tmp_path / "goals.json").read_text(encoding="utf-8"))["where"]["figures"]
    assert any(one.startswith("juki_center/") for one in places)
    assert any(one.startswith("threads that run no Python") for one in places)
    assert all(re.search(r": \d+ µs, \d+\.\d%$", one) for one in places)


def test_the_parts_are_measured_and_removed(tmp_path: Path) -> None:
    ran = bench(tmp_path, "--parts", "--json", BENCH_SUSPENSIONS="2", BENCH_LEAVES="300")

    assert ran.returncode in {0, 3}, ran.stderr
    told = json.loads(ran.stdout)
    assert told["command"] == "bench"
    assert told["result"]["machine"]["date"]
    names = {figure["name"] for part in told["result"]["parts"] for figure in part["figures"]}
    assert {"imported, lines a second", "by code, 80 residents, p99"} <= names
    assert "CPU of a leaf appended, 13 in a commit" in names
    assert "terminal refuses after the command, p99" in names
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == told


def test_a_benchmark_that_cannot_run_says_so(tmp_path: Path) -> None:
    ran = bench(tmp_path, "G9", BENCH_SMALL="0")

    assert ran.returncode not in {0, 3}
    assert "met" not in ran.stdout


def test_a_goal_that_is_none_is_refused(tmp_path: Path) -> None:
    ran = bench(tmp_path, "G11")

    assert ran.returncode == 2
    assert "not a goal: G11" in ran.stderr
