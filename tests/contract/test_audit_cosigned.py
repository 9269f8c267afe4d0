"""`juki-center audit` and cosignatures: exported, printed, checked offline, their reach told."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from juki_audit import checkpoints, witnesses
from juki_audit.checkpoints import Checkpoint
from juki_audit.receipts import TrustedLog
from juki_audit.tree import Head
from juki_audit.witnesses import WitnessKey, cosigned_by
from juki_center.areas.audit.cosignatures import WitnessPolicy, WitnessSite, add_cosignature
from juki_center.areas.callers import Terminal
from juki_center.cli.audit import app
from juki_center.cli.doctor import examine
from juki_center.config import CenterConfig
from juki_pki.log_signer import FOLDER, LogKey, parse_log_key
from tests.support.signed_center import (
    CHIYODA,
    NOW,
    URI,
    add_leaves,
    make_center,
    open_center_store,
)

SIZE = 7
SECRET = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
KEY = WitnessKey.of("witness.test", SECRET)
OTHER = WitnessKey.of("witness.other", Ed25519PrivateKey.from_private_bytes(bytes([2]) * 32))


def run(*arguments: str | Path) -> Result:
    """Run a command of the audit."""
    return CliRunner().invoke(app, [str(one) for one in arguments])


def cosign(folder: Path) -> None:
    """Have the newest head cosigned and kept."""
    key = LogKey.load(folder / "pki" / FOLDER)
    log = TrustedLog(key.origin, key.verifiers)
    policy = WitnessPolicy((WitnessSite(CHIYODA, KEY),), 1, log)
    with closing(open_center_store(folder)) as store:
        note = checkpoints.parse(store.read(lambda tx: tx.audit.checkpoint()) or b"")
        cosigned = witnesses.cosign(note, KEY.name, SECRET, NOW).note().encode()
        terminal = Terminal(URI, CHIYODA)
        asyncio.run(store.act(lambda tx: add_cosignature(tx, cosigned, terminal, policy, NOW)))


@pytest.fixture
def center(tmp_path: Path) -> Path:
    """A log of which the first leaves are cosigned."""
    make_center(tmp_path)
    add_leaves(tmp_path, SIZE)
    cosign(tmp_path)
    add_leaves(tmp_path, 5, first=SIZE)
    (tmp_path / "keys").write_text(f"{KEY.encode()}\n{OTHER.encode()}\n")
    with (tmp_path / "center.toml").open("a") as file:
        file.write(f'[[log.witnesses]]\nmunicipality = "131016"\nkey = "{KEY.encode()}"\n')
    return tmp_path


def trusting(center: Path) -> tuple[str | Path, ...]:
    """Return the options that name whom to trust."""
    return ("--trust", center / "pki" / "trust", "--witness", center / "keys")


def exported(center: Path) -> Path:
    """Copy the log."""
    copy = center / "copy"
    assert run("export", copy, "--config", center / "center.toml").exit_code == 0
    return copy


def test_copy_says_how_far_it_is_cosigned(center: Path) -> None:
    ended = run("verify", exported(center), *trusting(center), "--need", "1", "--json")

    result = json.loads(ended.stdout)["result"]
    assert ended.exit_code == 0, ended.output
    assert (result["leaves"], result["cosigned_leaves"]) == (SIZE + 5, SIZE)
    assert result["witnesses"] == ["witness.test"]


def test_store_says_how_far_it_is_cosigned(center: Path) -> None:
    ended = run("verify", "--store", center / "center.db", *trusting(center))

    assert ended.exit_code == 0, ended.output
    assert f"the first {SIZE} of them cosigned by witness.test" in ended.stdout


def test_too_few_witnesses_are_a_finding(center: Path) -> None:
    ended = run("verify", exported(center), *trusting(center), "--need", "2")

    assert ended.exit_code == 3
    assert "WITNESSES_MISSING" in ended.output
    assert "1 of 2" in ended.output


def test_unknown_witness_counts_for_nothing(center: Path) -> None:
    (center / "keys").write_text(OTHER.encode() + "\n")

    ended = run("verify", exported(center), *trusting(center), "--json")

    assert json.loads(ended.stdout)["result"]["cosigned_leaves"] == 0


def fork(center: Path) -> bytes:
    """Return a head that the log signed and a witness cosigned, and that it does not grow from."""
    key = LogKey.load(center / "pki" / FOLDER)
    private = parse_log_key((center / "pki" / FOLDER / "key.pem").read_bytes())
    assert private is not None
    signed = checkpoints.sign(Checkpoint(key.origin, Head(SIZE, bytes(32))), private)
    return witnesses.cosign(signed, KEY.name, SECRET, NOW).note().encode()


@pytest.mark.parametrize("kind", ["fork", "forged"])
def test_cosigned_head_that_the_log_does_not_hold_to_is_a_finding(center: Path, kind: str) -> None:
    """A center that rewrote its log as a whole is shown by what it kept of its witnesses."""
    note = fork(center) if kind == "fork" else b"no head"
    with closing(sqlite3.connect(center / "center.db")) as sql, sql:
        sql.execute("UPDATE cosignatures SET note = ?", (note,))

    ended = run("verify", "--store", center / "center.db", *trusting(center))

    assert ended.exit_code == 3
    assert ("NOT_GROWN" if kind == "fork" else "COSIGNED_REFUSED") in ended.output


def test_newest_cosigned_head_is_printed_with_its_lines(center: Path) -> None:
    ended = run("checkpoint", "--cosigned", "--config", center / "center.toml")

    signed = checkpoints.parse(ended.stdout.encode())
    assert signed.checkpoint.head.size == SIZE
    assert cosigned_by(signed, [KEY]) == ["witness.test"]


def test_log_that_nobody_has_cosigned_has_no_cosigned_head(tmp_path: Path) -> None:
    make_center(tmp_path)
    add_leaves(tmp_path, SIZE)

    ended = run("checkpoint", "--cosigned", "--config", tmp_path / "center.toml")

    assert ended.exit_code == 3
    assert "LOG_NOT_COSIGNED" in ended.output


@pytest.mark.parametrize(
    ("hours", "level", "says"),
    [(23, "ok", "follow"), (25, "warning", "witness.test has not cosigned since")],
)
def test_doctor_says_that_witnesses_lag(center: Path, hours: int, level: str, says: str) -> None:
    config = CenterConfig.load(center / "center.toml")

    found = [
        one for one in examine(config, NOW + timedelta(hours=hours)) if one.check == "witnesses"
    ]

    assert [one.level.value for one in found] == [level]
    assert says in found[0].detail
