"""`juki-load` against a center of two workers on PostgreSQL, set up as `make load` does it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from juki_load.measure import result as results
from tests.support.postgresql import databases
from tools.load import Callers, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

OFFICES: Final = 24
FEW_PLACES: Final = "\n[overload]\nmost_calls = 8\n"
NINE: Final = """
name = "nine"
seconds = 8

[[calls]]
kind = "copy"
arrivals = "offices"
share = 0.7
connect_within_seconds = 4
pause_seconds = [2, 4]

[[calls]]
kind = "search"
arrivals = "offices"
share = 0.3
connect_within_seconds = 4
pause_seconds = [2, 4]

[[calls]]
kind = "confirm"
rate = 4

[[slo]]
kind = "confirm"
max_ms = 20000
max_shed_percent = 0

[[slo]]
kind = "search"
max_failed_percent = 0

[[slo]]
kind = "copy"
max_ms = 20000
max_failed_percent = 0
"""
QUESTIONS: Final = """
name = "questions"
seconds = 1

[[calls]]
kind = "confirm"
rate = 40
arrivals = "constant"
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("crew")
    with databases() as found:
        stage = Stage(folder, found.server.url(found.empty()))
        assert stage.prepare(Callers(OFFICES, cards=20, residents=60, agencies=2)) == 0
        yield stage


def written(folder: Path, text: str) -> str:
    file = folder / "scenario.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_case_44_at_nine_no_look_up_is_late_and_every_search_is_answered_or_told_when(
    stage: Stage, tmp_path: Path
) -> None:
    """Case 44: all offices connect at once, three in ten search broadly, and look-ups go on."""
    out = tmp_path / "result.json"

    code = stage.run("run", written(tmp_path, NINE), "--out", str(out))

    found = results.load(out)
    assert code == 0, found.kinds
    look_ups, searches = found.kinds["confirm"], found.kinds["search"]
    assert look_ups.latencies.above(20.0) == 0
    assert (look_ups.shed, look_ups.failed) == (0, 0)
    assert searches.answered > 0
    assert searches.answered + searches.shed == searches.due
    assert found.kinds["copy"].answered > 0
    assert sum(one.handshakes for one in found.generators) >= OFFICES


def test_the_knee_of_a_center_with_few_places_is_found_twice(stage: Stage, tmp_path: Path) -> None:
    with stage.center.config.open("a", encoding="utf-8") as config:
        config.write(FEW_PLACES)
    limits = ("--p99-ms", "20000", "--seconds", "1", "--tolerance", "1", "--runs", "2")

    with stage.serving():
        found = knee_of(stage, written(tmp_path, QUESTIONS), *limits)

    assert found["found"] is True
    assert len(found["knees"]) == 2
    for rate, too_high in zip(found["knees"], found["too_high"], strict=True):
        assert 0 < float(rate) < float(too_high)


def knee_of(stage: Stage, scenario: str, *limits: str) -> dict[str, Any]:
    where = ("--center", stage.listen("grpc"), "--status", stage.listen("http"))
    command = ("--json", "knee", scenario, *where, "--from", str(stage.people), *limits)
    main = "from juki_load.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", main, *command], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)["result"]
    return found
