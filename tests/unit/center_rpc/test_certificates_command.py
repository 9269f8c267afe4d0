"""`juki-center certificates`, and what is told of the ends of peers' certificates."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from juki_center.areas.fleet.certificates import CertificateState, PeerCertificate, Source
from juki_center.areas.fleet.ends import SOON, ends_of_peers
from juki_center.cli import doctor
from juki_center.cli.commands import app
from juki_center.config import CenterConfig
from juki_pki import rollover
from juki_pki.credential import load_certificates
from juki_pki.errors import StillNeeded
from juki_pki.folder import PKIFolder
from juki_pki.profile import Profiles
from juki_pki.rollover import Rolling, Step
from juki_pki.successors import Making
from tests.support.center import open_test_store

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC)
_CONFIG = """\
environment = "test"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "sqlite:///center.db"
"""


def entered(
    uri: str,
    ends: datetime,
    *,
    state: CertificateState = CertificateState.CURRENT,
    content: bytes = b"",
) -> PeerCertificate:
    digest = hashlib.sha256(f"{uri} {ends} {state}".encode()).digest()
    return PeerCertificate(
        fingerprint=digest,
        uri=uri,
        serial="1",
        not_before=NOW - timedelta(days=1),
        not_after=ends,
        key_sha256=digest,
        state=state,
        source=Source.ENROLLED if content else Source.KNOWN,
        entered_at=NOW,
        content=content,
    )


def terminal(code: str, name: str) -> str:
    return f"juki://municipality/{code}/terminal/{name}"


def configured(folder: Path, *certificates: PeerCertificate) -> Path:
    """A center's folder whose store has these certificates; its configuration."""

    async def enter() -> None:
        store = open_test_store(folder)
        for one in certificates:
            await store.act(lambda tx, one=one: tx.peer_certificates.add(one))  # type: ignore[misc]  # the loop's own
        store.close()

    asyncio.run(enter())
    path = folder / "center.toml"
    path.write_text(_CONFIG, encoding="utf-8")
    return path


def export(config: Path, file: Path) -> dict[str, object]:
    words = ["certificates", "export", str(file), "--config", str(config), "--json"]
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0, ran.stderr
    result: dict[str, object] = json.loads(ran.stdout)["result"]
    return result


def test_valid_certificates_of_enrolled_peers_are_written(pki: PKIFolder, tmp_path: Path) -> None:
    year = NOW + timedelta(days=365)
    first, second, third = (
        pki.terminal(code, name).certificate
        for code, name in (("131016", "01"), ("131016", "02"), ("112089", "01"))
    )
    config = configured(
        tmp_path,
        entered(terminal("131016", "01"), year, content=first.public_bytes(Encoding.DER)),
        entered(
            terminal("131016", "02"),
            year,
            state=CertificateState.PENDING,
            content=second.public_bytes(Encoding.DER),
        ),
        entered(
            terminal("112089", "01"),
            year,
            state=CertificateState.RETIRED,
            content=third.public_bytes(Encoding.DER),
        ),
        entered(terminal("112089", "07"), NOW - timedelta(days=1), content=b"never read"),
        entered(terminal("112089", "08"), year),
    )

    result = export(config, tmp_path / "peers.pem")

    assert set(load_certificates(tmp_path / "peers.pem")) == {first, second}
    assert result["written"] == 2
    assert result["left_out"] == [terminal("112089", "08")]


def test_authority_of_an_exported_certificate_is_not_retired(
    pki: PKIFolder, tmp_path: Path
) -> None:
    der = pki.terminal("131016", "01").certificate.public_bytes(Encoding.DER)
    config = configured(
        tmp_path, entered(terminal("131016", "01"), NOW + timedelta(days=365), content=der)
    )
    bare = bare_folder(pki, tmp_path / "authority")
    export(config, tmp_path / "peers.pem")
    making = Making(bare, Profiles.load(), NOW)
    for take in (rollover.renew, rollover.activate):
        take(Step(Rolling.ISSUING, making, at_once=True))
    peers = load_certificates(tmp_path / "peers.pem")

    with pytest.raises(StillNeeded, match="terminal 131016-01"):
        rollover.retire(Step(Rolling.ISSUING, making, at_once=True, further_peers=peers))


def bare_folder(pki: PKIFolder, path: Path) -> PKIFolder:
    """The same authorities with no peer and no copy signer that is valid below the old one."""
    shutil.copytree(pki.path, path)
    for role in ("terminal", "desk", "agency", "operator"):
        shutil.rmtree(path / role, ignore_errors=True)
    return PKIFolder(path)


# The ends


async def test_ends_are_told_by_group_and_late_ones_by_name(tmp_path: Path) -> None:
    late, far = NOW + SOON - timedelta(seconds=1), NOW + timedelta(days=300)
    store = open_test_store(tmp_path)
    for uri, ends in (
        (terminal("131016", "01"), far),
        (terminal("131016", "02"), late),
        (terminal("112089", "01"), far),
        ("juki://agency/passport-1", far),
        ("juki://operator/night", NOW - timedelta(days=2)),
    ):
        one = entered(uri, ends)
        await store.act(lambda tx, one=one: tx.peer_certificates.add(one))  # type: ignore[misc]  # the loop's own
    retired = entered(terminal("112089", "01"), NOW, state=CertificateState.RETIRED)
    await store.act(lambda tx: tx.peer_certificates.add(retired))

    found = store.read(lambda tx: ends_of_peers(tx, NOW))
    store.close()

    assert found.peers == 5
    assert found.late == ("juki://operator/night", terminal("131016", "02"))
    assert set(found.earliest) == {
        "municipality/131016",
        "municipality/112089",
        "agency",
        "operator",
    }
    assert abs(found.earliest["municipality/131016"] - late) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("days", "level"),
    [(61, doctor.Level.OK), (59, doctor.Level.WARNING), (-1, doctor.Level.WARNING)],
)
def test_doctor_names_peers_that_have_not_renewed(
    tmp_path: Path, days: int, level: doctor.Level
) -> None:
    config = configured(tmp_path, entered(terminal("131016", "01"), NOW + timedelta(days=days)))

    checks = doctor.examine(CenterConfig.load(config), NOW)

    (found,) = [one for one in checks if one.check == "peers"]
    assert found.level is level
    assert (terminal("131016", "01") in found.detail) is (level is doctor.Level.WARNING)
