"""A center that serves while its keys roll over and its configuration changes: no restart."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from juki_cardbox.cardfile import CardFile
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_pki import rollover
from juki_pki.folder import PKIFolder
from juki_pki.profile import Profiles
from juki_pki.rollover import Rolling, Step
from juki_pki.successors import Making
from juki_terminal.channel import Center
from juki_terminal.config import TerminalConfig
from juki_terminal.pin import FilePin
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import authenticate
from juki_terminal.trust import Trust
from tests.support.card_factory import patiently
from tests.support.center_process import CenterProcess, eventually

pytestmark = pytest.mark.e2e

PIN = "1234"


@dataclass(frozen=True)
class Served:
    """A center in its process, and a window terminal with a resident's card."""

    center: CenterProcess
    config: TerminalConfig

    @property
    def pki(self) -> PKIFolder:
        return PKIFolder(self.center.folder / "pki")

    @property
    def card(self) -> Path:
        return Path(self.config.reader.removeprefix("virtual:"))

    def step(self, what: Rolling) -> Step:
        node = "center-1" if what is Rolling.CENTER else None
        making = Making(self.pki, Profiles.load(), datetime.now(UTC))
        return Step(what, making, node, at_once=True)

    def told(self, line: str) -> None:
        """Send SIGHUP, and wait until the center has written what it did."""
        log = self.center.folder / "center" / "access.log"
        before = log.stat().st_size
        os.kill(self.center.pid, signal.SIGHUP)
        eventually(lambda: line in log.read_text(encoding="utf-8")[before:])

    def trust_as_now(self, name: str) -> Trust:
        """Copy what a terminal has heard by now."""
        copy = self.center.folder / name
        shutil.copytree(self.config.trust_dir, copy)
        return Trust.load(copy)

    def session(self, trust: Trust) -> None:
        """Carry a whole card session through, over a new connection."""
        identity = ClientIdentity.load(self.config.certificate, self.config.key)
        with Center(self.config.center_address, identity, trust) as center:
            patiently(lambda: authenticate(center, VirtualReader(self.card), FilePin([PIN])))


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("center")
    with CenterProcess(folder) as center:
        yield Served(center, TerminalConfig.load(folder / "terminal.toml"))


def test_terminal_is_served_through_every_step_of_a_new_leaf(serving: Served) -> None:
    """The first trust is of before, the second of the overlap, the third of after."""
    process = serving.center.pid
    before = serving.trust_as_now("before")
    rollover.renew(serving.step(Rolling.CENTER))
    serving.told('"reload":"keys","outcome":"taken over"')
    overlap = serving.trust_as_now("overlap")
    for trust in (before, overlap):
        serving.session(trust)

    rollover.activate(serving.step(Rolling.CENTER))
    serving.told('"reload":"keys","outcome":"taken over"')
    serving.session(overlap)
    with pytest.raises(Problem) as caught:
        serving.session(before)

    rollover.retire(serving.step(Rolling.CENTER))
    serving.told('"reload":"keys","outcome":"taken over"')
    for trust in (overlap, serving.trust_as_now("after")):
        serving.session(trust)

    assert caught.value.reason == "CENTER_UNREACHABLE"
    assert serving.center.pid == process
    assert serving.center.is_ready()


def test_terminal_and_card_of_before_are_led_to_the_new_cvca(serving: Served) -> None:
    before = serving.trust_as_now("old-cvca")
    for take in (rollover.renew, rollover.activate):
        take(serving.step(Rolling.CVCA))
    serving.told('"reload":"keys","outcome":"taken over"')

    serving.session(before)
    serving.session(before)

    known = [one.chr for one in CardFile(serving.card).load().trust_points]
    assert known == ["JPJUKICVCA00002", "JPJUKICVCA00001"]


def test_settings_are_read_again_and_a_bad_file_is_refused(serving: Served) -> None:
    file = serving.center.folder / "center.toml"
    good = file.read_text(encoding="utf-8")

    file.write_text(good + "\n[session]\nplan_seconds = 90\n", encoding="utf-8")
    serving.told('"reload":"config","outcome":"taken over","details":["session"]')
    file.write_text(good + "\n[session]\nplan_second = 90\n", encoding="utf-8")
    serving.told('"reload":"config","outcome":"refused","details":["ConfigInvalid: session')
    file.write_text(good.replace("center-1", "center-9"), encoding="utf-8")
    serving.told('"outcome":"waits for a restart"')
    file.write_text(good, encoding="utf-8")

    serving.session(serving.trust_as_now("settings"))
    assert serving.center.is_ready()
