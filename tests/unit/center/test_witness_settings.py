"""The witnesses of the configuration: read, refused by the name of the key, handed out anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit.witnesses import WitnessKey
from juki_center.cli.witnessing import Witnesses, witness_policy
from juki_center.config import CenterConfig, LogSettings, live_changes
from juki_center.errors import ConfigInvalid
from juki_pki.folder import PKIFolder
from juki_pki.log_signer import FOLDER, LogKey, make_log_key

KEY = WitnessKey.of("witness.a", Ed25519PrivateKey.from_private_bytes(bytes(32))).encode()
OTHER = WitnessKey.of("witness.b", Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)).encode()
TABLE: dict[str, object] = {
    "environment": "test",
    "pki": {"dir": "pki"},
    "keys": {"kek": "kek"},
    "store": {"url": "sqlite:///center.db"},
}


def parsed(log: dict[str, object], base: Path = Path("/nowhere")) -> CenterConfig:
    """Parse a configuration with this table of the log."""
    return CenterConfig.parse({**TABLE, "log": log}, base=base)


def witness(key: str = KEY, municipality: str = "131016") -> dict[str, object]:
    """Return one table."""
    return {"municipality": municipality, "key": key}


def test_witnesses_of_two_municipalities_are_known(tmp_path: Path) -> None:
    listed = [witness(), witness(OTHER, "112089")]
    config = parsed({"witnesses": listed, "quorum": 2}, tmp_path)

    policy = witness_policy(config, PKIFolder(config.pki_dir))

    assert policy.names == ("witness.a", "witness.b")
    assert (policy.quorum, policy.log) == (2, None)
    assert [str(site.municipality) for site in policy.sites] == ["131016", "112089"]


def test_center_without_witnesses_needs_no_key_of_the_log() -> None:
    assert CenterConfig.parse(TABLE, base=Path("/nowhere")).log == LogSettings()


@pytest.mark.parametrize(
    ("log", "key"),
    [
        ({"witness": []}, "log.witness"),
        ({"witnesses": "all"}, "log.witnesses"),
        ({"witnesses": ["all"]}, "log.witnesses"),
        ({"witnesses": [{**witness(), "name": "a"}]}, "log.witnesses.name"),
        ({"witnesses": [{"key": KEY}]}, "log.witnesses.municipality"),
        ({"witnesses": [{"municipality": "131016"}]}, "log.witnesses.key"),
        ({"witnesses": [witness()], "quorum": 2}, "log.quorum"),
        ({"quorum": 0}, "log.quorum"),
        ({"lag_hours": 0}, "log.lag_hours"),
    ],
)
def test_what_is_no_witness_is_refused_by_its_name(log: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        parsed(log)

    assert refused.value.key == key


@pytest.mark.parametrize(
    ("listed", "key"),
    [
        ([witness("witness.a")], "log.witnesses.key"),
        ([witness(municipality="131017")], "log.witnesses.municipality"),
        ([witness(), witness(municipality="112089")], "log.witnesses.key"),
    ],
)
def test_key_that_is_none_or_stands_there_twice_is_refused(
    tmp_path: Path, listed: list[dict[str, object]], key: str
) -> None:
    config = parsed({"witnesses": listed}, tmp_path)

    with pytest.raises(ConfigInvalid) as refused:
        witness_policy(config, PKIFolder(config.pki_dir))

    assert refused.value.key == key


def test_witnesses_may_change_while_a_center_serves(tmp_path: Path) -> None:
    old, new = parsed({}, tmp_path), parsed({"witnesses": [witness()]}, tmp_path)
    witnesses = Witnesses(old, PKIFolder(old.pki_dir))

    config, taken, waiting = live_changes(old, new)
    witnesses.use_config(config)

    assert (taken, waiting) == (["log"], [])
    assert witnesses.policy().names == ("witness.a",)


def test_unusable_witnesses_leave_the_known_ones(tmp_path: Path) -> None:
    config = parsed({"witnesses": [witness()]}, tmp_path)
    witnesses = Witnesses(config, PKIFolder(config.pki_dir))
    unusable = parsed({"witnesses": [witness("no key")]}, tmp_path)

    with pytest.raises(ConfigInvalid):
        witnesses.use_config(replace(config, log=unusable.log))

    assert witnesses.policy().names == ("witness.a",)


def test_keys_of_the_log_are_taken_over(tmp_path: Path) -> None:
    config = parsed({"witnesses": [witness()]}, tmp_path)
    pki = PKIFolder(config.pki_dir)
    witnesses = Witnesses(config, pki)
    (tmp_path / "pki").mkdir()
    make_log_key(tmp_path / "pki" / FOLDER)

    witnesses.use_keys(parsed({}, tmp_path), pki)

    log = witnesses.policy().log
    assert log is not None
    assert log.origin == LogKey.load(tmp_path / "pki" / FOLDER).origin
    assert witnesses.policy().names == ("witness.a",)
