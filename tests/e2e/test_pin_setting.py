"""Setting PINs as processes do it: a terminal killed at every exchange, and a card in a reader."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from juki_card.passwords import Can, Pin, TransportPin
from juki_card.virtual.memory import PinRecord, PinState
from juki_cardbox.cardfile import CardFile
from juki_cardbox.sandbox import PcscSandbox, why_unavailable
from juki_cardbox.slot import CardSlot
from juki_terminal.new_pin import FileNewPin
from juki_terminal.pin import FilePin
from juki_terminal.pin_setting import change_pin, finish_first_pin, set_pin_after_unlock
from juki_terminal.reader.virtual import VirtualReader
from tests.e2e.mortal_terminal import CAN, NEW, OLD, TRANSPORT
from tests.support.eac_world import world

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parent.parent.parent
EXCHANGES = range(1, 8)
BEFORE = {
    "change": PinRecord(PinState.OPERATIONAL, Pin(OLD)),
    "first": PinRecord(PinState.TRANSPORT, TransportPin(TRANSPORT)),
    "unlocked": PinRecord(PinState.TRANSPORT, None),
}


def environment(**more: str) -> dict[str, str]:
    search = os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, "PYTHONPATH": search, **more}


def new_card(path: Path, record: PinRecord) -> Path:
    memory = world().memory(can=Can(CAN))
    CardFile(path).create(replace(memory, pin=record))
    return path


def record_of(path: Path) -> PinRecord:
    return CardFile(path).load().pin


def killed(act: str, card: Path, number: int, moment: str) -> int:
    """Run an act in a process that dies at one exchange; return how the process ended."""
    module = "tests.e2e.mortal_terminal"
    done = subprocess.run(
        [sys.executable, "-m", module, act, str(card), str(number), moment],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert NEW.encode() not in done.stdout + done.stderr
    return done.returncode


def finish(act: str, card: Path) -> None:
    """Do what a terminal does next: the new PIN first."""
    reader, left = VirtualReader(card), record_of(card)
    match act:
        case "change":
            change_pin(reader, FilePin([NEW, OLD]), FileNewPin([NEW, NEW]))
        case "first":
            finish_first_pin(reader, TransportPin(TRANSPORT), Pin(NEW))
        case "unlocked" if left.value is None:
            set_pin_after_unlock(reader, Can(CAN), Pin(NEW))
        case _:
            change_pin(reader, FilePin([NEW]), FileNewPin([NEW, NEW]))


@pytest.mark.parametrize("act", list(BEFORE))
def test_terminal_killed_at_any_exchange_leaves_the_old_pin_or_the_new_and_the_counter(
    act: str, tmp_path: Path
) -> None:
    for number, moment in itertools.product(EXCHANGES, ("before", "after")):
        card = new_card(tmp_path / f"{number}-{moment}.card", BEFORE[act])

        ended = killed(act, card, number, moment)

        left = record_of(card)
        assert ended == -signal.SIGKILL
        assert left.value in (BEFORE[act].value, Pin(NEW)), (number, moment)
        assert left.tries_left == 3, (number, moment)
        finish(act, card)
        assert record_of(card) == PinRecord(PinState.OPERATIONAL, Pin(NEW)), (number, moment)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[PcscSandbox]:
    """A pcscd of our own; the test says why where the machine permits none."""
    reason = why_unavailable()
    if reason:
        pytest.skip(reason)
    with PcscSandbox(slots=1) as sandbox:
        yield sandbox


def test_pin_is_changed_over_pcsc_by_the_command(sandbox: PcscSandbox, tmp_path: Path) -> None:
    card = new_card(tmp_path / "one.card", BEFORE["change"])
    present, new, config = tmp_path / "present", tmp_path / "new", tmp_path / "terminal.toml"
    present.write_text(OLD, encoding="ascii")
    new.write_text(f"{NEW}\n{NEW}\n", encoding="ascii")
    config.write_text(
        'environment = "test"\n[center]\naddress = "127.0.0.1:1"\n'
        '[identity]\ncertificate = "chain.pem"\nkey = "key.pem"\n[trust]\ndir = "trust"\n'
        f'[reader]\nname = "pcsc:{sandbox.reader_name()}"\n[journal]\npath = "journal"\n',
        encoding="utf-8",
    )
    sandbox.insert(CardSlot(card))

    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "from juki_terminal.cli import main; main()",
            "--config",
            str(config),
            "--json",
            "card",
            "change-pin",
            "--pin-from",
            str(present),
            "--new-pin-from",
            str(new),
        ],
        cwd=ROOT,
        env=environment(**sandbox.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    sandbox.pull()

    assert ended.returncode == 0, ended.stdout
    assert json.loads(ended.stdout)["result"]["changed"] is True
    assert record_of(card) == PinRecord(PinState.OPERATIONAL, Pin(NEW))
    assert NEW not in ended.stdout + ended.stderr
