"""`juki-pki show` explains each kind of file, and says what is wrong with a broken one."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from juki_pki.errors import Missing, Unreadable
from juki_pki.explanation import Explanation
from juki_pki.folder import PKIFolder
from juki_pki.show import explain, explain_file


def shown(octets: bytes, now: datetime) -> Explanation:
    """Explain bytes that hold one thing."""
    (only,) = explain(octets, "given", now)
    return only


def test_peers_certificate_explained(pki: PKIFolder, now: datetime) -> None:
    path = pki.path / "terminal/131016-01/certificate.pem"

    (found,) = explain_file(path, now)

    assert found.kind == "x509-certificate"
    assert found.headline == "X.509 certificate of window terminal 01 of municipality 131016"
    assert found.facts["names"] == ("juki://municipality/131016/terminal/01",)
    assert found.facts["may_be_used_for"] == ("digital signature", "TLS client")
    assert found.facts["signed_by"] == "CN=Juki-Net issuing authority,O=Juki-Net,C=JP"
    assert found.facts["certificate_sha256"] == (
        pki.terminal("131016", "01").certificate_sha256.hex()
    )
    assert found.remarks == ()


def test_certificate_in_der_explained_like_in_pem(pki: PKIFolder, now: datetime) -> None:
    terminal = pki.terminal("131016", "01").certificate

    from_der = shown(terminal.public_bytes(Encoding.DER), now)
    from_pem = shown(terminal.public_bytes(Encoding.PEM), now)

    assert from_der == from_pem


def test_chain_explained_certificate_by_certificate(pki: PKIFolder, now: datetime) -> None:
    found = explain_file(pki.path / "center/center-1/chain.pem", now)

    assert [item.headline for item in found] == [
        "X.509 certificate of center node center-1",
        "X.509 certificate of a certificate authority",
    ]


def test_authority_explained_with_the_names_that_it_may_certify(
    pki: PKIFolder, now: datetime
) -> None:
    (root,) = explain_file(pki.trust_path / "root.pem", now)
    (issuing,) = explain_file(pki.trust_path / "issuing.pem", now)

    assert root.facts["signed_by"] == "itself"
    assert "juki://municipality/..." in str(issuing.facts["may_certify_names"])


@pytest.mark.parametrize(
    ("days", "remark"),
    [
        (-1, "Not valid yet: begins in less than a day."),
        (-3, "Not valid yet: begins in 2 days."),
        (0, None),
        (362, "Ends in 2 days."),
        (363, "Ends in 1 day."),
        (364, "Ends in less than a day."),
        (366, "EXPIRED 1 day ago."),
        (400, "EXPIRED 35 days ago."),
    ],
)
def test_time_of_validity_remarked(
    pki: PKIFolder, now: datetime, days: int, remark: str | None
) -> None:
    path = pki.path / "operator/operator-1/certificate.pem"

    (found,) = explain_file(path, now + timedelta(days=days, hours=1))

    assert found.remarks == ((remark,) if remark else ())


def test_key_explained_by_its_public_half_alone(pki: PKIFolder, now: datetime) -> None:
    path = pki.path / "operator/operator-1/key.pem"
    key = pki.operator("operator-1").key
    number = key.private_numbers().private_value

    (found,) = explain_file(path, now)

    point = key.public_key().public_bytes(
        Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    text = repr(found) + "\n".join(found.as_lines())
    assert found.facts["public_point"] == point.hex()
    assert found.facts["file_mode"] == "0600"
    assert f"{number:x}" not in text.lower()
    assert str(number) not in text
    assert path.read_text().splitlines()[1] not in text


def test_key_in_der_explained_like_in_pem(pki: PKIFolder, now: datetime) -> None:
    credential = pki.operator("operator-1")
    der = credential.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    assert shown(der, now) == shown(credential.key_pem, now)


@pytest.mark.parametrize(
    "place", ["operator/operator-1/key.pem", "personalisation.key", "log-signer/key.pem"]
)
def test_key_that_others_can_read_remarked(own_pki: PKIFolder, now: datetime, place: str) -> None:
    path = own_pki.path / place
    path.chmod(0o640)

    (found,) = explain_file(path, now)

    assert found.facts["file_mode"] == "0640"
    assert "0600" in found.remarks[0]


def key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, form: PrivateFormat) -> bytes:
    """Encode a key that is not one of ours."""
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"hello", "begins with 68656c6c"),
        (b"\x30\x03\x30\x01\x00", "like an X.509 certificate in DER, broken"),
        (b"\x30\x05\x02\x01\x00\x30\x00", "begins like a private key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n", "no end"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "broken"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END PRIVATE KEY-----\n", "no end"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not an unencrypted"),
        (
            b"-----BEGIN JUKI PERSONALISATION KEY-----\nAAAA\n"
            b"-----END JUKI PERSONALISATION KEY-----\n",
            "begins like a personalisation key",
        ),
        (b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "X509 CRL: not a kind"),
        (key_pem(ec.generate_private_key(ec.SECP384R1()), PrivateFormat.PKCS8), "not on P-256"),
        (
            key_pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.TraditionalOpenSSL),
            "EC PRIVATE KEY: not a kind",
        ),
        (key_pem(rsa.generate_private_key(65537, 2048), PrivateFormat.PKCS8), "not on P-256"),
    ],
    ids=range(14),
)
def test_broken_or_foreign_file_refused_with_what_is_wrong(
    octets: bytes, why: str, now: datetime
) -> None:
    with pytest.raises(Unreadable, match=why):
        explain(octets, "given", now)


@pytest.mark.parametrize("place", ["trust/root.pem", "terminal/131016-01/chain.pem"])
def test_file_cut_anywhere_never_fails_otherwise(pki: PKIFolder, now: datetime, place: str) -> None:
    whole = (pki.path / place).read_bytes()

    for length in range(0, len(whole), 7):
        with suppress(Unreadable):
            explain(whole[:length], "given", now)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_der_with_one_byte_changed_never_fails_otherwise(pki: PKIFolder, now: datetime) -> None:
    whole = pki.root().certificate.public_bytes(Encoding.DER)

    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x55
        with suppress(Unreadable):
            explain(bytes(changed), "given", now)


def test_file_not_there_reported_missing(tmp_path: Path, now: datetime) -> None:
    with pytest.raises(Missing):
        explain_file(tmp_path / "nothing", now)


def test_file_too_long_refused(tmp_path: Path, now: datetime) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"\x30" * ((1 << 20) + 1))

    with pytest.raises(Unreadable, match="longer"):
        explain_file(path, now)
