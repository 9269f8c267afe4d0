"""Real CV certificates, EF.CardAccess files and descriptions, as they were issued."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from juki_card import cvc, files, oid, security_infos
from juki_card.card_access import CardAccess
from juki_card.chat import Role
from juki_card.cvc import CVCertificate
from juki_card.description import CertificateDescription
from juki_card.errors import CertificateRefused, ParseError

pytestmark = pytest.mark.published

NOT_THE_SHORTEST_LENGTH = "kba_dvca_cert"
REQUEST = "req_18102010_csr"
FAULTY = (NOT_THE_SHORTEST_LENGTH, REQUEST)


@pytest.fixture(scope="module")
def collection(published: dict[str, Any]) -> dict[str, bytes]:
    """Return every octet string of the collections of real files, by name."""
    groups = (published["openpace_other"], published["ausweisapp_fixtures"])
    return {
        name: bytes.fromhex(value)
        for group in groups
        for name, value in group.items()
        if name != "source"
    }


@pytest.fixture(scope="module")
def certificates(collection: dict[str, bytes]) -> dict[str, CVCertificate]:
    return {
        name: CVCertificate.decode(octets)
        for name, octets in collection.items()
        if octets.startswith(bytes.fromhex("7f21")) and name not in FAULTY
    }


def test_every_certificate_encodes_back_to_its_octets(
    collection: dict[str, bytes], certificates: dict[str, CVCertificate]
) -> None:
    assert len(certificates) == 21
    for name, certificate in certificates.items():
        assert certificate.encode() == collection[name], name
        assert certificate.body.encode() == certificate.signed, name


def test_certificate_whose_length_is_not_the_shortest_is_refused(
    collection: dict[str, bytes],
) -> None:
    faulty = collection[NOT_THE_SHORTEST_LENGTH]

    with pytest.raises(ParseError, match="shortest"):
        CVCertificate.decode(faulty)

    assert CVCertificate.decode(bytes.fromhex("7f2181e7") + faulty[5:]).chr == "DEDVeIDDTR101201"


def test_certificate_request_is_no_certificate(collection: dict[str, bytes]) -> None:
    with pytest.raises(ParseError):
        CVCertificate.decode(collection[REQUEST])


@pytest.mark.parametrize(
    "names",
    [
        ("cvca-DECVCAeID00102", "kba_dvca_cert_2", "kba_cert_2"),
        ("cvca-DECVCAeID00102", "kba_dvca_cert_2", "kba_cert_3"),
        ("cvca-DECVCAeID00102", "kba_dvca_cert_2", "kba_cert_4"),
        ("cvca-DECVCAeID00102", "allianz_dvcert", "allianz_cert"),
        ("cvca-DETESTeID00004", "cvdv-DEDVeIDDPST00035", "cvat-DEDEMODEV00038"),
        ("cvca-DETESTeID00004", "cvdv-DEDVeIDDPST00039", "cvat-DEDEMOPAA00079"),
        (
            "cvca-DETESTeID00001",
            "cvca-DETESTeID00002_DETESTeID00001",
            "cvca-DETESTeID00004_DETESTeID00002",
            "cvdv-DEDVeIDDPST00035",
            "cvat-DEDEMODEV00038",
        ),
    ],
    ids=lambda names: names[-1],
)
def test_real_chain_verifies_on_its_days_and_not_after(
    certificates: dict[str, CVCertificate], names: tuple[str, ...]
) -> None:
    anchor, *chain = (certificates[name] for name in names)
    terminal = chain[-1]
    # A link certificate makes a trust point of its own, with its own rights.
    root = chain[-3] if len(chain) > 2 else anchor

    for day in (terminal.effective, terminal.expiration):
        holder = cvc.verify_chain(chain, anchor, day)
        assert holder.reference == terminal.chr
        assert holder.chat.rights == terminal.chat.rights & chain[-2].chat.rights & root.chat.rights
    with pytest.raises(CertificateRefused, match="expired"):
        cvc.verify_chain(chain, anchor, terminal.expiration + timedelta(days=1))
    with pytest.raises(CertificateRefused, match="not valid before"):
        cvc.verify_chain(chain, anchor, terminal.effective - timedelta(days=1))


def test_real_terminal_certificate_is_refused_under_a_name_alone(
    certificates: dict[str, CVCertificate],
) -> None:
    anchor = certificates["cvca-DETESTeID00001"]
    stranger = certificates["cvdv-DEDVeIDDPST00035"]

    with pytest.raises(CertificateRefused, match="issued by DETESTeID00004"):
        cvc.verify_chain([stranger], anchor, date(2014, 3, 1))


@pytest.mark.parametrize("name", ["DECVCAeID00102", "DETESTeID00001", "DETESTeID00004"])
def test_real_trust_point_is_signed_by_itself(
    certificates: dict[str, CVCertificate], name: str
) -> None:
    certificate = certificates[f"cvca-{name}"]

    cvc.verify_self_signed(certificate)

    assert certificate.chat.role is Role.CVCA
    assert cvc.trust_point(certificate).domain.name == "brainpoolP256r1"


@pytest.mark.parametrize(
    ("certificate", "description"),
    [
        ("cvc1", "cvc1_desc"),
        ("kba_cert", "kba_cert_desc"),
        ("kba_cert_2", "kba_cert_desc_2"),
        ("allianz_cert", "allianz_desc"),
        ("kba_cert_3", "kba_cert_desc_2"),
        ("kba_cert_4", "kba_cert_desc_2"),
    ],
)
def test_description_is_the_one_that_the_certificate_names(
    collection: dict[str, bytes],
    certificates: dict[str, CVCertificate],
    certificate: str,
    description: str,
) -> None:
    octets = collection[description]

    parsed = CertificateDescription.decode(octets)

    assert parsed.encode() == octets
    assert parsed.digest() == certificates[certificate].description_digest


def test_every_description_parses_and_encodes_back(collection: dict[str, bytes]) -> None:
    names = [name for name in collection if "desc" in name.lower()]

    assert len(names) == 6
    for name in names:
        assert CertificateDescription.decode(collection[name]).encode() == collection[name], name


def test_every_card_access_file_parses_and_encodes_back(
    published: dict[str, Any], collection: dict[str, bytes]
) -> None:
    found = {name: octets for name, octets in collection.items() if "ardaccess" in name.lower()}
    found["example"] = bytes.fromhex(published["eac2_worked_example_ecdh"]["ef_cardaccess"])

    assert len(found) == 5
    for name, octets in found.items():
        content = files.content(octets)
        assert security_infos.encode(security_infos.decode(content)) == content, name


@pytest.mark.parametrize(
    ("name", "key_id"),
    [
        ("ef_cardaccess_new_testcard", 0x41),
        ("ef_cardaccess_ca3", 0x48),
        ("efCardAccess", 0x48),
    ],
)
def test_card_access_of_a_real_card_offers_what_we_speak(
    collection: dict[str, bytes], name: str, key_id: int
) -> None:
    access = CardAccess.decode(files.content(collection[name]))

    assert access.pace.protocol == oid.PACE_ECDH_GM_AES_128
    assert access.domain.name == "brainpoolP256r1"
    assert access.chip_authentication.key_id == key_id
    assert access.chip_authentication_domain is access.domain


def test_card_access_of_an_old_card_parses_and_offers_no_pace_of_ours(
    collection: dict[str, bytes],
) -> None:
    access = CardAccess.decode(collection["ef_cardaccess_old_testcard"])

    with pytest.raises(ParseError, match="no PACE"):
        _ = access.pace


def test_card_access_with_filling_after_it_is_refused_as_content(
    collection: dict[str, bytes],
) -> None:
    with pytest.raises(ParseError, match="follow"):
        CardAccess.decode(collection["efCardAccess"][:1024])
