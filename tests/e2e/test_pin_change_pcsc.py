"""A PIN changed in a real reader, by the command that residents are led through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from juki_card.passwords import Pin
from juki_card.virtual.memory import PinRecord, PinState
from juki_cardbox.cardfile import CardFile
from juki_cardbox.sandbox import PcscSandbox, why_unavailable
from juki_cardbox.slot import CardSlot
from tests.support.eac_world import world

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parent.parent.parent
OLD, NEW = "4649", "2580"


def environment(**more: str) -> dict[str, str]:
    search = os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, "PYTHONPATH": search, **more}


def record_of(path: Path) -> PinRecord:
    return CardFile(path).load().pin


@pytest.fixture(scope="module")
def sandbox() -> Iterator[PcscSandbox]:
    """A pcscd of our own; the test says why where the machine permits none."""
    reason = why_unavailable()
    if reason:
        pytest.skip(reason)
    with PcscSandbox(slots=1) as sandbox:
        yield sandbox


def test_pin_is_changed_over_pcsc_by_the_command(sandbox: PcscSandbox, tmp_path: Path) -> None:
    card = tmp_path / "one.card"
    CardFile(card).create(world().memory(pin=Pin(OLD)))
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
