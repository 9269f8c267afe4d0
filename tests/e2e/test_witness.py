"""A witness beside a center in its process: configured by SIGHUP, it cosigns until told to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from juki_audit import checkpoints
from juki_audit.witnesses import WitnessKey, cosigned_by
from tests.support.center_process import ROOT, CenterProcess, eventually

pytestmark = pytest.mark.e2e

_TERMINAL = "from juki_terminal.cli import main; main()"
_CENTER = "from juki_center.cli import main; main()"


def run(main: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-c", main, *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def terminal(center: CenterProcess, *arguments: str | Path) -> tuple[str | Path, ...]:
    """Return the arguments of the terminal's command."""
    config = center.folder / "terminal.toml"
    return ("--config", config, "--json", "log", *arguments)


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    with CenterProcess(tmp_path_factory.mktemp("center"), with_clerks=False) as center:
        yield center


def test_witness_that_goes_on_is_counted_by_the_center(center: CenterProcess) -> None:
    key = center.folder / "witness.key"
    made = run(_TERMINAL, *terminal(center, "witness-key", "--name", "witness.test", key))
    public = json.loads(made.stdout)["result"]["witness"]
    arguments = terminal(center, "witness", "--key", key, "--send")
    before = run(_TERMINAL, *arguments)

    config = next(center.folder.rglob("center.toml"))
    with config.open("a") as file:
        file.write(f'\n[[log.witnesses]]\nmunicipality = "131016"\nkey = "{public}"\n')
    os.kill(center.pid, signal.SIGHUP)
    eventually(lambda: run(_TERMINAL, *arguments).returncode == 0)
    rounds = terminal(center, "witness", "--key", key, "--watch", "--every", "1")
    watching = subprocess.Popen(
        [sys.executable, "-c", _TERMINAL, *map(str, rounds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    told = json.loads(watching.stdout.readline())
    watching.send_signal(signal.SIGTERM)
    last = json.loads(watching.stdout.read().splitlines()[-1])
    printed = run(_CENTER, "audit", "checkpoint", "--cosigned", "--config", config)

    assert json.loads(before.stdout)["error"]["reason"] == "WITNESS_UNKNOWN"
    assert told["event"] == "cosigned"
    assert told["tree_size"] == told["cosigned_tree_size"] > 0
    assert (watching.wait(), last["ok"]) == (0, True)
    signed = checkpoints.parse(printed.stdout.encode())
    assert cosigned_by(signed, [WitnessKey.decode(public)]) == ["witness.test"]
