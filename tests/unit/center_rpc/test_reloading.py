"""What a running center takes over without a restart, and what it refuses and goes on without."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from juki_audit.notes import Note
from juki_center.cli.log_signing import LogSigning
from juki_center.cli.reloading import Hangup, Reloading
from juki_center.config import CenterConfig, Environment, SessionTimes, live_changes
from juki_center.errors import ConfigInvalid
from juki_center.rpc.access_log import AccessLog
from juki_center.rpc.metrics import Metrics
from juki_pki import rollover
from juki_pki.errors import Inconsistent
from juki_pki.folder import PKIFolder
from juki_pki.profile import ATS, Kind, Profiles
from juki_pki.rollover import Rolling, Step
from juki_pki.successors import Making

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime.now(UTC)


@pytest.fixture
def own_pki(pki: PKIFolder, tmp_path: Path) -> PKIFolder:
    """A copy of the PKI folder, for one test."""
    shutil.copytree(pki.path, tmp_path / "pki")
    return PKIFolder(tmp_path / "pki")


@pytest.fixture
def config(own_pki: PKIFolder, tmp_path: Path) -> CenterConfig:
    """The configuration of a center with this PKI."""
    table = {
        "environment": "test",
        "pki": {"dir": str(own_pki.path)},
        "keys": {"kek": "kek"},
        "store": {"url": "sqlite:///center.sqlite"},
    }
    return CenterConfig.parse(table, base=tmp_path)


def roll(pki: PKIFolder, what: Rolling) -> None:
    node = "center-1" if what is Rolling.CENTER else None
    step = Step(what, Making(pki, Profiles.load(), NOW), node, at_once=True)
    rollover.renew(step)
    rollover.activate(step)


def reloading(
    config: CenterConfig,
    read: Callable[[], CenterConfig] | None = None,
    *,
    ahead: timedelta = timedelta(),
) -> Reloading:
    times = iter([NOW])
    log = AccessLog(lambda _block: None)
    return Reloading(config, log, lambda: next(times, NOW + ahead), Hangup(read=read))


# Keys


def test_folder_that_is_as_before_is_not_handed_out(config: CenterConfig) -> None:
    seen: list[str] = []
    parts = reloading(config)
    parts.on_keys(lambda now, _folder: seen.append(now.node))

    assert parts.reread_keys() == []
    assert seen == []


@pytest.mark.parametrize(
    ("what", "named"),
    [
        (Rolling.CENTER, ("center", "cv", "trust")),
        (Rolling.COPY_SIGNER, ("copy-signer", "trust")),
        (Rolling.ROOT, ("issuing", "root", "trust")),
    ],
)
def test_what_was_rolled_over_is_handed_out_once(
    config: CenterConfig, own_pki: PKIFolder, what: Rolling, named: tuple[str, ...]
) -> None:
    seen: list[PKIFolder] = []
    parts = reloading(config)
    parts.on_keys(lambda _now, folder: seen.append(folder))

    roll(own_pki, what)
    (first,), second = parts.reread_keys(), parts.reread_keys()

    assert seen == [own_pki]
    assert (first.reload, first.outcome, first.details) == ("keys", "taken over", named)
    assert second == []


def test_folder_in_the_middle_of_a_roll_over_is_refused_and_tried_again(
    config: CenterConfig, own_pki: PKIFolder
) -> None:
    parts, seen = reloading(config), []
    parts.on_keys(lambda now, folder: seen.append(folder.center(now.node).certificate_sha256))
    step = Step(Rolling.CENTER, Making(own_pki, Profiles.load(), NOW), "center-1", at_once=True)
    rollover.renew(step)
    place = own_pki.path / "center" / "center-1"
    (place / "next" / "key.pem").replace(place / "key.pem")

    (refused,) = parts.reread_keys()
    for name in ("certificate.pem", "chain.pem"):
        (place / "next" / name).replace(place / name)
    (taken,) = parts.reread_keys()

    assert refused.outcome == "refused"
    assert Inconsistent.__name__ in refused.details[0]
    assert taken.outcome == "taken over"
    assert seen == [own_pki.center("center-1").certificate_sha256]


def test_hangup_hands_out_keys_that_are_as_before(config: CenterConfig) -> None:
    seen: list[PKIFolder] = []
    parts = reloading(config)
    parts.on_keys(lambda _now, folder: seen.append(folder))

    (found,) = parts.reread_keys(told=True)

    assert len(seen) == 1
    assert (found.outcome, found.details) == ("unchanged", ())


# Card access


@pytest.mark.parametrize(
    ("environment", "ahead", "renewed"),
    [
        (Environment.DEV, timedelta(days=1), True),
        (Environment.TEST, timedelta(days=1), True),
        (Environment.PRODUCTION, timedelta(days=1), False),
        (Environment.DEV, timedelta(minutes=59), False),
    ],
)
def test_card_access_is_renewed_by_the_center_itself_outside_of_production(
    config: CenterConfig,
    own_pki: PKIFolder,
    environment: Environment,
    ahead: timedelta,
    renewed: bool,  # a column of the table
) -> None:
    before = own_pki.cv(ATS[0]).certificate.chr
    parts = reloading(replace(config, environment=environment), ahead=ahead)

    parts.reread_keys()

    assert (own_pki.cv(ATS[0]).certificate.chr != before) is renewed


def test_card_access_is_left_alone_where_the_key_of_the_dv_is_elsewhere(
    config: CenterConfig, own_pki: PKIFolder
) -> None:
    (own_pki.cv_path(Kind.DV) / "key.pem").unlink()
    before = own_pki.cv(ATS[0]).certificate.chr

    assert reloading(config, ahead=timedelta(days=1)).reread_keys() == []
    assert own_pki.cv(ATS[0]).certificate.chr == before


def test_renewal_of_card_access_that_is_refused_is_told(
    config: CenterConfig, own_pki: PKIFolder
) -> None:
    parts = reloading(config, ahead=timedelta(days=1))
    (own_pki.cv_path(Kind.DV) / "key.pem").write_bytes(b"")

    found = parts.reread_keys()

    assert ("card access", "refused") in [(one.reload, one.outcome) for one in found]


# Configuration


def test_only_what_may_change_is_taken_over_and_the_rest_is_named(config: CenterConfig) -> None:
    times = SessionTimes(plan=timedelta(seconds=7))
    wanted = replace(config, session=times, photo_id_enabled=True, listen_grpc="127.0.0.1:1")
    seen: list[CenterConfig] = []
    parts = reloading(config, lambda: wanted)
    parts.on_config(seen.append)

    taken, waiting = parts.reread_config()

    assert seen == [replace(config, session=times, photo_id_enabled=True)]
    assert (taken.outcome, taken.details) == ("taken over", ("session", "photo_id_enabled"))
    assert (waiting.outcome, waiting.details) == ("waits for a restart", ("listen_grpc",))


def test_bad_configuration_is_refused_and_the_old_one_kept(config: CenterConfig) -> None:
    def read() -> CenterConfig:
        raise ConfigInvalid("listen.grcp", "unknown key")

    seen: list[CenterConfig] = []
    parts = reloading(config, read)
    parts.on_config(seen.append)

    (refused,) = parts.reread_config()

    assert seen == []
    assert refused.outcome == "refused"
    assert "listen.grcp" in refused.details[0]


def test_configuration_is_read_again_in_vain(config: CenterConfig) -> None:
    (found,) = reloading(config, lambda: config).reread_config()

    assert (found.outcome, found.details) == ("unchanged", ())


def test_every_setting_either_may_change_or_waits(config: CenterConfig) -> None:
    assert live_changes(config, config) == (config, [], [])
    _, taken, waiting = live_changes(config, replace(config, node="center-2", low_stock=7))

    assert (taken, waiting) == (["low_stock"], ["node"])


async def test_hangup_is_heard_at_once(config: CenterConfig) -> None:
    heard = asyncio.Event()
    wanted = replace(config, low_stock=7)
    written: list[bytes] = []
    hangup, log = Hangup(read=lambda: wanted), AccessLog(written.append)
    parts = Reloading(config, log, lambda: NOW, hangup)
    parts.on_config(lambda _now: heard.set())

    async with parts.watching():
        hangup.told.set()
        async with asyncio.timeout(5):
            await heard.wait()
            while not written:
                log.flush()
                await asyncio.sleep(0)

    assert b'"reload":"config","outcome":"taken over","details":["low_stock"]' in written[0]


# Metrics


def test_ends_are_told_as_gauges_that_run_down(config: CenterConfig, own_pki: PKIFolder) -> None:
    clock = [NOW]
    parts = Reloading(config, AccessLog(lambda _b: None), lambda: clock[0], Hangup())
    metrics = Metrics()
    metrics.tell_expiries(parts.ends)
    ends = own_pki.center("center-1").certificate.not_valid_after_utc

    def left() -> float:
        begin = b'juki_expiry_seconds{kind="center",name="center-1"} '
        lines = metrics.exposition().splitlines()
        (line,) = [one for one in lines if one.startswith(begin)]
        return float(line.removeprefix(begin))

    first = left()
    clock[0] = ends + timedelta(seconds=5)

    assert first == pytest.approx((ends - NOW).total_seconds())
    assert left() == pytest.approx(-5)


def test_groups_of_peers_are_looked_at_every_ten_minutes(config: CenterConfig) -> None:
    clock, looked = [NOW], []
    parts = Reloading(config, AccessLog(lambda _b: None), lambda: clock[0], Hangup())

    def earliest() -> dict[str, datetime]:
        looked.append(clock[0])
        return {"agency": NOW + timedelta(days=1)}

    parts.with_peers(earliest)
    first = list(parts.ends())[-1]
    clock[0] = NOW + timedelta(minutes=9)
    second = list(parts.ends())[-1]
    clock[0] = NOW + timedelta(minutes=10)
    list(parts.ends())

    assert first == ("peers", "agency", 86_400)
    assert second == ("peers", "agency", 86_400 - 540)
    assert looked == [NOW, NOW + timedelta(minutes=10)]


def test_new_generation_is_among_the_gauges_after_a_look(
    config: CenterConfig, own_pki: PKIFolder
) -> None:
    parts = reloading(config)
    before = len(list(parts.ends()))

    roll(own_pki, Rolling.CENTER)
    parts.reread_keys()

    assert len(list(parts.ends())) == before + 1


# The log's key


def test_heads_are_signed_by_the_new_key_and_known_by_both(own_pki: PKIFolder) -> None:
    signing = LogSigning(own_pki.log_signer_path)
    old_key, origin = own_pki.log_signer().verifier, signing.origin
    first = signing.sign("before\n")

    roll(own_pki, Rolling.LOG_SIGNER)
    second = signing.sign("after\n")

    new_key = own_pki.log_signer().verifier
    assert signing.verifiers == (new_key, old_key)
    assert signing.origin == origin
    assert [one.signatures[0].key_id for one in map(Note.decode, (first, second))] == [
        old_key.key_id,
        new_key.key_id,
    ]


def test_key_of_another_log_is_never_taken_over(own_pki: PKIFolder, other_pki: PKIFolder) -> None:
    signing = LogSigning(own_pki.log_signer_path)
    before = signing.verifiers
    for name in ("key.pem", "verifier"):
        path = own_pki.log_signer_path / name
        path.unlink()
        shutil.copy2(other_pki.log_signer_path / name, path)

    signing.sign("text\n")

    assert signing.verifiers == before


def test_key_in_the_middle_of_a_roll_over_leaves_the_old_one_in_use(own_pki: PKIFolder) -> None:
    signing = LogSigning(own_pki.log_signer_path)
    before = signing.verifiers
    (own_pki.log_signer_path / "key.pem").write_bytes(b"")

    signing.sign("text\n")
    (own_pki.log_signer_path / "key.pem").unlink()
    signing.sign("text\n")

    assert signing.verifiers == before


def test_copy_signers_certificate_is_the_one_that_is_published(own_pki: PKIFolder) -> None:
    roll(own_pki, Rolling.COPY_SIGNER)

    own = own_pki.copy_signer().certificate.public_bytes(Encoding.DER)
    assert own == own_pki.trust().copy_signers[0].public_bytes(Encoding.DER)
