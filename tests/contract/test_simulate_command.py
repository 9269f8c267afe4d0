"""The command `juki-center simulate year`: what it writes, what it refuses, how it ends."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from juki_center.cli.simulate import FOUND, PLOT, REPORT, Options, conclude
from juki_center.cli.simulate_commands import app
from juki_center.rule_sets import RuleSet
from juki_center.simulation.findings import Finding, Rule
from juki_center.simulation.run import STORE, Outcome
from juki_center.simulation.weeks import Weeks

FEW = ("--residents", "100", "--municipalities", "2")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["year", *arguments])


def options(out: Path) -> Options:
    return Options(100, 1, RuleSet.R2003_08, date(2024, 1, 1), 2, out, None, with_plot=False)


def test_clean_year_leaves_a_table_a_plot_and_a_report(tmp_path: Path) -> None:
    kept, out = tmp_path / "kept", tmp_path / "out"

    result = run(*FEW, "--out", str(out), "--keep", str(kept))

    assert result.exit_code == 0, result.output
    assert "audit: clean" in result.stdout
    assert "week of" in result.stdout
    assert (out / PLOT).read_bytes().startswith(b"\x89PNG")
    report = json.loads((out / REPORT).read_text(encoding="utf-8"))
    assert report["is_clean"] is True
    assert len(report["weeks"]) == 53
    assert (kept / STORE).exists()


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    result = run(*FEW, "--no-plot", "--json", "--out", str(tmp_path))

    answer = json.loads(result.stdout)
    assert (answer["schema"], answer["ok"]) == ("juki/1", True)
    assert answer["result"]["findings"] == []
    assert not (tmp_path / PLOT).exists()


def test_missing_matplotlib_is_said_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is None among the modules counts as not installed.
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    result = run(*FEW, "--out", str(tmp_path / "out"))

    assert result.exit_code == 2
    assert "--no-plot" in result.stderr
    assert not (tmp_path / "out").exists()


def test_folder_with_a_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / STORE).write_bytes(b"")

    result = run(*FEW, "--no-plot", "--keep", str(tmp_path), "--out", str(tmp_path / "out"))

    assert result.exit_code == 2
    assert "already" in result.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ("--start", "2024-02-30"),
        ("--start", "spring"),
        ("--residents", "99"),
        ("--municipalities", "1"),
        ("--rule-set", "2003-09"),
        ("--seed", "-1"),
    ],
)
def test_wrong_option_is_a_usage_error(tmp_path: Path, wrong: tuple[str, str]) -> None:
    result = run("--no-plot", "--out", str(tmp_path / "out"), *wrong)

    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_finding_is_named_and_makes_another_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Outcome(Weeks(date(2024, 1, 1), date(2024, 12, 31)))
    outcome.findings.append(Finding(Rule.ONE_PLACE, "ab" * 16, "2 places, 1 records"))

    with pytest.raises(typer.Exit) as left:
        conclude(options(tmp_path), outcome, as_json=False)

    assert left.value.exit_code == FOUND == 1
    assert "ONE_PLACE: abab" in capsys.readouterr().err
    report = json.loads((tmp_path / REPORT).read_text(encoding="utf-8"))
    assert report["is_clean"] is False
