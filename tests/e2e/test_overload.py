"""A flood of broad searches at a real center, with look-ups by code beside it."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from juki_load.cli import app
from juki_load.measure import result as results
from juki_load.measure.record import KindRecord
from tests.support.center_process import CenterProcess

pytestmark = pytest.mark.e2e

DEADLINE_SECONDS: Final = 10.0
PLACES: Final = 8
CALM: Final = """
name = "calm"
seconds = 6
warm_up_seconds = 1

[[calls]]
kind = "confirm"
rate = 15
"""
FLOOD: Final = f"""
{CALM.replace("calm", "flood")}

[[calls]]
kind = "search"
rate = 150
"""


def load(*arguments: str) -> None:
    done = CliRunner().invoke(app, ["--json", "--lang", "en", *arguments])
    assert done.exit_code in (0, 3), done.stdout
    assert json.loads(done.stdout)["ok"] or done.exit_code == 3


def run(center: CenterProcess, people: Path, scenario: str, folder: Path) -> dict[str, KindRecord]:
    file, out = folder / "scenario.toml", folder / "result.json"
    file.write_text(scenario)
    status = f"127.0.0.1:{center.http_port}"
    where = ("--center", center.address, "--from", str(people), "--status", status)
    load("run", str(file), *where, "--out", str(out))
    return results.load(out).kinds


def furnished(center: CenterProcess, people: Path) -> None:
    pki, config = str(center.folder / "pki"), str(center.folder / "center.toml")
    counts = ("--terminals", "2", "--cards", "2", "--residents", "60", "--agencies", "2")
    load("prepare", str(people), "--center-pki", pki, *counts)
    load("enter", "--from", str(people), "--center-config", config)


def refused(center: CenterProcess, load_class: str) -> int:
    page = f"http://127.0.0.1:{center.http_port}/metrics"
    with urllib.request.urlopen(page, timeout=5) as answer:
        text = answer.read().decode()
    found = re.search(rf'juki_overload_refused_total{{class="{load_class}"}} (\S+)', text)
    assert found is not None
    return int(float(found[1]))


def test_case_44_no_look_up_is_late_and_every_search_is_answered_or_told_to_come_back(
    tmp_path: Path,
) -> None:
    """Case 44: a center with few places, so that a small flood is a flood on any machine."""
    with CenterProcess(tmp_path / "center", with_clerks=False) as center:
        center.stop()
        with (center.folder / "center.toml").open("a") as config:
            config.write(f"\n[overload]\nmost_calls = {PLACES}\n")
        center.start()
        furnished(center, tmp_path / "people")
        calm = run(center, tmp_path / "people", CALM, tmp_path)["confirm"]

        found = run(center, tmp_path / "people", FLOOD, tmp_path)

        refused_look_ups, refused_searches = refused(center, "window"), refused(center, "broad")
    look_ups, searches = found["confirm"], found["search"]
    assert (look_ups.shed, look_ups.failed, refused_look_ups) == (0, 0, 0)
    assert look_ups.latencies.above(DEADLINE_SECONDS) == 0
    assert look_ups.latencies.quantile(0.5) < 10 * calm.latencies.quantile(0.5)
    assert searches.failed == 0
    assert searches.answered > 0
    assert refused_searches >= searches.shed > 0
