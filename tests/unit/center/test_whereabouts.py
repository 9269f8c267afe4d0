"""Commands beside a running center find the port that it has really got."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from juki_center.cli.whereabouts import address_of, announced
from juki_center.config import CenterConfig


@pytest.fixture
def config(tmp_path: Path) -> CenterConfig:
    table: dict[str, object] = {
        "environment": "test",
        "rule_set": "2012-07-09",
        "pki": {"dir": "pki"},
        "keys": {"kek": "kek"},
        "store": {"url": f"sqlite:///{tmp_path}/center.db"},
    }
    return replace(CenterConfig.parse(table, base=tmp_path), listen_grpc="127.0.0.1:0")


def test_running_center_is_found_at_the_port_that_it_has_got(config: CenterConfig) -> None:
    with announced(config, 49_321):
        assert address_of(config) == "127.0.0.1:49321"


def test_center_that_has_ended_is_looked_for_where_it_is_configured(config: CenterConfig) -> None:
    with announced(config, 49_321):
        pass

    assert address_of(config) == "127.0.0.1:0"


def test_what_a_killed_center_left_is_replaced_by_the_next_start(
    config: CenterConfig, tmp_path: Path
) -> None:
    (tmp_path / "listening-on").write_text("127.0.0.1:1\n")

    with announced(config, 49_321):
        assert address_of(config) == "127.0.0.1:49321"


def test_store_on_another_machine_leaves_the_configured_address(config: CenterConfig) -> None:
    elsewhere = replace(config, store_url="postgresql://store/center")

    with announced(elsewhere, 49_321):
        assert address_of(elsewhere) == "127.0.0.1:0"
