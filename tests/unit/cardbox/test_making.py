"""Making cards: profiles, personal data, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec as asymmetric
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import load_der_x509_certificate
from cryptography.x509.oid import NameOID

from juki_card import card_security, ec
from juki_card.card_access import CardAccess
from juki_card.errors import ParseError
from juki_card.passwords import Pin, TransportPin
from juki_card.virtual.memory import CardMemory, PinState
from juki_cardbox.cardfile import CardFile
from juki_cardbox.errors import CardExists, PKIFileError
from juki_cardbox.holder_data import ask_holder_data, parse_holder_data
from juki_cardbox.personalise import CardSigner, Personalisation, make_card, make_memory, serial_of
from juki_cardbox.pki_files import SIGNER_CERTIFICATE, SIGNER_KEY, TRUST_POINT, load_material
from juki_cardbox.profiles import JUKI, NPA, Profile
from tests.support.eac_world import CAN, NOW, PIN, RESIDENT_CODE, TODAY, FixedChance, world


def wanted(
    *,
    pin: Pin | TransportPin = PIN,
    resident_code: str | None = RESIDENT_CODE,
    profile: Profile = JUKI,
) -> Personalisation:
    """Return an order for a card."""
    here = world()
    trust_point = here.cvca.certificate
    return Personalisation(pin, CAN, trust_point, here.signer, TODAY, resident_code, profile)


def content(memory: CardMemory, identifier: int) -> bytes:
    """Return what is in a file."""
    return next(file.content for file in memory.files if file.identifier == identifier)


def test_card_security_signs_what_card_access_offers_and_the_chip_key() -> None:
    memory = make_memory(wanted(), FixedChance(1))

    security = card_security.parse(content(memory, 0x011D))

    security.verify([world().signer.certificate], NOW)
    security.covers(content(memory, 0x011C))
    (key,) = security.chip_keys()
    assert key.point == ec.encode_point(memory.chip_key.public_key())
    assert key.serial == serial_of(memory)


def test_card_access_is_the_same_for_a_whole_batch() -> None:
    first, second = (make_memory(wanted(), FixedChance(seed)) for seed in (1, 2))

    assert (
        content(first, 0x011C) == content(second, 0x011C) == CardAccess.offering(ec.P256).encode()
    )
    assert serial_of(first) != serial_of(second)


def test_card_of_a_clerk_has_no_resident_code() -> None:
    memory = make_memory(wanted(resident_code=None), FixedChance(1))

    assert {file.identifier for file in memory.files} == {0x2F00, 0x011C, 0x011D}


def test_stock_profile_has_the_directory_that_stock_clients_know() -> None:
    memory = make_memory(wanted(pin=Pin("123456"), resident_code=None, profile=NPA), FixedChance(1))

    directory = content(memory, 0x2F00)
    assert len(directory) == 0x5A
    assert directory.startswith(bytes.fromhex("61324f0fe828bd080f"))
    assert ec.domain_of_key(memory.chip_key) is ec.BRAINPOOL_P256R1
    assert memory.suspends_last_try


def test_transport_pin_makes_a_card_that_was_not_handed_over() -> None:
    memory = make_memory(wanted(pin=TransportPin("12345")), FixedChance(1))

    assert memory.pin.state is PinState.TRANSPORT


@pytest.mark.parametrize(("pin", "profile"), [("123456", JUKI), ("1234", NPA)])
def test_pin_of_another_length_than_the_profile_is_refused(pin: str, profile: Profile) -> None:
    with pytest.raises(ParseError, match=r"profile \w+ wants"):
        make_memory(wanted(pin=Pin(pin), profile=profile), FixedChance(1))


@pytest.mark.parametrize("code", ["", "1120890001", "112089000177", "1120890001x"])
def test_resident_code_that_is_none_is_refused(code: str) -> None:
    with pytest.raises(ParseError):
        make_memory(wanted(resident_code=code), FixedChance(1))


def test_signer_whose_certificate_is_too_long_for_a_card_is_refused() -> None:
    long = CardSigner(long_certificate(), world().signer.key)

    with pytest.raises(ParseError, match="at most 800"):
        make_memory(replace(wanted(), signer=long), FixedChance(1))


def long_certificate() -> bytes:
    """Return a certificate with a long name."""
    key = world().signer.key
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a long name " * 5)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.DER)


def test_made_card_is_in_its_file_and_not_made_again(tmp_path: Path) -> None:
    memory = make_card(tmp_path / "one.card", wanted())

    with pytest.raises(CardExists):
        make_card(tmp_path / "one.card", wanted())

    assert serial_of(CardFile(tmp_path / "one.card").load()) == serial_of(memory)


def test_repr_shows_no_secret() -> None:
    memory = make_memory(wanted(), FixedChance(1))

    shown = f"{memory!r} {memory.files!r} {memory.pin!r} {wanted().signer!r}"

    assert "4649" not in shown
    assert "310452" not in shown
    assert RESIDENT_CODE not in shown


# Personal data


def test_personal_data_come_from_json() -> None:
    found = parse_holder_data('{"pin": "4649", "can": "310452", "resident_code": "11208900017"}')

    assert (found.pin, found.can, found.resident_code) == (PIN, CAN, RESIDENT_CODE)
    assert "4649" not in repr(found)


def test_transport_pin_and_no_code_come_from_json() -> None:
    found = parse_holder_data('{"transport_pin": "12345", "can": "310452"}')

    assert (found.pin, found.resident_code) == (TransportPin("12345"), None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"pin": 4649, "can": "310452"}',
        '{"pin": "4649"}',
        '{"can": "310452"}',
        '{"pin": "4649", "transport_pin": "12345", "can": "310452"}',
        '{"pin": "464", "can": "310452"}',
        '{"pin": "4649", "can": "310452", "name": "x"}',
    ],
)
def test_other_personal_data_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(ParseError) as refusal:
        parse_holder_data(text)

    assert "464" not in str(refusal.value)
    assert "310452" not in str(refusal.value)


def test_personal_data_are_asked_for() -> None:
    answers = {"R": RESIDENT_CODE, "C": "310452"}

    found = ask_holder_data(lambda question: answers[question[0]], lambda _: "4649")

    assert (found.pin, found.can, found.resident_code) == (PIN, CAN, RESIDENT_CODE)


# The PKI folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A PKI folder with what a card needs."""
    here = world()
    certificate = load_der_x509_certificate(here.signer.certificate)
    for path, octets in (
        (TRUST_POINT, here.cvca.certificate.encode()),
        (SIGNER_CERTIFICATE, certificate.public_bytes(Encoding.PEM)),
        (SIGNER_KEY, pem(here.signer.key)),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(octets)
    return tmp_path


def pem(key: asymmetric.EllipticCurvePrivateKey) -> bytes:
    """Return a key as its file has it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_material_is_read_from_the_folder(folder: Path) -> None:
    material = load_material(folder)

    assert material.trust_point == world().cvca.certificate
    assert material.signer.certificate == world().signer.certificate


@pytest.mark.parametrize("name", [TRUST_POINT, SIGNER_CERTIFICATE, SIGNER_KEY])
def test_file_that_is_missing_or_broken_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"broken")
    with pytest.raises(PKIFileError, match=Path(name).name):
        load_material(folder)

    (folder / name).unlink()
    with pytest.raises(PKIFileError, match=Path(name).name):
        load_material(folder)


def test_key_of_another_certificate_is_refused(folder: Path) -> None:
    (folder / SIGNER_KEY).write_bytes(pem(world().key("another")))

    with pytest.raises(PKIFileError, match="not the key"):
        load_material(folder)
