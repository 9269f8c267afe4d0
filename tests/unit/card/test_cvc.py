from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_card import cvc, ec, oid, tlv
from juki_card.chat import CHAT, Right, Role, TerminalType
from juki_card.cv_key import CVPublicKey
from juki_card.cvc import CertificateBody, CVCertificate, Extension
from juki_card.errors import CardError, CertificateRefused, ParseError
from juki_card.tlv import TLV
from tests.support.eac_world import ALL_RIGHTS, AUTH, TODAY, Credential, EACWorld, world

WORLD = world()
TERMINAL = WORLD.terminal()
CHAIN = (WORLD.dv.certificate, TERMINAL.certificate)
ANCHOR = WORLD.cvca.certificate
DAY = timedelta(days=1)
NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=16)
BODIES = st.builds(
    CertificateBody,
    car=NAMES,
    public_key=st.sampled_from(
        [
            CVPublicKey.of(ec.private_key(domain, 5).public_key(), explicit=explicit)
            for domain in ec.DOMAINS
            for explicit in (True, False)
        ]
    ),
    chr=NAMES,
    chat=st.builds(CHAT, st.sampled_from(Role), st.integers(0, 2**38 - 1)),
    effective=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    expiration=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    extensions=st.sampled_from(
        [(), (Extension.description(bytes(32)),), (Extension.description(b"\x01"),)]
    ),
)


def resigned(body: CertificateBody, key: ec.PrivateKey) -> CVCertificate:
    return cvc.make_certificate(body, key, algorithm=oid.TA_ECDSA_SHA_256)


def changed(credential: Credential, issuer: Credential, **fields: object) -> CVCertificate:
    return resigned(replace(credential.certificate.body, **fields), issuer.key)  # type: ignore[arg-type]


@given(BODIES)
def test_any_certificate_survives_encoding(body: CertificateBody) -> None:
    certificate = CVCertificate(body, bytes(64), body.encode())

    decoded = CVCertificate.decode(certificate.encode())

    assert decoded == certificate
    assert CVCertificate.decode_value(certificate.encode_value()) == certificate


@given(st.data())
def test_certificate_with_one_other_octet_is_refused_or_does_not_verify(
    data: st.DataObject,
) -> None:
    octets = bytearray(CHAIN[0].encode())
    position = data.draw(st.integers(0, len(octets) - 1))
    octets[position] ^= data.draw(st.integers(1, 255))

    with pytest.raises(CardError):
        cvc.verify_chain([CVCertificate.decode(bytes(octets))], ANCHOR, TODAY)


@pytest.mark.parametrize("domain", [ec.P256, ec.BRAINPOOL_P256R1], ids=lambda d: d.name)
def test_chain_verifies_to_the_terminal_with_the_common_rights(domain: ec.Domain) -> None:
    local = world(domain)
    terminal = local.terminal()

    holder = cvc.verify_chain(
        [local.dv.certificate, terminal.certificate], local.cvca.certificate, TODAY
    )

    assert holder.reference == terminal.certificate.chr
    assert holder.domain is domain
    assert holder.chat == AUTH
    message = b"challenge"
    holder.verify(
        ec.sign(terminal.key, message, algorithm=holder.certificate.public_key.hash_algorithm),
        message,
    )


def test_effective_rights_are_those_of_every_link() -> None:
    narrow = WORLD.issue("JPTESTDV00002", CHAT(Role.DV_DOMESTIC, Right.CAN_ALLOWED), by=WORLD.cvca)
    wide = WORLD.issue("JPTESTAT00002", CHAT(Role.TERMINAL, ALL_RIGHTS), by=narrow)

    holder = cvc.verify_chain([narrow.certificate, wide.certificate], ANCHOR, TODAY)

    assert holder.chat.rights == Right.CAN_ALLOWED


def test_link_certificate_leads_to_the_next_trust_point() -> None:
    following = WORLD.issue("JPTESTCVCA00002", CHAT(Role.CVCA, ALL_RIGHTS), days=1095)
    link = changed(following, WORLD.cvca, car=ANCHOR.chr)
    verifier = WORLD.issue("JPTESTDV00003", CHAT(Role.DV_DOMESTIC, ALL_RIGHTS), by=following)
    terminal = WORLD.issue("JPTESTAT00003", AUTH, by=verifier)

    holder = cvc.verify_chain([link, verifier.certificate, terminal.certificate], ANCHOR, TODAY)

    assert holder.reference == "JPTESTAT00003"
    with pytest.raises(CertificateRefused, match="issued by"):
        cvc.verify_chain([verifier.certificate, terminal.certificate], ANCHOR, TODAY)


def test_link_certificate_that_expired_is_accepted_by_a_card_and_others_are_not() -> None:
    following = WORLD.issue("JPTESTCVCA00002", CHAT(Role.CVCA, ALL_RIGHTS), days=30)
    link = changed(following, WORLD.cvca, car=ANCHOR.chr)
    late = link.expiration + DAY

    verified = cvc.verify_certificate(link, cvc.trust_point(ANCHOR), late)

    assert verified.reference == "JPTESTCVCA00002"
    with pytest.raises(CertificateRefused, match="expired"):
        cvc.verify_certificate(CHAIN[0], cvc.trust_point(ANCHOR), CHAIN[0].expiration + DAY)


def test_card_accepts_what_is_not_valid_yet_and_moves_its_date() -> None:
    early = TODAY - 40 * DAY

    verified = cvc.verify_certificate(CHAIN[0], cvc.trust_point(ANCHOR), early)

    assert cvc.advanced(early, verified) == CHAIN[0].effective
    assert cvc.advanced(TODAY + DAY, verified) == TODAY + DAY
    with pytest.raises(CertificateRefused, match="not valid before"):
        cvc.verify_chain([CHAIN[0]], ANCHOR, early)


def test_foreign_document_verifier_does_not_move_a_cards_date() -> None:
    foreign = WORLD.issue("JPTESTDV00004", CHAT(Role.DV_FOREIGN, ALL_RIGHTS), by=WORLD.cvca)
    terminal = WORLD.issue("JPTESTAT00004", AUTH, by=foreign)
    early = TODAY - DAY

    verifier = cvc.verify_certificate(foreign.certificate, cvc.trust_point(ANCHOR), early)
    holder = cvc.verify_certificate(terminal.certificate, verifier, early)

    assert cvc.advanced(early, verifier) == early
    assert cvc.advanced(early, holder) == early


@pytest.mark.parametrize(
    ("days", "fault"), [(-1, "not valid before"), (3, "expired")], ids=["early", "late"]
)
def test_chain_outside_its_days_is_refused(days: int, fault: str) -> None:
    with pytest.raises(CertificateRefused, match=fault):
        cvc.verify_chain(CHAIN, ANCHOR, TODAY + timedelta(days=days))


def test_chain_holds_on_its_last_day() -> None:
    cvc.verify_chain(CHAIN, ANCHOR, TERMINAL.certificate.expiration)


def test_chain_out_of_order_is_refused() -> None:
    with pytest.raises(CertificateRefused, match="issued by"):
        cvc.verify_chain(CHAIN[::-1], ANCHOR, TODAY)


def test_chain_that_skips_the_document_verifier_is_refused() -> None:
    skipping = WORLD.issue("JPTESTAT00005", AUTH, by=WORLD.cvca)

    with pytest.raises(CertificateRefused, match="CVCA issues no TERMINAL"):
        cvc.verify_chain([skipping.certificate], ANCHOR, TODAY)


def test_certificate_below_a_terminal_is_refused() -> None:
    below = WORLD.issue("JPTESTAT00006", AUTH, by=TERMINAL)

    with pytest.raises(CertificateRefused, match="TERMINAL issues no TERMINAL"):
        cvc.verify_chain([*CHAIN, below.certificate], ANCHOR, TODAY)


def test_chain_of_another_world_with_the_same_names_is_refused() -> None:
    stranger = EACWorld(seed="stranger")

    with pytest.raises(CertificateRefused, match="signature"):
        cvc.verify_chain([stranger.dv.certificate], ANCHOR, TODAY)


@pytest.mark.parametrize("cut", [slice(0, 63), slice(0, 0)])
def test_signature_of_another_length_is_refused(cut: slice) -> None:
    certificate = replace(CHAIN[0], signature=CHAIN[0].signature[cut])

    with pytest.raises(CertificateRefused, match="64 wanted"):
        cvc.verify_chain([certificate], ANCHOR, TODAY)


def test_certificate_for_another_kind_of_terminal_is_refused() -> None:
    other = changed(WORLD.dv, WORLD.cvca, chat=CHAT(Role.DV_DOMESTIC, 3, TerminalType.INSPECTION))

    with pytest.raises(CertificateRefused, match="kind"):
        cvc.verify_chain([other], ANCHOR, TODAY)


def test_curve_parameters_outside_a_cvca_are_refused() -> None:
    explicit = CVPublicKey.of(WORLD.dv.key.public_key(), explicit=True)
    other = changed(WORLD.dv, WORLD.cvca, public_key=explicit)

    with pytest.raises(CertificateRefused, match="curve parameters"):
        cvc.verify_chain([other], ANCHOR, TODAY)


def test_cvca_without_curve_parameters_is_no_trust_point() -> None:
    implicit = CVPublicKey.of(WORLD.cvca.key.public_key(), explicit=False)
    other = changed(WORLD.cvca, WORLD.cvca, public_key=implicit)

    with pytest.raises(CertificateRefused, match="CVCA"):
        cvc.trust_point(other)
    with pytest.raises(CertificateRefused, match="CVCA"):
        cvc.trust_point(WORLD.dv.certificate)


@pytest.mark.parametrize("tag", [0x81, 0x82, 0x83, 0x84, 0x85, 0x87])
def test_curve_with_one_other_number_is_no_trust_point(tag: int) -> None:
    key = ANCHOR.public_key
    fields = tuple(
        TLV(item.tag, item.value[:-1] + bytes((item.value[-1] ^ 1,))) if item.tag == tag else item
        for item in key.fields
    )
    other = changed(WORLD.cvca, WORLD.cvca, public_key=CVPublicKey(key.algorithm, fields))

    with pytest.raises(CertificateRefused, match="curve"):
        cvc.trust_point(other)


def test_algorithm_that_we_do_not_accept_is_refused() -> None:
    weak = CVPublicKey(f"{oid.TA}.2.1", ANCHOR.public_key.fields)
    other = changed(WORLD.cvca, WORLD.cvca, public_key=weak)

    with pytest.raises(CertificateRefused, match="not accepted"):
        cvc.verify_chain([CHAIN[0]], other, TODAY)


def test_rsa_key_decodes_and_has_no_point() -> None:
    key = CVPublicKey(f"{oid.TA}.1.2", (TLV(0x81, b"\x01" * 128), TLV(0x82, b"\x03")))

    assert CVPublicKey.decode_value(tlv.expect(key.encode(), 0x7F49)) == key
    with pytest.raises(ParseError, match="no point"):
        _ = key.point


@pytest.mark.parametrize(
    ("algorithm", "tags"),
    [
        (oid.TA_ECDSA_SHA_256, (0x81,)),
        (oid.TA_ECDSA_SHA_256, ()),
        (oid.TA_ECDSA_SHA_256, (0x86, 0x86)),
        (oid.TA_ECDSA_SHA_256, (0x81, 0x82, 0x83, 0x84, 0x85, 0x86)),
        (f"{oid.TA}.1.2", (0x86,)),
    ],
)
def test_key_with_other_fields_is_refused(algorithm: str, tags: tuple[int, ...]) -> None:
    with pytest.raises(ParseError):
        CVPublicKey(algorithm, tuple(TLV(tag, b"\x01") for tag in tags))


def test_point_of_a_terminal_that_is_not_on_the_curve_is_refused() -> None:
    off_curve = CVPublicKey(oid.TA_ECDSA_SHA_256, (TLV(0x86, b"\x04" + bytes(64)),))
    other = changed(WORLD.dv, WORLD.cvca, public_key=off_curve)

    with pytest.raises(CertificateRefused, match="not on"):
        cvc.verify_chain([other], ANCHOR, TODAY)


def test_trust_point_whose_point_is_not_on_the_curve_is_refused() -> None:
    key = ANCHOR.public_key
    off_curve = tuple(TLV(f.tag, b"\x04" + bytes(64)) if f.tag == 0x86 else f for f in key.fields)
    other = changed(WORLD.cvca, WORLD.cvca, public_key=CVPublicKey(key.algorithm, off_curve))

    with pytest.raises(CertificateRefused, match="not on"):
        cvc.trust_point(other)


def test_trust_point_of_our_own_is_signed_by_itself() -> None:
    cvc.verify_self_signed(ANCHOR)
    with pytest.raises(CertificateRefused):
        cvc.verify_self_signed(replace(ANCHOR, signature=bytes(64)))


def test_description_digest_is_found_among_extensions() -> None:
    other = Extension(f"{oid.EXTENSION_DESCRIPTION}.9", (TLV(0x80, b"x"),))
    with_both = replace(
        TERMINAL.certificate.body, extensions=(other, Extension.description(b"\x07" * 32))
    )

    certificate = CVCertificate.decode(resigned(with_both, WORLD.dv.key).encode())

    assert certificate.description_digest == b"\x07" * 32
    assert TERMINAL.certificate.description_digest is None
    assert certificate.extensions == with_both.extensions


def test_extension_that_comes_twice_is_refused() -> None:
    twice = Extension.description(bytes(32))
    body = replace(TERMINAL.certificate.body, extensions=(twice, twice))

    with pytest.raises(ParseError, match="twice"):
        CVCertificate.decode(resigned(body, WORLD.dv.key).encode())


@pytest.mark.parametrize("tag", [0x5F29, 0x42, 0x7F49, 0x5F20, 0x7F4C, 0x5F25, 0x5F24])
def test_body_without_one_of_its_objects_is_refused(tag: int) -> None:
    objects = tlv.parse_all(tlv.expect(CHAIN[1].signed, 0x7F4E))
    value = tlv.encode_all(item for item in objects if item.tag != tag)

    with pytest.raises(ParseError):
        CertificateBody.decode_value(value)


@pytest.mark.parametrize("tag", [0x5F29, 0x42, 0x7F49, 0x5F20, 0x7F4C, 0x5F25, 0x5F24])
def test_body_with_an_object_twice_is_refused(tag: int) -> None:
    objects = tlv.parse_all(tlv.expect(CHAIN[1].signed, 0x7F4E))
    doubled = [copy for item in objects for copy in ([item] * (2 if item.tag == tag else 1))]

    with pytest.raises(ParseError):
        CertificateBody.decode_value(tlv.encode_all(doubled))


def test_profile_that_we_do_not_know_is_refused() -> None:
    value = tlv.expect(CHAIN[1].signed, 0x7F4E)

    with pytest.raises(ParseError, match="profile"):
        CertificateBody.decode_value(value.replace(b"\x5f\x29\x01\x00", b"\x5f\x29\x01\x01"))


@pytest.mark.parametrize(
    "octets", ["", "0206", "020601030112", "0206010301", "02060d030101", "020601030132"]
)
def test_date_that_is_none_is_refused(octets: str) -> None:
    with pytest.raises(ParseError):
        cvc.decode_date(bytes.fromhex(octets))


def test_dates_are_six_digits_of_this_century() -> None:
    assert cvc.encode_date(date(2026, 11, 23)).hex() == "020601010203"
    assert cvc.decode_date(bytes.fromhex("020601010203")) == date(2026, 11, 23)
    for year in (1999, 2100):
        with pytest.raises(ParseError, match="year"):
            cvc.encode_date(date(year, 1, 1))


@pytest.mark.parametrize("octets", [b"", b"X" * 17, b"JP\x00CVCA", b"JP\nCVCA", b"JP\x85CVCA"])
def test_reference_that_is_none_is_refused(octets: bytes) -> None:
    with pytest.raises(ParseError):
        cvc.decode_reference(octets)


def test_reference_is_iso_8859_1() -> None:
    assert cvc.encode_reference("JPÄ00001") == b"JP\xc400001"
    for reference in ("日本", "", "X" * 17):
        with pytest.raises(ParseError):
            cvc.encode_reference(reference)
