"""A terminal that watches keeps itself alive: through renewal, roll-over and a center's restart."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from juki_client import rotation
from juki_client.identity_slot import IdentitySlot
from juki_client.log_shelf import FileShelf
from juki_client.outcome import Problem
from juki_pki import make, rollover
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_pki.rollover import Rolling, Step
from juki_pki.successors import Making
from juki_terminal.channel import Center
from juki_terminal.cli import main
from juki_terminal.cli.certificate_commands import config_text
from juki_terminal.config import TerminalConfig
from juki_terminal.trust import Trust
from tests.e2e.shell import run_here
from tests.support.center_process import ROOT, CenterProcess, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

AGE = timedelta(days=300)
"""Past two thirds of a year, and before its end."""
_MAIN = "from juki_terminal.cli import main; main()"
_SECONDS = 40


@dataclass
class Watch:
    """`juki-terminal watch` in a process of its own, and the lines that it prints."""

    config: Path
    lines: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)
    seen: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        options = ["--config", str(self.config), "--json", "watch"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, *options], cwd=ROOT, stdout=subprocess.PIPE
        )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def until(self, event: str) -> dict[str, Any]:
        """Wait for the next line of an event."""
        while True:
            line = self.lines.get(timeout=_SECONDS)
            self.seen.append(line)
            if line.get("event") == event:
                return line

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(_SECONDS)
        self._reading.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        while not self.lines.empty():
            self.seen.append(self.lines.get())
        return code


@dataclass(frozen=True)
class Window:
    """A center in its process, and a terminal whose certificate is due."""

    center: CenterProcess
    config_path: Path

    @property
    def config(self) -> TerminalConfig:
        return TerminalConfig.load(self.config_path)

    @property
    def slot(self) -> IdentitySlot:
        return IdentitySlot(self.config.certificate, self.config.key)

    def called(self) -> Center:
        config = self.config
        shelf = FileShelf(config.log_book)
        identity, trust = self.slot.load(), Trust.load(config.trust_dir)
        return Center(config.center_address, identity, trust, log_shelf=shelf)

    def told(self, line: str) -> None:
        """Send SIGHUP, and wait until the center has written what it did."""
        log = self.center.folder / "center" / "access.log"
        before = log.stat().st_size
        os.kill(self.center.pid, signal.SIGHUP)
        eventually(lambda: line in log.read_text(encoding="utf-8")[before:])


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    with CenterProcess(tmp_path_factory.mktemp("upkeep")) as serving:
        yield serving


@pytest.fixture
def window(center: CenterProcess, tmp_path: Path) -> Window:
    pki = PKIFolder(center.folder / "pki")
    aged = PeerIdentity(Role.TERMINAL, f"aged-{uuid.uuid4().hex[:6]}", "131016")
    make.issue_peer(pki, aged, Profiles.load(), datetime.now(UTC) - AGE)
    shutil.copytree(pki.peer_path(aged), tmp_path / "identity")
    shutil.copytree(pki.trust_path, tmp_path / "trust")
    config = tmp_path / "terminal.toml"
    config.write_text(
        config_text(center.address, aged, "virtual:none.card").replace("production", "test"),
        encoding="utf-8",
    )
    return Window(center, config)


@pytest.fixture
def watch(window: Window) -> Iterator[Watch]:
    started = Watch(window.config_path)
    yield started
    if started.process.poll() is None:
        started.process.kill()
        started.end(signal.SIGTERM)


class Calls:
    """Calls of other commands, all the time: over one connection, and over a new one each time."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._stopped = threading.Event()
        self.answered = 0
        self.failed: list[Problem] = []
        self._threads = [threading.Thread(target=one) for one in (self._stay, self._come)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _stay(self) -> None:
        with self._window.called() as center:
            while not self._stopped.is_set():
                self._call(center)

    def _come(self) -> None:
        while not self._stopped.is_set():
            with self._window.called() as center:
                self._call(center)

    def _call(self, center: Center) -> None:
        try:
            center.require_reachable()
            self.answered += 1
        except Problem as problem:
            self.failed.append(problem)


def test_due_certificate_is_renewed_while_other_commands_call(window: Window, watch: Watch) -> None:
    before = window.slot.load()
    assert rotation.due_at(before) < datetime.now(UTC)
    calls = Calls(window)

    renewed = watch.until("renewed")
    watch.until("reported")
    enough = calls.answered + 20
    eventually(lambda: calls.answered > enough)
    calls.end()

    after = window.slot.load()
    print(f"renewal in a watch: {calls.answered} calls of others, {len(calls.failed)} failed")
    assert calls.failed == []
    assert renewed["subject"] == f"{after.leaf.not_valid_after_utc:%Y-%m-%d}"
    assert after.certificate_hash != before.certificate_hash
    assert rotation.due_at(after) > datetime.now(UTC)
    assert window.slot.pending() is None
    assert not [one for one in watch.seen if one["event"] in {"lost", "failed"}]


def test_roll_over_of_the_logs_signer_reaches_the_watch_and_its_commands(
    window: Window, watch: Watch
) -> None:
    """The watch takes each step over; then a command holds its act to the new signer alone."""
    pki = PKIFolder(window.center.folder / "pki")
    making = Making(pki, Profiles.load(), datetime.now(UTC))
    verifiers = window.config.trust_dir / "log-verifiers"
    before = verifiers.read_text()
    watch.until("reported")

    for take in (rollover.renew, rollover.activate, rollover.retire):
        take(Step(Rolling.LOG_SIGNER, making, None, at_once=True))
        window.told('"reload":"keys","outcome":"taken over"')
        watch.until("descriptions")
        published = (pki.trust_path / "log-verifiers").read_text()
        eventually(lambda wanted=published: verifiers.read_text() == wanted)  # type: ignore[misc]  # bound now
    ended = run_here(main, ["--config", str(window.config_path), "--json", "renew"])

    assert verifiers.read_text() != before
    assert ended.exit_code == 0, ended.out
    assert json.loads(ended.out)["result"]["trustUpdated"] is False


def test_center_that_restarts_is_come_back_to(window: Window, watch: Watch) -> None:
    watch.until("reported")
    window.center.stop()
    lost = watch.until("lost")
    window.center.start()

    watch.until("connected")
    watch.until("reported")

    assert lost["reason"] in {"SHUTTING_DOWN", "CENTER_UNREACHABLE"}
    assert lost["retry_seconds"] > 0


def test_watch_ends_well_on_sigterm(window: Window, watch: Watch) -> None:
    watch.until("reported")

    code = watch.end(signal.SIGTERM)

    assert code == 0
    assert (watch.seen[-1]["ok"], watch.seen[-1]["command"]) == (True, "watch")
    assert window.slot.pending() is None
