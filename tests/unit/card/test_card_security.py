from __future__ import annotations

import datetime
import hashlib
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from juki_card import card_security, ec, oid, tlv
from juki_card.card_security import ChipKey
from juki_card.errors import AuthenticationFailed, CertificateRefused, ParseError

NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
SIGNER_KEY = ec.private_key(ec.P256, 7)
CHIP_KEY = ChipKey(12, ec.encode_point(ec.private_key(ec.P256, 11).public_key()), 1)
PACE_INFO = tlv.encode(
    tlv.SEQUENCE,
    oid.encode_tlv(oid.PACE_ECDH_GM_AES_128) + tlv.encode_integer(2) + tlv.encode_integer(12),
)
CARD_ACCESS = tlv.encode(tlv.SET, PACE_INFO)
INFOS = tlv.encode(tlv.SET, PACE_INFO + CHIP_KEY.encode())


def signer_certificate(key: ec.PrivateKey = SIGNER_KEY) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "card signer")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.DER)


SIGNER = signer_certificate()
FILE = card_security.make(INFOS, signer_certificate=SIGNER, signer_key=SIGNER_KEY)


def test_a_signed_file_verifies_and_gives_the_chip_key() -> None:
    parsed = card_security.parse(FILE)

    parsed.verify([SIGNER], NOW)

    assert parsed.chip_keys() == (CHIP_KEY,)
    assert CHIP_KEY.serial == hashlib.sha256(CHIP_KEY.point).digest()


def test_the_file_fits_the_800_octets_of_the_profile() -> None:
    assert len(FILE) <= 800


def test_the_file_is_the_same_octets_each_time_it_is_made() -> None:
    assert card_security.make(INFOS, signer_certificate=SIGNER, signer_key=SIGNER_KEY) == FILE


def test_a_signer_that_is_not_trusted_is_refused() -> None:
    other = signer_certificate(ec.private_key(ec.P256, 8))

    with pytest.raises(CertificateRefused, match="unknown card signer"):
        card_security.parse(FILE).verify([other], NOW)


@pytest.mark.parametrize("days", [-2, 2])
def test_a_signer_outside_its_validity_is_refused(days: int) -> None:
    with pytest.raises(CertificateRefused, match="not valid at this time"):
        card_security.parse(FILE).verify([SIGNER], NOW + datetime.timedelta(days=days))


def test_a_signer_certificate_of_no_known_version_is_refused() -> None:
    odd = SIGNER.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020106"))
    parsed = replace(card_security.parse(FILE), signer_certificate=odd)

    with pytest.raises(CertificateRefused):
        parsed.verify([odd], NOW)


def test_a_signature_by_another_key_is_refused() -> None:
    forged = card_security.make(
        INFOS, signer_certificate=SIGNER, signer_key=ec.private_key(ec.P256, 9)
    )

    with pytest.raises(AuthenticationFailed, match="signature is wrong"):
        card_security.parse(forged).verify([SIGNER], NOW)


def test_other_content_under_the_signature_is_refused() -> None:
    parsed = replace(card_security.parse(FILE), security_infos=CARD_ACCESS)

    with pytest.raises(AuthenticationFailed, match="not what was signed"):
        parsed.verify([SIGNER], NOW)


def test_an_algorithm_outside_the_profile_is_refused() -> None:
    parsed = replace(card_security.parse(FILE), signature_algorithm="rsassa_pss")

    with pytest.raises(AuthenticationFailed, match="algorithms"):
        parsed.verify([SIGNER], NOW)


def test_card_access_that_offers_more_than_was_signed_is_refused() -> None:
    parsed = card_security.parse(FILE)
    weaker = tlv.encode(
        tlv.SEQUENCE,
        oid.encode_tlv(oid.PACE_ECDH_GM_AES_128) + tlv.encode_integer(2) + tlv.encode_integer(13),
    )

    parsed.covers(CARD_ACCESS)
    with pytest.raises(AuthenticationFailed, match=r"EF\.CardAccess"):
        parsed.covers(tlv.encode(tlv.SET, PACE_INFO + weaker))


def test_octets_after_the_structure_are_refused() -> None:
    with pytest.raises(ParseError):
        card_security.parse(FILE + b"\x00")


@settings(max_examples=400)
@given(st.integers(0, len(FILE) - 1), st.integers(0, 255))
def test_one_changed_octet_never_verifies_as_other_content(place: int, octet: int) -> None:
    changed = FILE[:place] + bytes((octet,)) + FILE[place + 1 :]
    try:
        parsed = card_security.parse(changed)
        parsed.verify([SIGNER], NOW)
    except (ParseError, AuthenticationFailed):
        return

    assert parsed.security_infos == INFOS


@given(st.binary(max_size=200))
def test_arbitrary_octets_meet_parse_error(octets: bytes) -> None:
    with pytest.raises(ParseError):
        card_security.parse(octets)


@pytest.mark.published
def test_published_files_parse_and_name_their_chip_keys(published: dict[str, Any]) -> None:
    stock = bytes.fromhex(published["ausweisapp_fixtures"]["efCardSecurity"])
    example = published["eac2_worked_example_ecdh"]

    parsed = card_security.parse(stock)

    assert hashlib.sha256(parsed.security_infos).digest() == parsed.message_digest
    assert [key.domain_parameter for key in parsed.chip_keys()] == [13]
    worked = card_security.parse(bytes.fromhex(example["ef_cardsecurity"]))
    assert [key.point.hex() for key in worked.chip_keys()] == [example["ca_picc_pub_key"]]
