"""A copy is examined against the log before it counts, when it is made and when it is put back."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.ports import Tx
from juki_center.cli.commands import app
from juki_center.cli.opening import opened_store
from juki_center.config import CenterConfig
from juki_center.rpc import status_http
from juki_center.storage.keys import create_kek
from juki_pki.make import init
from juki_pki.profile import Profiles
from tests.support.center import NOW
from tests.support.rows import number

pytestmark = pytest.mark.embedded

_CONFIG = """\
environment = "test"
[listen]
http = "127.0.0.1:{port}"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "sqlite:///center.db"
"""


def act(folder: Path, times: int) -> None:
    """Let the center of a folder write leaves, one commit each."""

    async def run() -> None:
        config = CenterConfig.load(folder / "center.toml")
        async with opened_store(config) as store:
            for _ in range(times):
                await store.act(_leave_a_leaf)

    asyncio.run(run())


def _leave_a_leaf(tx: Tx) -> None:
    tx.audit.append(AuditEvent(Event.SAMPLES_LOADED, NOW, "juki://center/center-1"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a center that has done three acts, a copy of its store, and done two more."""
    init(tmp_path / "pki", Profiles.load(), datetime.now(UTC))
    create_kek(tmp_path / "kek")
    (tmp_path / "center.toml").write_text(_CONFIG.format(port=1), encoding="utf-8")
    act(tmp_path, 3)
    assert run(tmp_path, "backup", str(tmp_path / "copy.db")).exit_code == 0
    act(tmp_path, 2)
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--config", str(folder / "center.toml")])


def size(path: Path) -> int:
    return number(path, "SELECT count(*) FROM audit_leaves")


def spoil(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.execute(statement)


def test_a_copy_is_put_back_and_what_was_there_is_kept(folder: Path) -> None:
    done = run(folder, "restore", str(folder / "copy.db"), "--replace", "--json")

    found = json.loads(done.stdout)["result"]
    assert (found["leaves"], found["leaves_lost"]) == (3, 2)
    assert size(folder / "center.db") == 3
    assert size(Path(found["replaced"])) == 5
    assert (folder / "center.db").stat().st_mode & 0o777 == 0o600
    assert not list(folder.glob("*.restoring*"))
    act(folder, 1)
    trust = str(folder / "pki" / "trust")
    verified = CliRunner().invoke(
        app, ["audit", "verify", "--store", str(folder / "center.db"), "--trust", trust]
    )
    assert verified.exit_code == 0, verified.output
    assert size(folder / "center.db") == 4


def test_a_store_is_made_from_a_copy_where_there_is_none(folder: Path) -> None:
    for path in folder.glob("center.db*"):
        path.unlink()

    assert run(folder, "restore", str(folder / "copy.db")).exit_code == 0
    assert size(folder / "center.db") == 3


def test_a_store_is_set_aside_only_where_that_is_asked_for(folder: Path) -> None:
    refused = run(folder, "restore", str(folder / "copy.db"))

    assert refused.exit_code != 0
    assert "--replace" in refused.output
    assert size(folder / "center.db") == 5


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_leaves SET commitment = zeroblob(32) WHERE leaf_index = 1",
        "DELETE FROM audit_leaves WHERE leaf_index = 2",
        "UPDATE audit_leaves SET content = x'a0' WHERE leaf_index = 0",
        "DELETE FROM audit_nodes WHERE level = 1",
    ],
)
def test_a_copy_whose_log_does_not_hold_changes_nothing(folder: Path, statement: str) -> None:
    spoil(folder / "copy.db", statement)

    refused = run(folder, "restore", str(folder / "copy.db"), "--replace", "--json")

    assert refused.exit_code == 3
    assert json.loads(refused.stdout)["error"]["reason"] == "LOG_NOT_SOUND"
    assert size(folder / "center.db") == 5
    assert not list(folder.glob("*.restoring*")) + list(folder.glob("*.replaced*"))


def test_a_copy_of_a_log_that_did_not_grow_from_a_known_head_is_refused(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "center.db")) as sql:
        (head,) = sql.execute("SELECT checkpoint FROM audit_head").fetchone()
    (folder / "head").write_bytes(head)

    refused = run(
        folder, "restore", str(folder / "copy.db"), "--replace", "--since", str(folder / "head")
    )

    assert refused.exit_code == 3
    assert size(folder / "center.db") == 5


def test_a_damaged_copy_and_one_of_another_key_are_refused(folder: Path) -> None:
    octets = (folder / "copy.db").read_bytes()
    (folder / "damaged.db").write_bytes(octets[: len(octets) // 2])
    shutil.move(folder / "kek", folder / "old-kek")
    create_kek(folder / "kek")

    for name in ("damaged.db", "copy.db", "missing.db"):
        refused = run(folder, "restore", str(folder / name), "--replace")
        assert refused.exit_code != 0, name
        assert size(folder / "center.db") == 5


def test_a_center_that_serves_is_not_replaced(folder: Path) -> None:
    async def serve_and_restore() -> Result:
        probes = status_http.Probes(dict, lambda: b"")
        listener, port = await status_http.start(probes, "127.0.0.1", 0)
        (folder / "center.toml").write_text(_CONFIG.format(port=port), encoding="utf-8")
        async with listener:
            return await asyncio.to_thread(
                run, folder, "restore", str(folder / "copy.db"), "--replace"
            )

    refused = asyncio.run(serve_and_restore())

    assert refused.exit_code != 0
    assert "stop it first" in refused.output


def test_a_store_that_a_program_uses_is_not_replaced(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "center.db", isolation_level=None)) as sql:
        sql.execute("BEGIN IMMEDIATE")
        refused = run(folder, "restore", str(folder / "copy.db"), "--replace")
        sql.execute("ROLLBACK")

    assert refused.exit_code != 0
    assert size(folder / "center.db") == 5


def test_a_copy_of_a_store_whose_log_does_not_hold_is_not_made(folder: Path) -> None:
    spoil(folder / "center.db", "DELETE FROM audit_leaves WHERE leaf_index = 4")

    refused = run(folder, "backup", str(folder / "second.db"), "--json")

    assert refused.exit_code == 3
    assert not (folder / "second.db").exists()
