"""A card in a real reader: pcscd with vpcd, seen by pyscard in a process of its own.

libpcsclite reads the address of its pcscd once in a process, so each client here is a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from juki_card.passwords import Pin
from juki_cardbox.blanks import make_blank
from juki_cardbox.cardfile import CardFile
from juki_cardbox.personalise import serial_of
from juki_cardbox.power import CutAt, CutPoint
from juki_cardbox.profiles import NPA
from juki_cardbox.sandbox import PcscSandbox, why_unavailable
from juki_cardbox.slot import CardSlot, answer_to_reset
from tests.support.blank_world import CHIP_SERIAL, MASTER
from tests.support.eac_world import RESIDENT_CODE, world

ROOT = Path(__file__).resolve().parent.parent.parent
MISSING = why_unavailable()
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(MISSING is not None, reason=f"no pcscd of our own: {MISSING}"),
]
CLIENT_SECONDS = 60


@pytest.fixture(scope="module")
def sandbox() -> Iterator[PcscSandbox]:
    """A pcscd of our own."""
    with PcscSandbox(slots=4) as sandbox:
        yield sandbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A card file."""
    path = tmp_path / "one.card"
    CardFile(path).create(world().memory())
    return path


def client(sandbox: PcscSandbox, act: str, *arguments: str) -> dict[str, Any]:
    """Run one act of the client process to its end and return what it found."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.pcsc_client", act, *arguments],
        cwd=ROOT,
        env=client_environment(sandbox),
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def client_environment(sandbox: PcscSandbox) -> dict[str, str]:
    """Return the environment of a client process."""
    search = os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, **sandbox.environment, "PYTHONPATH": search}


def test_whole_session_over_pcsc_reads_the_resident_code(
    sandbox: PcscSandbox, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.insert(CardSlot(path))

    found = client(sandbox, "session", sandbox.reader_name(), "extended")

    sandbox.pull()
    assert found["atr"] == answer_to_reset().hex()
    assert found["code"] == RESIDENT_CODE
    assert found["apdus"] == 18
    assert CardFile(path).load().pin.tries_left == 3
    with capsys.disabled():
        print(f"\n18 APDUs over PC/SC in {found['session_ms']:.1f} ms")
    # One late acknowledgement costs 44 ms; eighteen of them would not pass here.
    assert found["session_ms"] < 18 * 44


def test_whole_session_over_pcsc_runs_with_short_commands(sandbox: PcscSandbox, path: Path) -> None:
    sandbox.insert(CardSlot(path))

    found = client(sandbox, "session", sandbox.reader_name(), "chained")

    sandbox.pull()
    assert found["code"] == RESIDENT_CODE


def test_two_cards_in_two_readers_answer_for_themselves(
    sandbox: PcscSandbox, path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.card"
    CardFile(other).create(world().memory(resident_code="13101600018"))
    sandbox.insert(CardSlot(path), 0)
    sandbox.insert(CardSlot(other), 3)

    first = client(sandbox, "session", sandbox.reader_name(0), "extended")
    second = client(sandbox, "session", sandbox.reader_name(3), "extended")

    sandbox.pull(0)
    sandbox.pull(3)
    assert (first["code"], second["code"]) == (RESIDENT_CODE, "13101600018")


def test_small_exchanges_are_not_delayed(sandbox: PcscSandbox, path: Path) -> None:
    sandbox.insert(CardSlot(path))

    found = client(sandbox, "read", sandbox.reader_name(), "100")

    sandbox.pull()
    assert found["median_ms"] < 10


def test_pulled_card_is_seen_and_put_in_again(sandbox: PcscSandbox, path: Path) -> None:
    slot = CardSlot(path)
    sandbox.insert(slot)
    before = client(sandbox, "present", sandbox.reader_name(), "yes")

    sandbox.pull()
    without = client(sandbox, "present", sandbox.reader_name(), "no")
    sandbox.insert(slot)
    again = client(sandbox, "present", sandbox.reader_name(), "yes")

    sandbox.pull()
    assert (before["present"], without["present"], again["present"]) == (True, False, True)


@pytest.mark.parametrize("exchange", [1, 6, 13, 18])
def test_card_that_loses_its_power_in_a_session_counts_no_try_for_it(
    sandbox: PcscSandbox, path: Path, exchange: int
) -> None:
    sandbox.insert(CardSlot(path, supply=CutAt(CutPoint.BEFORE_COMMAND, exchange)))

    found = client(sandbox, "torn", sandbox.reader_name())

    sandbox.pull()
    assert found["failed"] is True
    assert found["answered"] == exchange - 1
    assert CardFile(path).load().pin.tries_left == 3


def test_inserted_card_comes_back_after_pcscd_was_restarted(
    sandbox: PcscSandbox, path: Path
) -> None:
    sandbox.insert(CardSlot(path))
    client(sandbox, "present", sandbox.reader_name(), "yes")

    sandbox.restart()

    found = client(sandbox, "session", sandbox.reader_name(), "extended")
    sandbox.pull()
    assert found["code"] == RESIDENT_CODE


def test_stock_profile_is_read_over_pcsc(sandbox: PcscSandbox, tmp_path: Path) -> None:
    path = tmp_path / "stock.card"
    memory = world(NPA.domain).memory(pin=Pin("111111"), profile=NPA, resident_code=None)
    CardFile(path).create(memory)
    sandbox.insert(CardSlot(path))

    found = client(sandbox, "read", sandbox.reader_name(), "3")

    sandbox.pull()
    assert found["answer"].endswith("9000")


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    """The file of a blank chip."""
    path = tmp_path / "blank.card"
    make_blank(path, MASTER, chip_serial=CHIP_SERIAL)
    return path


@pytest.mark.parametrize("mode", ["extended", "chained"])
def test_blank_becomes_a_card_over_pcsc_and_is_handed_over(
    sandbox: PcscSandbox, blank: Path, mode: str
) -> None:
    sandbox.insert(CardSlot(blank))

    found = client(sandbox, "personalise", sandbox.reader_name(), mode)

    sandbox.pull()
    assert found["code"] == RESIDENT_CODE
    assert found["serial"] == serial_of(CardFile(blank).load()).hex()
    if mode == "extended":
        assert found["apdus"] == 11


@pytest.mark.parametrize("exchange", [5, 9, 11])
def test_blank_torn_in_a_reader_is_a_blank_or_a_card_and_never_between(
    sandbox: PcscSandbox, blank: Path, exchange: int
) -> None:
    sandbox.insert(CardSlot(blank, supply=CutAt(CutPoint.BEFORE_WRITE, exchange)))
    torn = client(sandbox, "personalise", sandbox.reader_name(), "extended")
    sandbox.pull()
    sandbox.insert(CardSlot(blank))

    found = client(sandbox, "personalise", sandbox.reader_name(), "extended")

    sandbox.pull()
    assert (torn["failed"], torn["answered"]) == (True, exchange - 1)
    assert (found["failed"], found["code"]) == (False, RESIDENT_CODE)
