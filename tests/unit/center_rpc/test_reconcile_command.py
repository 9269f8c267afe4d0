"""`juki-center cards reconcile`, and what a running center gives up by itself."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from juki_center.areas.cards import making, personalisations
from juki_center.areas.cards.personalisation_commands import PersonaliseCard
from juki_center.cli import housekeeping
from juki_center.cli.commands import app
from tests.support.card_factory import CLERK, apply_for, furnish, window
from tests.support.center import TOKOROZAWA, open_test_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from juki_center.areas.ports import Tx

_CONFIG = """\
environment = "test"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "sqlite:///center.db"
"""
DAY = timedelta(days=1)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a center with two cards begun: 40 days ago, and a day ago."""
    furnish(tmp_path)
    path = tmp_path / "center.toml"
    path.write_text(_CONFIG, encoding="utf-8")
    do(tmp_path, lambda tx: begin(tx, "yoshida-taro", days_ago=40))
    do(tmp_path, lambda tx: begin(tx, "sasaki-megumi", days_ago=1))
    return path


def begin(tx: Tx, key: str, *, days_ago: int) -> None:
    number = apply_for(tx, key)
    then = datetime.now(UTC) - days_ago * DAY
    command = PersonaliseCard(TOKOROZAWA, CLERK, number)
    making.begin(tx, window(at=then), command, key.encode().ljust(16)[:16])


def do(folder: Path, act: Callable[[Tx], object]) -> None:
    async def run() -> None:
        store = open_test_store(folder)
        await store.act(act)
        store.close()

    asyncio.run(run())


def open_count(folder: Path) -> int:
    store = open_test_store(folder)
    count = len(store.read(lambda tx: tx.personalisations.open_ones(None, after=0, limit=10)))
    store.close()
    return count


def reconcile(config: Path, *options: str) -> dict[str, list[object]]:
    ran = CliRunner().invoke(
        app, ["cards", "reconcile", "--config", str(config), "--json", *options]
    )
    assert ran.exit_code == 0, ran.stderr
    found: dict[str, list[object]] = json.loads(ran.stdout)["result"]
    return found


def test_what_is_old_is_given_up_and_the_rest_is_listed(config: Path) -> None:
    done = reconcile(config)

    assert (len(done["given_up"]), len(done["open"])) == (1, 1)
    assert open_count(config.parent) == 1


def test_dry_run_says_the_same_and_changes_nothing(config: Path) -> None:
    done = reconcile(config, "--dry-run")

    assert (len(done["given_up"]), len(done["open"])) == (1, 1)
    assert open_count(config.parent) == 2


def test_fewer_days_give_up_more(config: Path) -> None:
    done = reconcile(config, "--older-than", "0")

    assert (len(done["given_up"]), len(done["open"])) == (2, 0)
    assert open_count(config.parent) == 0


def test_everything_is_gone_through_page_by_page(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personalisations, "RECONCILED_AT_ONCE", 1)

    trial = reconcile(config, "--dry-run")
    done = reconcile(config)

    assert (len(trial["given_up"]), len(trial["open"])) == (1, 1)
    assert (len(done["given_up"]), len(done["open"])) == (1, 1)


def test_lines_tell_people_what_is_open(config: Path) -> None:
    ran = CliRunner().invoke(app, ["cards", "reconcile", "--config", str(config)])

    *_, last = ran.stdout.splitlines()
    assert last == "1 given up, 1 open"
    assert "TOO_OLD" in ran.stdout


async def test_running_center_gives_up_what_is_old(config: Path) -> None:
    store = open_test_store(config.parent)

    await housekeeping.forget(store, datetime.now(UTC))

    left = store.read(lambda tx: tx.personalisations.open_ones(None, after=0, limit=10))
    store.close()
    assert len(left) == 1
