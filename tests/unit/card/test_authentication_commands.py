"""Commands of Terminal and Chip Authentication, octet by octet, and how a card reads them."""

from __future__ import annotations

import pytest

from juki_card import chip_authentication as ca
from juki_card import ec, oid, tlv
from juki_card import terminal_authentication as ta
from juki_card.apdu import ResponseAPDU
from juki_card.errors import AuthenticationFailed, CertificateRefused, ParseError
from tests.support.eac_world import AUXILIARY, world

EPHEMERAL = bytes(range(32))
ANNOUNCED = ta.Announcement("JPTESTAT00256", EPHEMERAL, AUXILIARY)
TA_PROTOCOL = "800a04007f00070202020203"
CA_PROTOCOL = "800a04007f00070202030202"
BOTH = pytest.mark.parametrize("domain", [ec.P256, ec.BRAINPOOL_P256R1], ids=lambda d: d.name)


def test_issuer_is_named_as_the_profile_says() -> None:
    command = ta.mse_set_dst("JPTESTCVCA00001")

    assert command.encode().hex() == "002281b611830f" + b"JPTESTCVCA00001".hex()
    assert ta.decode_mse_set_dst(command.data) == "JPTESTCVCA00001"


def test_certificate_is_sent_without_its_outer_tag() -> None:
    certificate = world().dv.certificate

    command = ta.verify_certificate(certificate)

    assert command.header.hex() == "002a00be"
    assert tlv.encode(0x7F21, command.data) == certificate.encode()


def test_announcement_has_its_four_objects_in_order() -> None:
    command = ta.mse_set_at(ANNOUNCED)

    assert command.header.hex() == "002281a4"
    assert command.data.hex() == (
        TA_PROTOCOL + "830d" + b"JPTESTAT00256".hex() + "9120" + EPHEMERAL.hex() + AUXILIARY.hex()
    )
    assert ta.decode_mse_set_at(command.data) == ANNOUNCED


def test_announcement_without_auxiliary_data_is_read() -> None:
    plain = ta.Announcement("JPTESTAT00256", EPHEMERAL, b"")

    assert ta.decode_mse_set_at(ta.mse_set_at(plain).data) == plain


@pytest.mark.parametrize(
    "data",
    [
        "",
        TA_PROTOCOL,
        TA_PROTOCOL + "83014a",
        TA_PROTOCOL + "83014a91018083014a",
        TA_PROTOCOL + "83014a910180ff00",
        TA_PROTOCOL + "83014a9101808400",
        "8000" + "83014a910180",
        TA_PROTOCOL + "8300910180",
    ],
)
def test_announcement_of_another_form_is_refused(data: str) -> None:
    with pytest.raises(ParseError):
        ta.decode_mse_set_at(bytes.fromhex(data))


def test_challenge_is_eight_octets() -> None:
    assert ta.get_challenge().encode().hex() == "0084000008"
    assert ta.challenge((ResponseAPDU(bytes(8), 0x9000),)) == bytes(8)
    with pytest.raises(ParseError):
        ta.challenge((ResponseAPDU(bytes(7), 0x9000),))


def test_signature_is_sent_plain() -> None:
    command = ta.external_authenticate(bytes(64))

    assert command.encode().hex() == "0082000040" + "00" * 64


def test_signed_octets_are_the_parts_one_after_the_other() -> None:
    assert ta.signature_input(b"i" * 32, b"r" * 8, b"e" * 32, b"a") == (
        b"i" * 32 + b"r" * 8 + b"e" * 32 + b"a"
    )


def test_algorithm_that_we_do_not_accept_is_not_signed_with() -> None:
    with pytest.raises(CertificateRefused):
        ta.sign(world().dv.key, b"message", algorithm=f"{oid.TA}.2.1")


def test_key_of_chip_authentication_is_named_as_the_profile_says() -> None:
    command = ca.mse_set_at(1)

    assert command.encode().hex() == "002241a40f" + CA_PROTOCOL + "840101"
    assert ca.decode_mse_set_at(command.data) == 1
    assert ca.decode_mse_set_at(ca.mse_set_at(None).data) is None


@pytest.mark.parametrize(
    "data",
    ["", "840101", CA_PROTOCOL + "8400", CA_PROTOCOL + "84020001", CA_PROTOCOL + "830101"],
)
def test_key_named_in_another_form_is_refused(data: str) -> None:
    with pytest.raises(ParseError):
        ca.decode_mse_set_at(bytes.fromhex(data))


def test_ephemeral_point_is_sent_whole() -> None:
    point = ec.encode_point(ec.private_key(ec.P256, 9).public_key())

    command = ca.general_authenticate(point)

    assert command.encode().hex() == "00860000457c438041" + point.hex() + "00"
    assert ca.decode_general_authenticate(command.data) == point


@pytest.mark.parametrize(
    "data",
    [
        "",
        "7c00",
        "7c148108" + "00" * 8 + "8208" + "00" * 8 + "00",
        "7c0a8108" + "00" * 8,
        "7c138107" + "00" * 7 + "8208" + "00" * 8,
        "7c138108" + "00" * 8 + "8207" + "00" * 7,
        "7c148208" + "00" * 8 + "8108" + "00" * 8,
    ],
)
def test_answer_of_another_form_is_refused(data: str) -> None:
    with pytest.raises(ParseError):
        ca.decode_answer(bytes.fromhex(data))


@BOTH
def test_leading_zero_of_the_secret_stays_in_the_keys(domain: ec.Domain) -> None:
    card = ec.private_key(domain, 0xCA4D)
    own = next(
        key
        for key in (ec.private_key(domain, number) for number in range(1, 6000))
        if ec.ecdh(key, card.public_key())[0] == 0
    )
    point = ec.encode_point(own.public_key())

    agreed = ca.agree(card, own.public_key(), nonce=b"12345678", ephemeral=point)
    session = ca.verify_answer(ca.encode_answer(b"12345678", agreed.token), own, card.public_key())

    assert (session.enc, session.mac) == (agreed.keys.enc, agreed.keys.mac)


@BOTH
def test_card_with_another_key_is_refused(domain: ec.Domain) -> None:
    own = ec.private_key(domain, 5)
    point = ec.encode_point(own.public_key())
    clone = ca.agree(ec.private_key(domain, 6), own.public_key(), nonce=bytes(8), ephemeral=point)

    with pytest.raises(AuthenticationFailed, match="key"):
        ca.verify_answer(
            ca.encode_answer(bytes(8), clone.token), own, ec.private_key(domain, 7).public_key()
        )
