"""The X.509 hierarchy, judged by openssl and by TLS itself."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from juki_pki import make
from juki_pki.errors import (
    AlreadyExists,
    Inconsistent,
    IssuerExpires,
    KeyExposed,
    Missing,
    PKIError,
    Unreadable,
)
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Kind, Profiles

LEAVES = {
    "center/center-1": "sslserver",
    "terminal/131016-01": "sslclient",
    "agency/passport-1": "sslclient",
    "operator/operator-1": "sslclient",
    "copy-signer": "any",
}


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run openssl."""
    return subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=20
    )


def verify(pki: PKIFolder, leaf: Path, purpose: str = "any") -> subprocess.CompletedProcess[str]:
    """Let openssl verify a certificate up to the folder's root."""
    anchors = ("-CAfile", pki.trust_path / "root.pem", "-untrusted", pki.trust_path / "issuing.pem")
    return openssl("verify", "-x509_strict", "-purpose", purpose, *anchors, leaf)


def text_of(path: Path) -> str:
    """Return what openssl says about a certificate."""
    return openssl("x509", "-in", path, "-noout", "-text").stdout


@pytest.mark.parametrize(("leaf", "purpose"), LEAVES.items())
def test_leaf_verified_by_openssl_for_its_purpose(pki: PKIFolder, leaf: str, purpose: str) -> None:
    judged = verify(pki, pki.path / leaf / "certificate.pem", purpose)

    assert judged.returncode == 0, judged.stderr


def test_card_signer_is_its_own_anchor_for_openssl(pki: PKIFolder) -> None:
    anchor = pki.trust_path / "card-signers.pem"

    judged = openssl("verify", "-CAfile", anchor, pki.path / "card-signer/certificate.pem")
    text = text_of(anchor)

    assert judged.returncode == 0, judged.stderr
    assert "Subject: CN = Juki card signer" in text
    assert "Key Usage: critical\n                Digital Signature\n" in text


def test_card_signers_certificate_leaves_room_on_the_card(pki: PKIFolder) -> None:
    octets = pki.card_signer().certificate.public_bytes(serialization.Encoding.DER)

    assert len(octets) <= 345


@pytest.mark.parametrize(
    ("leaf", "purpose"), [("center/center-1", "sslclient"), ("terminal/131016-01", "sslserver")]
)
def test_leaf_not_good_for_the_other_side_of_tls(pki: PKIFolder, leaf: str, purpose: str) -> None:
    judged = verify(pki, pki.path / leaf / "certificate.pem", purpose)

    assert judged.returncode != 0
    assert "certificate purpose" in judged.stderr


def test_leaf_below_another_root_refused_by_openssl(
    pki: PKIFolder, tmp_path: Path, profiles: Profiles, now: datetime
) -> None:
    other = make.init(tmp_path / "other", profiles, now)

    judged = verify(pki, other.path / "terminal/131016-01/certificate.pem")

    assert judged.returncode != 0


def test_center_certificate_says_what_its_profile_says(pki: PKIFolder) -> None:
    text = text_of(pki.path / "center/center-1/certificate.pem")

    assert "URI:juki://center/center-1, DNS:localhost, IP Address:127.0.0.1" in text
    assert "Subject: C = JP, O = Juki-Net, CN = center center-1" in text
    assert "CA:FALSE" in text
    assert "NIST CURVE: P-256" in text
    assert "ecdsa-with-SHA256" in text
    assert "TLS Web Server Authentication" in text
    assert "TLS Web Client Authentication" not in text
    assert "Key Usage: critical\n                Digital Signature\n" in text


def test_authorities_are_limited_in_depth_and_names(pki: PKIFolder) -> None:
    root = text_of(pki.path / "root/certificate.pem")
    issuing = text_of(pki.path / "issuing/certificate.pem")

    assert "CA:TRUE, pathlen:1" in root
    assert "CA:TRUE, pathlen:0" in issuing
    assert "Certificate Sign, CRL Sign" in root
    assert "Name Constraints: critical" in issuing
    for host in ("center", "municipality", "agency", "operator"):
        assert f"URI:{host}\n" in issuing


def test_peer_outside_the_issuers_names_refused_by_openssl(
    tmp_path: Path, profiles: Profiles, now: datetime
) -> None:
    authority = profiles.x509[Kind.ISSUING].authority
    assert authority is not None
    narrow = replace(
        profiles.x509[Kind.ISSUING], authority=replace(authority, permitted_uri_hosts=("center",))
    )
    odd = Profiles({**profiles.x509, Kind.ISSUING: narrow}, profiles.cv)
    pki = make.init(tmp_path / "pki", odd, now)

    judged = verify(pki, pki.path / "terminal/131016-01/certificate.pem")

    assert "permitted subtree violation" in judged.stderr


def test_serials_are_random_and_long(pki: PKIFolder) -> None:
    serials = [pki.peer(PeerIdentity(Role.TERMINAL, "01", "131016")).certificate.serial_number]
    serials += [credential().certificate.serial_number for credential in (pki.root, pki.issuing)]

    assert len(set(serials)) == 3
    assert min(serials) > 2**64


def test_keys_are_the_owners_alone_and_pkcs8(pki: PKIFolder) -> None:
    keys = sorted(pki.path.rglob("key.pem"))

    assert len(keys) >= 8
    for path in keys:
        assert path.stat().st_mode & 0o7777 == 0o600
        assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert not list((pki.path / "trust").rglob("*key*"))


def test_personalisation_key_is_the_owners_alone_and_of_its_folder(
    own_pki: PKIFolder, tmp_path: Path, profiles: Profiles, now: datetime
) -> None:
    other = make.init(tmp_path / "other", profiles, now)

    path = own_pki.personalisation_key_path
    assert path.stat().st_mode & 0o7777 == 0o600
    assert own_pki.personalisation_key() == own_pki.personalisation_key()
    assert own_pki.personalisation_key() != other.personalisation_key()
    assert "***" in repr(own_pki.personalisation_key())


def test_personalisation_key_that_is_missing_exposed_or_broken_refused(
    own_pki: PKIFolder,
) -> None:
    path = own_pki.personalisation_key_path
    path.chmod(0o640)
    with pytest.raises(KeyExposed):
        own_pki.personalisation_key()

    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(Unreadable, match=r"personalisation\.key"):
        own_pki.personalisation_key()

    path.unlink()
    with pytest.raises(Missing):
        own_pki.personalisation_key()


def test_no_private_key_in_the_public_part(pki: PKIFolder) -> None:
    for path in pki.trust_path.iterdir():
        assert b"PRIVATE" not in path.read_bytes()


def test_init_into_a_folder_with_content_changes_nothing(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    before = {path: path.read_bytes() for path in own_pki.path.rglob("*") if path.is_file()}

    with pytest.raises(AlreadyExists):
        make.init(own_pki.path, profiles, now)

    assert before == {p: p.read_bytes() for p in own_pki.path.rglob("*") if p.is_file()}


def test_second_issue_of_a_peer_refused_and_its_key_kept(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    before = own_pki.terminal("131016", "01")

    with pytest.raises(AlreadyExists):
        make.issue_peer(own_pki, PeerIdentity(Role.TERMINAL, "01", "131016"), profiles, now)

    assert own_pki.terminal("131016", "01").key_pem == before.key_pem


@pytest.mark.parametrize(
    "identity",
    [
        PeerIdentity(Role.TERMINAL, "02", "112089"),
        PeerIdentity(Role.DESK, "01", "112089"),
        PeerIdentity(Role.AGENCY, "tax"),
        PeerIdentity(Role.OPERATOR, "night"),
    ],
)
def test_further_peer_issued_and_verified(
    own_pki: PKIFolder, profiles: Profiles, now: datetime, identity: PeerIdentity
) -> None:
    credential = make.issue_peer(own_pki, identity, profiles, now)

    assert credential.identity == identity
    assert credential.chain_pem.count(b"BEGIN CERTIFICATE") == 2
    judged = verify(own_pki, own_pki.peer_path(identity) / "certificate.pem", "sslclient")
    assert judged.returncode == 0, judged.stderr


def test_further_center_node_joins_the_pinned_leaves(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    node = make.issue_peer(own_pki, PeerIdentity(Role.CENTER, "center-2"), profiles, now)

    leaves = own_pki.trust().center_leaves
    assert leaves == (own_pki.center("center-1").certificate, node.certificate)


def test_peer_made_in_the_past_has_expired(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    identity = PeerIdentity(Role.TERMINAL, "99", "131016")
    make.issue_peer(own_pki, identity, profiles, now - timedelta(days=400))

    judged = verify(own_pki, own_pki.peer_path(identity) / "certificate.pem")

    assert "certificate has expired" in judged.stderr


def test_peer_that_would_outlive_its_issuer_refused(
    own_pki: PKIFolder, profiles: Profiles, now: datetime
) -> None:
    identity = PeerIdentity(Role.TERMINAL, "99", "131016")

    with pytest.raises(IssuerExpires):
        make.issue_peer(own_pki, identity, profiles, now + timedelta(days=5300))

    assert not own_pki.peer_path(identity).exists()


def test_time_without_a_zone_refused(tmp_path: Path, profiles: Profiles, now: datetime) -> None:
    with pytest.raises(PKIError, match="zone"):
        make.init(tmp_path / "pki", profiles, now.replace(tzinfo=None))

    assert list(tmp_path.iterdir()) == []


def test_key_of_another_certificate_refused(own_pki: PKIFolder) -> None:
    path = own_pki.path / "terminal/131016-01/key.pem"
    path.write_bytes(own_pki.operator("operator-1").key_pem)

    with pytest.raises(Inconsistent):
        own_pki.terminal("131016", "01")


def test_chain_that_begins_with_another_certificate_refused(own_pki: PKIFolder) -> None:
    path = own_pki.path / "terminal/131016-01/chain.pem"
    path.write_bytes(own_pki.operator("operator-1").chain_pem)

    with pytest.raises(Inconsistent):
        own_pki.terminal("131016", "01")


def test_key_on_another_curve_refused(own_pki: PKIFolder) -> None:
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (own_pki.path / "operator/operator-1/key.pem").write_bytes(pem)

    with pytest.raises(Unreadable, match="P-256"):
        own_pki.operator("operator-1")


def test_broken_key_refused_without_a_byte_of_it(own_pki: PKIFolder) -> None:
    path = own_pki.path / "operator/operator-1/key.pem"
    secret = path.read_bytes().splitlines()[1].decode()
    path.write_text(f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n")

    with pytest.raises(Unreadable) as refused:
        own_pki.operator("operator-1")

    assert secret not in repr(refused.value)
    assert refused.value.__cause__ is None


def test_exposed_key_refused(own_pki: PKIFolder) -> None:
    (own_pki.path / "operator/operator-1/key.pem").chmod(0o644)

    with pytest.raises(KeyExposed):
        own_pki.operator("operator-1")


def test_peer_not_there_reported_missing(pki: PKIFolder) -> None:
    with pytest.raises(Missing):
        pki.operator("nobody")


def test_credential_shown_without_its_key(pki: PKIFolder) -> None:
    credential = pki.operator("operator-1")

    assert "PRIVATE" not in repr(credential)
    assert "EllipticCurvePrivateKey" not in repr(credential)


def test_terminal_and_center_shake_hands_over_tls_1_3(pki: PKIFolder) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(pki.trust_path / "root.pem")
    server.load_cert_chain(
        pki.path / "center/center-1/chain.pem", pki.path / "center/center-1/key.pem"
    )
    client = ssl.create_default_context(cafile=str(pki.trust_path / "root.pem"))
    leaf = pki.path / "terminal/131016-01"
    client.load_cert_chain(leaf / "chain.pem", leaf / "key.pem")
    near, far = socket.socketpair()
    seen: list[bytes] = []

    def serve() -> None:
        with server.wrap_socket(near, server_side=True) as connection:
            seen.append(connection.getpeercert(binary_form=True) or b"")
            connection.sendall(b"ok")

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(far, server_hostname="localhost") as connection:
        answer = connection.recv(2)
        version = connection.version()
    thread.join(timeout=10)

    assert (answer, version) == (b"ok", "TLSv1.3")
    terminal = pki.terminal("131016", "01").certificate
    assert seen == [terminal.public_bytes(serialization.Encoding.DER)]
