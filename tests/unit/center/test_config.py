"""The configuration file: what is read, and what is refused by the key's name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from juki_center.config import CenterConfig, Environment
from juki_center.errors import ConfigInvalid
from juki_center.rule_sets import RuleSet

LEAST: dict[str, object] = {
    "environment": "test",
    "pki": {"dir": "pki"},
    "keys": {"kek": "keys/kek"},
    "store": {"url": "sqlite:///center.db"},
}


def test_the_least_file_gets_the_defaults() -> None:
    config = CenterConfig.parse(LEAST, base=Path("/srv/juki"))

    assert (config.environment, config.rule_set) == (Environment.TEST, RuleSet.R2003_08)
    assert (config.listen_grpc, config.listen_http) == ("127.0.0.1:7443", "127.0.0.1:7444")
    assert config.pki_dir == Path("/srv/juki/pki")
    assert config.store_url == "sqlite:////srv/juki/center.db"
    assert config.session.usable == timedelta(seconds=300)
    assert not config.photo_id_enabled
    assert config.low_stock == 100
    assert not config.householder_card_only


def test_a_file_is_read_and_its_paths_are_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "center.toml"
    file.write_text(
        'environment = "production"\nrule_set = "2012-07-09"\nnode = "2"\n'
        '[listen]\ngrpc = "0.0.0.0:7443"\n[pki]\ndir = "/etc/juki/pki"\n[keys]\nkek = "kek"\n'
        '[store]\nurl = "sqlite:////var/lib/juki/center.db"\n'
        "[session]\nusable_seconds = 60\n[photo_id]\nenabled = true\n"
        "[codes]\nlow_stock = 500\n[moves]\nhouseholder_card_only = true\n",
        encoding="utf-8",
    )

    config = CenterConfig.load(file)

    assert config.kek == tmp_path / "kek"
    assert config.store_url == "sqlite:////var/lib/juki/center.db"
    assert (config.node, config.photo_id_enabled, config.low_stock) == ("2", True, 500)
    assert config.session.usable == timedelta(seconds=60)
    assert config.householder_card_only


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("environmnet", {"environmnet": "dev"}),
        ("photo_id.enable", {"photo_id": {"enable": True}}),
        ("environment", {"environment": "staging"}),
        ("environment", {"environment": 1}),
        ("rule_set", {"rule_set": "2003"}),
        ("listen.grpc", {"listen": {"grpc": "127.0.0.1"}}),
        ("listen.grpc", {"listen": {"grpc": ":7443"}}),
        ("listen.http", {"listen": {"http": "127.0.0.1:http"}}),
        ("listen.http", {"listen": {"http": "127.0.0.1:65536"}}),
        ("pki.dir", {"pki": {}}),
        ("pki.dir", {"pki": {"dir": ""}}),
        ("keys.kek", {"keys": {}}),
        ("store.url", {"store": {"url": "mysql://center"}}),
        ("store.url", {"store": {"url": "sqlite:///"}}),
        ("session.usable_seconds", {"session": {"usable_seconds": 0}}),
        ("session.usable_seconds", {"session": {"usable_seconds": True}}),
        ("session.plan_seconds", {"session": {"plan_seconds": "120"}}),
        ("photo_id.enabled", {"photo_id": {"enabled": "yes"}}),
        ("codes.low_stock", {"codes": {"low_stock": 0}}),
        ("codes.low_stock", {"codes": {"low_stock": True}}),
        ("codes.low_stock", {"codes": {"low_stock": "100"}}),
        ("moves.householder_card_only", {"moves": {"householder_card_only": 1}}),
        ("moves.householder_card_only", {"moves": {"householder_card_only": "yes"}}),
        ("moves.householder_card", {"moves": {"householder_card": True}}),
        ("codes.low_stocks", {"codes": {"low_stocks": 100}}),
        ("overload.target", {"overload": {"target": 100}}),
        ("overload.target_ms", {"overload": {"target_ms": 0}}),
        ("overload.broad_target_ms", {"overload": {"broad_target_ms": 101}}),
        ("overload.most_calls", {"overload": {"most_calls": 7}}),
        ("overload.most_sessions", {"overload": {"most_sessions": True}}),
    ],
)
def test_a_wrong_key_is_refused_by_its_name(key: str, change: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        CenterConfig.parse({**LEAST, **change}, base=Path())

    assert refused.value.key == key


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "center.toml"
    file.write_text("environment dev", encoding="utf-8")

    with pytest.raises(ConfigInvalid, match=r"center\.toml: not TOML.*line 1"):
        CenterConfig.load(file)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "center.toml"
    file.write_bytes('environment = "所沢"'.encode("euc_jp"))

    with pytest.raises(ConfigInvalid, match=r"center\.toml: not UTF-8"):
        CenterConfig.load(file)
