"""`juki-center` as processes: one serves, others meet it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.center_process import ROOT, CenterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e
CODE = "05769813421"


@dataclass(frozen=True)
class Ran:
    """A command that has ended, and its JSON object."""

    code: int
    envelope: dict[str, dict[str, object]]


def juki_center(*arguments: str, given: str = "") -> Ran:
    done = subprocess.run(
        [sys.executable, "-c", "from juki_center.cli import main; main()", *arguments, "--json"],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return Ran(done.returncode, json.loads(done.stdout))


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    """A development center that serves."""
    with CenterProcess(tmp_path_factory.mktemp("dev")) as serving:
        yield serving


def test_second_center_on_the_same_address_is_refused(
    center: CenterProcess, tmp_path: Path
) -> None:
    second = juki_center("dev", "--dir", str(tmp_path), "--port", str(center.port))

    assert second.code == 3
    assert second.envelope["error"]["reason"] == "ADDRESS_IN_USE"


def test_card_is_suspended_beside_a_center_that_serves(center: CenterProcess) -> None:
    config = str(center.folder / "center.toml")

    suspended = juki_center("cards", "suspend", "--config", config, "--from", "-", given=CODE)

    assert suspended.code == 0
    assert center.is_ready()


def test_status_page_counts_and_terminals_find_the_address(center: CenterProcess) -> None:
    url = f"http://127.0.0.1:{center.http_port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        metrics = answer.read()

    assert b"juki_card_sessions_open 0.0" in metrics
    assert f'address = "{center.address}"' in (center.folder / "terminal.toml").read_text()


def test_operators_command_finds_the_port_that_the_center_was_given(center: CenterProcess) -> None:
    config = center.folder / "center.toml"

    ran = juki_center("proposals", "--as", "operator-1", "--config", str(config))

    assert ran.code == 0
    assert str(center.port) not in config.read_text()


def test_center_stops_when_it_is_asked(tmp_path: Path) -> None:
    serving = CenterProcess(tmp_path)
    serving.start()

    serving.stop()

    assert not serving.is_ready()
    assert "Traceback" not in serving.log.read_text()
