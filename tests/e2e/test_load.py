"""`juki-load` as its users run it, against a whole center."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from juki_load.cli import app
from juki_load.measure import result as results
from tests.support.center_process import CenterProcess

pytestmark = pytest.mark.e2e

SMALL = """
name = "small"
seconds = 4
warm_up_seconds = 2
verified_percent = 100

[[calls]]
kind = "confirm"
rate = 8
arrivals = "constant"

[[calls]]
kind = "search"
rate = 2

[[calls]]
kind = "copy"
rate = 2

[[calls]]
kind = "issue"
rate = 1

[[calls]]
kind = "move"
rate = 2

[[calls]]
kind = "status"
rate = 2

[[calls]]
kind = "session"
arrivals = "offices"
connect_within_seconds = 2
pause_seconds = [1, 2]
share = 0.5

[[calls]]
kind = "search"
arrivals = "offices"
connect_within_seconds = 2
pause_seconds = [1, 2]
share = 0.5

[[batches]]
lines = 200

[[watches]]
terminals = 6
open_within_seconds = 1
"""
KINDS = {"confirm", "search", "copy", "issue", "status", "move", "session", "batch", "watch"}
LIMITS = "".join(f'\n[[slo]]\nkind = "{kind}"\n' for kind in sorted(KINDS))


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    code: int
    out: str

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)["result"]
        return found

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)["error"]
        return found


def load(*arguments: str) -> Ran:
    """Run `juki-load --json` in this process; the generator has processes of its own."""
    done = CliRunner().invoke(app, ["--json", "--lang", "en", *arguments])
    return Ran(done.exit_code, done.stdout)


@dataclass(frozen=True)
class Stage:
    """A center whose people are those of a folder of `juki-load prepare`."""

    center: CenterProcess
    folder: Path

    def prepare(self, *more: str) -> Ran:
        pki = str(self.center.folder / "pki")
        counts = ("--terminals", "24", "--cards", "60", "--residents", "80", "--agencies", "2")
        return load("prepare", str(self.folder), "--center-pki", pki, *counts, *more)

    def run(self, scenario: str, *more: str) -> Ran:
        status = f"127.0.0.1:{self.center.http_port}"
        where = ("--center", self.center.address, "--from", str(self.folder), "--status", status)
        return load("run", scenario, *where, *more)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("load")
    with CenterProcess(folder / "center", with_clerks=False) as center:
        stage = Stage(center, folder / "people")
        made = stage.prepare()
        assert made.code == 0, made.out
        config = str(center.folder / "center.toml")
        entered = load("enter", "--from", str(stage.folder), "--center-config", config)
        assert entered.code == 0, entered.out
        assert entered.result == {"residents": 80, "cards": 60, "agencies": 2}
        yield stage


def test_every_kind_of_call_is_answered_and_every_receipt_is_good(
    stage: Stage, tmp_path: Path
) -> None:
    scenario = tmp_path / "small.toml"
    scenario.write_text(SMALL + LIMITS)
    out, page = tmp_path / "result.json", tmp_path / "page.html"

    ran = stage.run(
        *(str(scenario), "--processes", "2", "--pid", str(stage.center.pid)),
        *("--out", str(out), "--html", str(page)),
    )

    assert ran.code == 0, ran.out
    found = results.load(out)
    assert set(found.kinds) == KINDS
    assert [reason for one in found.kinds.values() for reason in one.reasons] == []
    assert found.kinds["watch"].answered == 6
    assert found.kinds["confirm"].answered == 16
    assert found.verified_receipts >= found.kinds["confirm"].answered
    assert len(found.generators) == 2
    assert any(one.cpu_share for one in found.samples)
    assert any(one.store_share for one in found.samples)
    assert "<svg" in page.read_text()

    merged, compared = load("merge", str(out), str(out)), load("compare", str(out), str(out))

    assert merged.result["kinds"]["copy"]["due"] == 2 * found.kinds["copy"].due
    assert compared.result["ratios"]["copy.p99 ms"] == "1.000"


def test_a_missed_limit_leaves_with_3(stage: Stage, tmp_path: Path) -> None:
    scenario = tmp_path / "strict.toml"
    scenario.write_text(
        'name = "strict"\nseconds = 1\n[[calls]]\nkind = "confirm"\nrate = 20\n'
        '[[slo]]\nkind = "confirm"\np50_ms = 0.001\n'
    )

    ran = stage.run(str(scenario))

    assert ran.code == 3
    assert [one["name"] for one in ran.result["slo"] if not one["met"]] == ["confirm.p50_ms"]


def test_a_folder_that_is_there_is_kept_and_grows(stage: Stage) -> None:
    before = {path: path.read_bytes() for path in stage.folder.rglob("*.pem")}

    again = stage.prepare("--terminals", "26")

    assert again.code == 0
    assert {path: path.read_bytes() for path in before} == before
    # With those of the windows with a clerk, one in each register.
    assert len(list((stage.folder / "terminals").iterdir())) == 26 + 20


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--seed", "2"), "seed"),
        (("--cards", "81"), "cards"),
        (("--center-pki", "/nowhere"), "pki"),
    ],
)
def test_what_does_not_fit_a_folder_is_refused(
    stage: Stage, options: tuple[str, ...], field: str
) -> None:
    ran = stage.prepare(*options)

    assert ran.code == 2
    assert ran.error["reason"] == "USAGE_INVALID"
    assert field in ran.error["metadata"]["field"]


def test_a_center_that_does_not_say_what_it_is_gets_no_load(stage: Stage) -> None:
    where = ("--center", stage.center.address, "--from", str(stage.folder))

    # The page is at another port: nobody answers there.
    ran = load("run", "steady", *where, "--status", "127.0.0.1:1")

    assert ran.code == 5
    assert ran.error["reason"] == "CENTER_UNREACHABLE"


def test_a_folder_with_too_few_terminals_is_refused(stage: Stage) -> None:
    ran = stage.run("idle", "--seconds", "1")

    assert ran.code == 2
    assert "1000 terminals" in ran.error["metadata"]["rule"]
