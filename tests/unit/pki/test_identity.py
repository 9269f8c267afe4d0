"""The one juki:// URI of a certificate, read strictly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from juki_pki.errors import IdentityError
from juki_pki.folder import PKIFolder
from juki_pki.identity import (
    PeerIdentity,
    Role,
    check_municipality_code,
    identity_from_certificate,
)

TERMINAL = "juki://municipality/131016/terminal/01"


def certificate(
    *names: x509.GeneralName,
    ca: bool | None = False,
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | None = None,
) -> x509.Certificate:
    """Make a self-signed certificate with these alternative names."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=1))
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return builder.sign(key, None)
    return builder.sign(key, hashes.SHA256())


def uri(text: str) -> x509.UniformResourceIdentifier:
    """Return a URI name."""
    return x509.UniformResourceIdentifier(text)


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("juki://center/center-1", PeerIdentity(Role.CENTER, "center-1")),
        (TERMINAL, PeerIdentity(Role.TERMINAL, "01", "131016")),
        ("juki://municipality/112089/desk/2", PeerIdentity(Role.DESK, "2", "112089")),
        ("juki://agency/passport-1", PeerIdentity(Role.AGENCY, "passport-1")),
        ("juki://operator/op", PeerIdentity(Role.OPERATOR, "op")),
    ],
)
def test_each_role_read_and_written_back(text: str, identity: PeerIdentity) -> None:
    assert PeerIdentity.from_uri(text) == identity
    assert identity.uri == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "juki://",
        "juki://center/",
        "juki://center/a/b",
        "juki://center/A",
        "juki://center/a_b",
        "juki://center/-a",
        "juki://center/a-",
        "juki://center/../root",
        "juki://center/a\n",
        "juki://center/" + "a" * 33,
        "juki://municipality/131016/center/01",
        "juki://municipality/131016/terminal/01/",
        "juki://municipality/131017/terminal/01",
        "juki://municipality/13101/terminal/01",
        "juki://municipality/131016/terminal",
        "juki://terminal/01",
        "juki://user@center/a",
        "JUKI://center/a",
        "https://center/a",
        "center/a",
        "juki://municipality/１３１０１６/terminal/01",
    ],
)
def test_uri_not_of_this_network_refused(text: str) -> None:
    with pytest.raises(IdentityError):
        PeerIdentity.from_uri(text)


@pytest.mark.parametrize("code", ["131016", "112089", "012131", "012050", "011002", "473821"])
def test_official_municipality_code_accepted(code: str) -> None:
    check_municipality_code(code)


@pytest.mark.parametrize("code", ["112098", "112080", "131015", "13101", "1310160", "", "13101a"])
def test_municipality_code_with_an_error_refused(code: str) -> None:
    with pytest.raises(IdentityError, match="municipality code"):
        check_municipality_code(code)


@pytest.mark.parametrize(
    ("role", "municipality"),
    [(Role.TERMINAL, None), (Role.DESK, None), (Role.AGENCY, "131016"), (Role.CENTER, "131016")],
)
def test_municipality_where_none_belongs_or_missing_refused(
    role: Role, municipality: str | None
) -> None:
    with pytest.raises(IdentityError):
        PeerIdentity(role, "01", municipality)


@pytest.mark.parametrize(
    ("role", "label"),
    [(Role.TERMINAL, "131016"), (Role.TERMINAL, "131016-"), (Role.DESK, "01"), (Role.AGENCY, "")],
)
def test_label_without_a_part_refused(role: Role, label: str) -> None:
    with pytest.raises(IdentityError):
        PeerIdentity.from_label(role, label)


def test_certificate_in_each_encoding_gives_the_same_identity(pki: PKIFolder) -> None:
    terminal = pki.terminal("131016", "01").certificate

    found = {
        identity_from_certificate(terminal),
        identity_from_certificate(terminal.public_bytes(serialization.Encoding.DER)),
        identity_from_certificate(terminal.public_bytes(serialization.Encoding.PEM)),
    }

    assert found == {PeerIdentity(Role.TERMINAL, "01", "131016")}


def test_certificate_with_other_name_types_beside_the_uri_accepted() -> None:
    peer = certificate(uri("juki://center/a"), x509.DNSName("localhost"))

    assert identity_from_certificate(peer).role is Role.CENTER


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (certificate(), "no alternative names"),
        (certificate(x509.DNSName("localhost")), "0 URI names"),
        (certificate(uri(TERMINAL), uri(TERMINAL)), "2 URI names"),
        (certificate(uri(TERMINAL), uri("https://example.org")), "2 URI names"),
        (certificate(uri("https://example.org")), "not a name"),
        (certificate(uri(TERMINAL), ca=True), "authority"),
        (certificate(uri(TERMINAL), ca=None), "basic constraints"),
        (certificate(uri(TERMINAL), key=ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (certificate(uri(TERMINAL), key=ed25519.Ed25519PrivateKey.generate()), "P-256"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_certificate_that_is_no_peers_refused(refused: x509.Certificate, why: str) -> None:
    with pytest.raises(IdentityError, match=why):
        identity_from_certificate(refused)


@pytest.mark.parametrize("octets", [b"", b"\x30\x00", b"-----BEGIN CERTIFICATE-----\n"])
def test_bytes_that_are_no_certificate_refused(octets: bytes) -> None:
    with pytest.raises(IdentityError, match="not an X"):
        identity_from_certificate(octets)
