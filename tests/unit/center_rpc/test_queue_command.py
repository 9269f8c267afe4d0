"""`juki-center queue`, as an operator types it beside a center."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from juki_center.areas.moves.rows import AlertKind, MoveAlert
from juki_center.cli import doctor
from juki_center.cli.commands import app
from juki_center.cli.queue_drain import drain, measure_queues
from juki_center.config import CenterConfig
from juki_center.rpc.metrics import Metrics
from juki_center.storage.sqlite import SQLiteStore
from tests.support import cut_off
from tests.support.center import NOW, TOKOROZAWA, open_test_store
from tests.support.origin_window import NO_SUCH
from tests.unit.center_rpc.test_disconnect_command import _CONFIG

OFFICE = TOKOROZAWA.municipality


@pytest.fixture
def config(tmp_path: Path, furnished_registers: Path) -> Path:
    """Return the configuration of a center for whose cut-off Tokorozawa two notices wait."""
    folder = tmp_path / "center"
    shutil.copytree(furnished_registers, folder)
    (folder / "center.toml").write_text(_CONFIG)
    on_store(folder, lay_in)
    return folder / "center.toml"


def on_store(folder: Path, do: Callable[[SQLiteStore], Any]) -> None:
    """Do something with the store of a folder."""
    store = open_test_store(folder)
    try:
        asyncio.run(do(store))
    finally:
        store.close()


async def lay_in(store: SQLiteStore) -> None:
    """Cut Tokorozawa off, and let two notices wait for it."""
    await cut_off.cut(store, OFFICE)
    for number in (1, 2):
        alert = MoveAlert(bytes([number]) * 16, OFFICE, NO_SUCH, AlertKind.ARRIVED, NOW)
        await store.act(lambda tx, one=alert: tx.notices.put(one))  # type: ignore[misc]  # its own


async def poison(store: SQLiteStore) -> None:
    """Connect Tokorozawa where the first notice cannot be entered."""
    twin = MoveAlert(b"\x01" * 16, OFFICE, NO_SUCH, AlertKind.ARRIVED, NOW)
    await store.act(lambda tx: tx.moves.add_alerts([twin]))
    await cut_off.connect(store, OFFICE)
    await drain(store, lambda: NOW)


def said(config: Path, *arguments: str) -> tuple[int, Any]:
    """Run a command; return its exit code, and its result or its error."""
    command = ["queue", *arguments, "--config", str(config), "--json"]
    done = CliRunner().invoke(app, command)
    told = json.loads(done.stdout)
    return done.exit_code, told.get("result") or told["error"]


def test_lengths_are_listed_and_nothing_of_the_content(config: Path) -> None:
    code, found = said(config, "list")

    (queue,) = found["notices"]
    assert code == 0
    assert (queue["code"], queue["state"]) == ("112089", "CLOSED")
    assert (queue["waiting"], queue["setAside"], queue["isWhole"]) == (2, 0, True)


def test_what_was_set_aside_is_named_tried_again_and_given_up(config: Path) -> None:
    on_store(config.parent, poison)

    code, found = said(config, "list")
    retried = said(config, "retry", "112089")
    on_store(config.parent, lambda store: drain(store, lambda: NOW))
    dropped = said(config, "drop", "112089", "1")

    (aside,) = found["setAside"]
    assert code == 3
    assert (aside["place"], aside["rule"]) == (1, "CONTRADICTS_THE_REGISTER")
    assert retried == (0, {"code": "112089", "notices": 1})
    assert (dropped[0], dropped[1]["place"]) == (0, 1)


def test_what_was_not_set_aside_is_not_given_up(config: Path) -> None:
    code, error = said(config, "drop", "112089", "1")

    assert (code, error["reason"]) == (3, "NOTICE_NOT_FOUND")


def test_a_notice_that_is_missing_is_said(config: Path) -> None:
    with closing(sqlite3.connect(config.parent / "center.db")) as sql, sql:
        sql.execute("DELETE FROM queued_notices WHERE place = 1")

    code, _ = said(config, "list")
    line = CliRunner().invoke(app, ["queue", "list", "--config", str(config)]).stdout

    assert code == 3
    assert "1 MISSING" in line


def test_an_empty_store_says_that_nothing_waits(tmp_path: Path, furnished_registers: Path) -> None:
    folder = tmp_path / "center"
    shutil.copytree(furnished_registers, folder)
    (folder / "center.toml").write_text(_CONFIG)

    done = CliRunner().invoke(app, ["queue", "list", "--config", str(folder / "center.toml")])

    assert (done.exit_code, done.stdout.strip()) == (0, "nothing waits")


def test_metrics_tell_length_and_age(config: Path) -> None:
    metrics, shown = Metrics(), []

    async def measure(store: SQLiteStore) -> None:
        measure_queues(store, lambda: NOW + timedelta(minutes=5), metrics)
        shown.append(metrics.exposition().decode())

    on_store(config.parent, measure)

    assert 'juki_queue_waiting{municipality="112089",what="notices"} 2.0' in shown[0]
    assert 'juki_queue_oldest_seconds{municipality="112089",what="notices"} 300.0' in shown[0]
    assert 'juki_queue_set_aside{municipality="112089",what="notices"} 0.0' in shown[0]


def test_metrics_of_a_store_that_cannot_be_read_tell_the_rest(config: Path) -> None:
    metrics, shown = Metrics(), []

    async def measure(store: SQLiteStore) -> None:
        measure_queues(store, lambda: NOW, metrics)
        with closing(sqlite3.connect(config.parent / "center.db")) as sql, sql:
            sql.execute("ALTER TABLE notice_queues RENAME TO elsewhere")
        shown.append(metrics.exposition().decode())

    on_store(config.parent, measure)

    assert "juki_card_sessions_open" in shown[0]
    assert "juki_queue_waiting{" not in shown[0]


def test_doctor_warns_of_what_was_set_aside_and_faults_what_is_missing(config: Path) -> None:
    on_store(config.parent, poison)
    settings = CenterConfig.load(config)

    warned = [one.level for one in doctor._queues(settings, NOW)]  # one check of many
    with closing(sqlite3.connect(config.parent / "center.db")) as sql, sql:
        sql.execute("DELETE FROM queued_notices WHERE place = 1")
    faulted = [one.level for one in doctor._queues(settings, NOW)]  # one check of many

    assert warned == [doctor.Level.WARNING]
    assert faulted == [doctor.Level.FAULT]
