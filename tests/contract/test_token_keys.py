"""A center whose key-encryption key, log signer and copy signer lie in a token."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from juki_audit.receipts import TrustedLog
from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.copies.signature import CopySigner, CopyTrust
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import KeyUnusable
from juki_center.storage import open_store
from juki_center.storage.keys import KeyEncryptionKey, create_kek
from juki_pki import token
from juki_pki.cli import app
from juki_pki.errors import Unreadable
from juki_pki.folder import PKIFolder
from juki_pki.make import init
from juki_pki.profile import Profiles
from juki_pki.token_reference import TokenPlace
from tests.support.center import NOW
from tests.support.soft_token import soft_token

TOWN = MunicipalityCode("131016")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenPlace]:
    with soft_token(tmp_path_factory.mktemp("token")) as made:
        yield made


@pytest.fixture
def pki(tmp_path: Path) -> PKIFolder:
    return init(tmp_path / "pki", Profiles.load(), datetime.now(UTC))


def juki_pki(place: TokenPlace, *arguments: str) -> str:
    """Run `juki-pki token` at the token; return what it printed."""
    where = ("--module", place.module, "--token", place.label, "--pin-file", place.pin_file)
    ran = CliRunner().invoke(app, ["token", *arguments, *map(str, where)])
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def activate(what: str, pki: PKIFolder) -> None:
    ran = CliRunner().invoke(app, ["activate", what, str(pki.path), "--at-once"])
    assert ran.exit_code == 0, ran.output


async def test_a_store_opens_by_the_token_alone(place: TokenPlace, tmp_path: Path) -> None:
    juki_pki(place, "kek", str(tmp_path / "kek"))
    url = f"sqlite:///{tmp_path / 'center.db'}"
    kek = KeyEncryptionKey.load(tmp_path / "kek")
    with closing(open_store(url, kek)) as store:
        await store.act(lambda tx: tx.registers.host(TOWN))

    with closing(open_store(url, KeyEncryptionKey.load(tmp_path / "kek"))) as again:
        assert again.read(lambda tx: tx.keys.data_key(TOWN).version) == 1
    create_kek(tmp_path / "other")
    with pytest.raises(KeyUnusable):
        open_store(url, KeyEncryptionKey.load(tmp_path / "other"))
    assert "TokenKEK" in repr(kek)


def test_a_token_that_is_gone_opens_nothing(
    place: TokenPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    juki_pki(place, "kek", str(tmp_path / "kek"))
    text = (tmp_path / "kek").read_text().replace(f"token={place.label}", "token=gone")
    gone = tmp_path / "gone"
    gone.touch(0o600)
    gone.write_text(text)

    with pytest.raises(KeyUnusable, match="gone"):
        KeyEncryptionKey.load(gone)
    monkeypatch.setattr(token, "_OPEN", {})
    assert isinstance(KeyEncryptionKey.load(tmp_path / "kek"), KeyEncryptionKey)


async def test_heads_are_signed_in_the_token_and_verify_by_the_published_key(
    place: TokenPlace, pki: PKIFolder, tmp_path: Path
) -> None:
    juki_pki(place, "log-signer", str(pki.path))
    activate("log-signer", pki)
    create_kek(tmp_path / "kek")
    kek = KeyEncryptionKey.load(tmp_path / "kek")
    url = f"sqlite:///{tmp_path / 'center.db'}"

    with closing(open_store(url, kek, signer=pki.log_signer())) as store:
        await store.act(_leave_a_leaf)
        checkpoint = store.read(lambda tx: tx.audit.checkpoint())

    trusted = TrustedLog.decode((pki.trust_path / "log-verifiers").read_text())
    assert checkpoint is not None
    assert trusted.head(checkpoint).size == 1
    assert len(trusted.keys) == 2


def _leave_a_leaf(tx: Tx) -> None:
    tx.audit.append(AuditEvent(Event.SAMPLES_LOADED, NOW, "juki://center/center-1"))


def test_copies_are_signed_in_the_token(place: TokenPlace, pki: PKIFolder) -> None:
    juki_pki(place, "copy-signer", str(pki.path))
    activate("copy-signer", pki)
    signer = pki.copy_signer()
    der = signer.certificate.public_bytes(Encoding.DER)

    signed = CopySigner(signer.key, der).sign(b"a payload")

    trusted = CopyTrust(tuple(one.public_bytes(Encoding.DER) for one in pki.trust().copy_signers))
    assert trusted.verify(signed).payload == b"a payload"
    with pytest.raises(TypeError, match="does not leave its token"):
        signer.key.private_numbers()


def test_a_key_of_tls_cannot_lie_in_a_token(place: TokenPlace, pki: PKIFolder) -> None:
    juki_pki(place, "copy-signer", str(pki.path))
    reference = (pki.path / "copy-signer" / "next" / "key.pem").read_bytes()
    key = pki.path / "center" / "center-1" / "key.pem"
    key.write_bytes(reference)

    with pytest.raises(Unreadable):
        pki.center("center-1")


def test_no_key_of_the_token_lies_in_a_file(
    place: TokenPlace, pki: PKIFolder, tmp_path: Path
) -> None:
    juki_pki(place, "kek", str(tmp_path / "kek"))
    juki_pki(place, "log-signer", str(pki.path))

    for file in (tmp_path / "kek", pki.log_signer_path / "next" / "key.pem"):
        assert file.read_bytes().startswith(b"pkcs11:")
        assert file.stat().st_mode & 0o777 == 0o600
        assert place.pin_file.read_bytes() not in file.read_bytes()


def test_the_store_has_no_key_in_the_clear(place: TokenPlace, tmp_path: Path) -> None:
    juki_pki(place, "kek", str(tmp_path / "kek"))
    open_store(
        f"sqlite:///{tmp_path / 'center.db'}", KeyEncryptionKey.load(tmp_path / "kek")
    ).close()

    with closing(sqlite3.connect(tmp_path / "center.db")) as sql:
        rows = sql.execute("SELECT wrapped FROM center_keys").fetchall()
    assert rows
    assert all(row[0][:1] == b"\x01" and len(row[0]) == 1 + 12 + 32 + 16 for row in rows)
