"""A center does not serve with parts that do not belong together."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from juki_center.cli.opening import opened_store
from juki_center.cli.startup_guard import StartRefused, check_parts
from juki_center.config import CenterConfig, Environment
from juki_center.errors import StoreUnusable
from juki_center.rule_sets import RuleSet
from juki_center.storage.keys import create_kek
from juki_pki.make import init
from juki_pki.profile import Profiles

if TYPE_CHECKING:
    from pathlib import Path

_CONFIG = """\
environment = "test"
rule_set = "2010-11-26"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "sqlite:///center.db"
"""


@pytest.fixture
def config(tmp_path: Path) -> CenterConfig:
    """The configuration of a center that has started once."""
    init(tmp_path / "pki", Profiles.load(), datetime.now(UTC))
    create_kek(tmp_path / "kek")
    (tmp_path / "center.toml").write_text(_CONFIG, encoding="utf-8")
    config = CenterConfig.load(tmp_path / "center.toml")
    start(config)
    return config


def start(config: CenterConfig) -> None:
    """Do what a start does before it listens."""

    async def begin() -> None:
        async with opened_store(config) as store:
            await check_parts(config, store)

    asyncio.run(begin())


def test_the_same_parts_start_again(config: CenterConfig) -> None:
    start(config)


def test_a_store_of_another_environment_is_refused(config: CenterConfig) -> None:
    with pytest.raises(StartRefused, match="the store is of test, the configuration says dev"):
        start(replace(config, environment=Environment.DEV))

    start(config)


def test_the_law_goes_on_and_never_back(config: CenterConfig) -> None:
    start(replace(config, rule_set=RuleSet.R2012_07_09))

    with pytest.raises(StartRefused) as refused:
        start(config)

    assert refused.value.part == "rule_set"


def test_a_folder_with_the_key_of_another_log_is_refused(
    config: CenterConfig, tmp_path: Path
) -> None:
    init(tmp_path / "other", Profiles.load(), datetime.now(UTC))

    with pytest.raises((StartRefused, StoreUnusable)):
        start(replace(config, pki_dir=tmp_path / "other"))


def test_a_nodes_certificate_of_another_name_is_refused(config: CenterConfig) -> None:
    (config.pki_dir / "center" / "center-1").rename(config.pki_dir / "center" / "center-2")

    with pytest.raises(StartRefused, match="juki://center/center-1, not juki://center/center-2"):
        start(replace(config, node="center-2"))


def test_a_store_of_a_newer_build_is_refused_and_left_alone(config: CenterConfig) -> None:
    path = config.store_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreUnusable) as refused:
        start(config)

    assert "9999 is newer than this build" in refused.value.problem
