"""`juki-center quarantine`, as an operator types it beside a center."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_center.cli.commands import app
from tests.unit.center_rpc.test_disconnect_command import _CONFIG


@pytest.fixture
def config(tmp_path: Path, furnished_registers: Path) -> Path:
    """Return the configuration of a center with everybody in it."""
    shutil.copytree(furnished_registers, tmp_path / "center")
    path = tmp_path / "center" / "center.toml"
    path.write_text(_CONFIG)
    return path


def told(config: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    """Run a command; return its exit code, and its result or its error."""
    command = ["quarantine", *arguments, "--config", str(config), "--json"]
    done = CliRunner().invoke(app, command)
    said = json.loads(done.stdout)
    return done.exit_code, said.get("result") or said["error"]


def test_a_quarantine_is_begun_and_its_register_checked(config: Path) -> None:
    code, begun = told(config, "begin", "112089", "--reason", "birth dates shifted")
    _, checked = told(config, "check", "112089")

    assert (code, begun["state"], begun["checkedAt"]) == (0, "QUARANTINED", None)
    assert checked["persons"] == 7
    assert checked["findings"] == {}


def test_what_is_not_under_quarantine_is_not_checked(config: Path) -> None:
    code, error = told(config, "check", "112089")

    assert (code, error["reason"]) == (3, "NOT_QUARANTINED")


@pytest.mark.parametrize("municipality", ["112080", "134023"])
def test_no_register_of_this_center_is_a_matter_of_usage(config: Path, municipality: str) -> None:
    code, error = told(config, "begin", municipality, "--reason", "x")

    assert (code, error["reason"]) == (2, "INPUT_INVALID")


def test_who_is_cut_off_may_be_put_under_quarantine_for_afterwards(config: Path) -> None:
    arguments = ["disconnect", "112089", "--level", "low", "--reason", "x"]
    CliRunner().invoke(app, [*arguments, "--config", str(config)])

    code, begun = told(config, "begin", "112089", "--reason", "x")

    assert (code, begun["state"]) == (0, "QUARANTINED")
