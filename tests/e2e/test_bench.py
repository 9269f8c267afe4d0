"""The benchmark runs to its end and reports; whether goals are met is no question of a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.center_process import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_small_registers_are_measured_and_removed(tmp_path: Path) -> None:
    sizes = {"BENCH_SMALL": "40", "BENCH_RESIDENTS": "80", "BENCH_DIR": str(tmp_path)}
    sizes |= {"BENCH_SUSPENSIONS": "2", "BENCH_LEAVES": "300"}
    sizes |= {"BENCH_PAIRS": "1", "BENCH_SECONDS": "1"}

    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--json"],
        cwd=ROOT,
        env=os.environ | sizes,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )

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
    sizes = {"BENCH_SMALL": "0", "BENCH_RESIDENTS": "80", "BENCH_DIR": str(tmp_path)}

    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench"],
        cwd=ROOT,
        env=os.environ | sizes,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )

    assert ran.returncode not in {0, 3}
    assert "met" not in ran.stdout
