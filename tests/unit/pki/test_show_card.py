"""`juki-pki show` on what belongs to card access, ours and others'."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec as asymmetric
from cryptography.hazmat.primitives.serialization import Encoding

from juki_card import card_security, ec, tlv
from juki_card.card_access import CA_KEY_ID, CardAccess
from juki_card.domains import P256
from juki_pki.errors import Unreadable
from juki_pki.explanation import Explanation
from juki_pki.folder import PKIFolder
from juki_pki.show import explain, explain_file


def shown(octets: bytes, now: datetime) -> Explanation:
    """Explain bytes that hold one thing."""
    (only,) = explain(octets, "given", now)
    return only


@pytest.fixture(scope="session")
def chip_point() -> bytes:
    """Return a card's public key."""
    return ec.encode_point(asymmetric.generate_private_key(asymmetric.SECP256R1()).public_key())


@pytest.fixture(scope="session")
def signed_card(pki: PKIFolder, chip_point: bytes) -> bytes:
    """Return an EF.CardSecurity by the folder's card signer."""
    offered = tlv.expect(CardAccess.offering(P256).encode(), tlv.SET)
    chip_key = card_security.ChipKey(P256.parameter_id, chip_point, CA_KEY_ID).encode()
    signer = pki.card_signer()
    return card_security.make(
        tlv.encode(tlv.SET, offered + chip_key),
        signer_certificate=signer.certificate.public_bytes(Encoding.DER),
        signer_key=signer.key,
    )


def test_trust_point_explained(pki: PKIFolder, now: datetime) -> None:
    (found,) = explain_file(pki.trust_path / "cvca.cvcert", now)

    assert found.kind == "cv-certificate"
    assert found.headline == ("CV certificate of the root of card access (CVCA) JPJUKICVCA00001")
    assert found.facts["signed_by"] == "itself"
    assert found.facts["curve"] == "stands in the certificate"
    assert found.remarks == ()


def test_trust_points_one_after_the_other_explained_each(pki: PKIFolder, now: datetime) -> None:
    octets = (pki.trust_path / "cvca.cvcert").read_bytes()
    octets += (pki.trust_path / "dv.cvcert").read_bytes()

    found = explain(octets, "given", now)

    assert [one.headline.split()[-1] for one in found] == ["JPJUKICVCA00001", "JPJUKIDV00001"]


def test_trust_point_with_a_wrong_signature_remarked(pki: PKIFolder, now: datetime) -> None:
    octets = bytearray((pki.trust_path / "cvca.cvcert").read_bytes())
    octets[-1] ^= 1

    found = shown(bytes(octets), now)

    assert any("NOT RIGHT" in remark for remark in found.remarks)


def test_access_certificate_explained_with_its_one_right(pki: PKIFolder, now: datetime) -> None:
    path = pki.path / "cv/at-center-auth"

    (found,) = explain_file(path / "certificate.cvcert", now)

    assert found.headline == "CV certificate of the terminal JPJUKIAUTH00001"
    assert found.facts["rights"] == ("read DG1, the resident code",)
    assert found.facts["signed_by"] == "JPJUKIDV00001"
    assert found.facts["description_sha256"] == (
        hashlib.sha256((path / "description.der").read_bytes()).hexdigest()
    )


def test_access_certificate_valid_through_its_last_day(pki: PKIFolder, now: datetime) -> None:
    path = pki.path / "cv/at-center-auth/certificate.cvcert"
    first = pki.cv("at-center-auth").certificate.body.effective
    last_hour = datetime(first.year, first.month, first.day, 23, tzinfo=UTC) + timedelta(days=2)

    (alive,) = explain_file(path, last_hour)
    (dead,) = explain_file(path, last_hour + timedelta(hours=1))

    assert alive.remarks == ("Ends in less than a day.",)
    assert dead.remarks == ("EXPIRED less than a day ago.",)


def test_description_explained_with_the_tls_certificates(pki: PKIFolder, now: datetime) -> None:
    (found,) = explain_file(pki.trust_path / "at-center-auth.description.der", now)

    assert found.kind == "certificate-description"
    assert found.facts["subject"] == "Juki-Net center, resident authentication"
    assert found.facts["tls_certificates_sha256"] == (
        pki.center("center-1").certificate_sha256.hex(),
    )


def test_card_security_explained_with_the_cards_serial(
    pki: PKIFolder, now: datetime, signed_card: bytes, chip_point: bytes
) -> None:
    found = shown(signed_card, now)

    assert found.kind == "card-security"
    assert len(signed_card) <= 800
    assert found.facts["card_serials"] == (hashlib.sha256(chip_point).hexdigest(),)
    assert found.facts["signed_by"] == "CN=Juki card signer"
    assert not any("signature" in remark for remark in found.remarks)


def test_card_security_with_another_content_remarked(
    now: datetime, signed_card: bytes, chip_point: bytes
) -> None:
    other = asymmetric.generate_private_key(asymmetric.SECP256R1()).public_key()
    forged = signed_card.replace(chip_point, ec.encode_point(other))

    found = shown(forged, now)

    assert any("NOT RIGHT" in remark for remark in found.remarks)


def test_card_access_explained_by_its_protocols(now: datetime) -> None:
    found = shown(CardAccess.offering(P256).encode(), now)

    assert found.kind == "card-access"
    assert found.facts["offers"] == (
        "PACE 2 (ECDH, generic mapping, AES-128) on NIST P-256",
        "Terminal Authentication 2",
        "Chip Authentication 2 (ECDH, AES-128) with key 1",
        "Chip Authentication on NIST P-256 with key 1",
    )


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"\x7f\x21\x03\x7f\x4e\x00", "like a CV certificate, broken"),
        (b"\x7f\x21", "like a CV certificate, broken"),
        (b"\x31\x03\x30\x00\x00", "like EF.CardAccess, broken"),
        (bytes.fromhex("300c060a04007f00070301030101"), "like a certificate des"),
        (bytes.fromhex("300b06092a864886f70d010702"), "like EF.CardSecurity, broken"),
    ],
    ids=range(5),
)
def test_broken_card_file_refused_with_what_it_seemed(
    octets: bytes, why: str, now: datetime
) -> None:
    with pytest.raises(Unreadable, match=why):
        explain(octets, "given", now)


@pytest.mark.parametrize("name", ["cvca.cvcert", "dv.cvcert", "at-center-id.description.der"])
def test_file_with_one_byte_changed_never_fails_otherwise(
    pki: PKIFolder, now: datetime, name: str
) -> None:
    whole = (pki.trust_path / name).read_bytes()

    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0x81
        with suppress(Unreadable):
            explain(bytes(changed), "given", now)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_card_security_with_one_byte_changed_never_fails_otherwise(
    now: datetime, signed_card: bytes
) -> None:
    for place in range(len(signed_card)):
        changed = bytearray(signed_card)
        changed[place] ^= 0x81
        with suppress(Unreadable):
            explain(bytes(changed), "given", now)


@pytest.mark.published
def test_real_certificate_and_description_explained(
    published: dict[str, Any], now: datetime
) -> None:
    others = published["openpace_other"]

    certificate = shown(bytes.fromhex(others["kba_cert"]), now)
    description = shown(bytes.fromhex(others["kba_cert_desc"]), now)

    assert certificate.headline == "CV certificate of the terminal DE0000071003G3"
    assert "EXPIRED" in certificate.remarks[0]
    assert description.facts["subject"] == "Kraftfahrt-Bundesamt"
    assert description.facts["description_sha256"] == certificate.facts["description_sha256"]


@pytest.mark.published
def test_real_card_security_explained(published: dict[str, Any], now: datetime) -> None:
    octets = bytes.fromhex(published["ausweisapp_fixtures"]["efCardSecurity"])

    found = shown(octets, now)

    assert "Document Signer" in str(found.facts["signed_by"])
    assert "Terminal Authentication 2" in found.facts["offers"]  # type: ignore[operator]  # a tuple
