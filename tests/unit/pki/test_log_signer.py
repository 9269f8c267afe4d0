"""The key of the audit log: made once, known by its verifier, the owner's alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_audit import checkpoints
from juki_audit.checkpoints import Checkpoint
from juki_audit.notes import VerifierKey
from juki_audit.tree import Frontier
from juki_pki import make
from juki_pki.cli import app
from juki_pki.errors import AlreadyExists, Inconsistent, KeyExposed, Missing, Unreadable
from juki_pki.folder import PKIFolder
from juki_pki.log_signer import make_log_key
from juki_pki.profile import Profiles
from juki_pki.renewal import refresh_trust

REFUSED = 3
NOW = datetime(2026, 7, 1, tzinfo=UTC)


def without_log_key(pki: PKIFolder) -> PKIFolder:
    """Return a folder as earlier versions made it."""
    for file in pki.log_signer_path.iterdir():
        file.unlink()
    pki.log_signer_path.rmdir()
    (pki.trust_path / "log-verifiers").unlink()
    return pki


def test_note_signed_by_the_key_verified_by_what_is_public(own_pki: PKIFolder) -> None:
    key = own_pki.log_signer()
    head = Frontier().append(b"leaf").frontier.head()

    note = key.sign(checkpoints.body(Checkpoint(key.origin, head)))

    signed = checkpoints.parse(note)
    verifiers = own_pki.trust().log_verifiers
    assert checkpoints.verify(signed, key.origin, verifiers).head == head


def test_two_keys_made_have_two_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_log_key(tmp_path / name)

    texts = [(tmp_path / name / "verifier").read_text() for name in ("one", "two")]

    origins = [VerifierKey.decode(text.strip()).name for text in texts]
    assert len(set(origins)) == len(texts)


def test_log_key_made_in_a_folder_without_one_and_never_again(own_pki: PKIFolder) -> None:
    older = without_log_key(own_pki)
    runner = CliRunner()

    made = runner.invoke(app, ["issue", "log-signer", str(older.path), "--json"])
    verifier = older.log_signer().verifier.encode()
    again = runner.invoke(app, ["issue", "log-signer", str(older.path)])

    result = json.loads(made.stdout)["result"]
    assert result == {"folder": str(older.log_signer_path), "verifier": verifier}
    assert (older.trust_path / "log-verifiers").read_text() == f"{verifier}\n"
    assert again.exit_code == REFUSED
    assert older.log_signer().verifier.encode() == verifier


def test_older_folder_trusts_no_log_and_keeps_its_other_parts(own_pki: PKIFolder) -> None:
    older = without_log_key(own_pki)

    refresh_trust(older)
    trust = older.trust()

    assert trust.log_verifiers == ()
    assert trust.center_leaves
    with pytest.raises(Missing):
        older.log_signer()


def test_log_key_exposed_broken_or_of_another_log_refused(
    own_pki: PKIFolder, tmp_path: Path
) -> None:
    path = own_pki.log_signer_path
    make_log_key(tmp_path / "other")

    (path / "key.pem").chmod(0o640)
    with pytest.raises(KeyExposed):
        own_pki.log_signer()
    (path / "key.pem").chmod(0o600)

    whole = (path / "verifier").read_bytes()
    (path / "verifier").write_bytes((tmp_path / "other" / "verifier").read_bytes())
    with pytest.raises(Inconsistent):
        own_pki.log_signer()
    for broken in (b"nothing\n", b"", whole + whole, b"\xff"):
        (path / "verifier").write_bytes(broken)
        with pytest.raises(Unreadable):
            own_pki.log_signer()

    (path / "verifier").write_bytes(whole)
    (path / "key.pem").write_bytes(own_pki.operator("operator-1").key_pem)
    with pytest.raises(Unreadable, match="Ed25519"):
        own_pki.log_signer()


def test_log_key_is_never_overwritten(own_pki: PKIFolder) -> None:
    with pytest.raises(AlreadyExists):
        make.issue_log_signer(own_pki)


def test_new_folder_has_the_key_beside_its_trust(tmp_path: Path) -> None:
    made = make.init(tmp_path / "pki", Profiles.load(), NOW)

    assert made.trust().log_verifiers == made.log_signer().verifiers
    assert (made.log_signer_path / "key.pem").stat().st_mode & 0o777 == 0o600
