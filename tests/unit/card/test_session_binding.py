"""Auxiliary data, attestation, transcript, EF.DG1 and certificate description."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_card import attestation
from juki_card.auxiliary import AuxiliaryData
from juki_card.description import CertificateDescription
from juki_card.errors import ParseError
from juki_card.resident_code import decode_dg1, encode_dg1
from juki_card.transcript import Transcript

AUXILIARY = AuxiliaryData(bytes(range(32)), bytes(range(16)), 1)
DESCRIPTION = CertificateDescription(
    issuer_name="Juki-Net test issuer",
    subject_name="住民基本台帳ネットワーク",
    terms="証明書の写しの交付".encode(),
    comm_certificates=(hashlib.sha256(b"leaf").digest(),),
)
ANSWER = b"\x90\x00"


def test_auxiliary_data_survive_encoding() -> None:
    assert AuxiliaryData.decode(AUXILIARY.encode()) == AUXILIARY


@given(st.binary(max_size=120))
def test_arbitrary_auxiliary_data_are_refused(octets: bytes) -> None:
    with pytest.raises(ParseError):
        AuxiliaryData.decode(octets)


@given(st.integers(0, len(AUXILIARY.encode()) - 1), st.integers(1, 255))
def test_a_changed_octet_of_auxiliary_data_changes_them_or_is_refused(place: int, x: int) -> None:
    octets = bytearray(AUXILIARY.encode())
    octets[place] ^= x
    try:
        assert AuxiliaryData.decode(bytes(octets)) != AUXILIARY
    except ParseError:
        return


@pytest.mark.parametrize("purpose", [0, 256])
def test_a_purpose_out_of_range_is_refused(purpose: int) -> None:
    with pytest.raises(ParseError, match="purpose"):
        AuxiliaryData(bytes(32), bytes(16), purpose)


def test_attestation_octets_are_label_session_card_time() -> None:
    octets = attestation.octets(b"s" * 16, b"c" * 32, 0x0102)

    assert octets == b"juki-attestation-1\x00" + b"s" * 16 + b"c" * 32 + bytes(6) + b"\x01\x02"


@pytest.mark.parametrize(
    ("session", "card", "time"), [(15, 32, 0), (16, 31, 0), (16, 32, -1), (16, 32, 1 << 64)]
)
def test_attestation_of_wrong_parts_is_refused(session: int, card: int, time: int) -> None:
    with pytest.raises(ParseError, match="attestation"):
        attestation.octets(bytes(session), bytes(card), time)


def test_transcript_is_the_hash_that_its_docstring_says() -> None:
    transcript = Transcript(b"s" * 16, b"t" * 32)

    transcript.add(b"\x00\x84\x00\x00\x08", b"12345678" + ANSWER)

    expected = b"juki-transcript-1\x00" + b"s" * 16 + b"t" * 32
    expected += bytes.fromhex("00000005 0084000008 0000000a") + b"12345678" + ANSWER
    assert transcript.digest() == hashlib.sha256(expected).digest()


def test_transcript_tells_where_one_octet_string_ends_and_the_next_begins() -> None:
    left, right = Transcript(bytes(16), bytes(32)), Transcript(bytes(16), bytes(32))

    left.add(b"ab", b"c")
    right.add(b"a", b"bc")

    assert left.digest() != right.digest()


def test_dg1_is_the_profiles_header_and_eleven_digits() -> None:
    assert encode_dg1("07215594348") == bytes.fromhex("610d120b") + b"07215594348"
    assert decode_dg1(encode_dg1("07215594348")) == "07215594348"


@pytest.mark.parametrize(
    "code", ["", "1234567890", "123456789012", "１２３４５６７８９０３", "1234567890a"]
)
def test_a_code_that_is_not_eleven_ascii_digits_is_refused(code: str) -> None:
    with pytest.raises(ParseError, match="11 ASCII digits"):
        encode_dg1(code)


@pytest.mark.parametrize(
    "octets", ["", "610d120b", "610c120a31323334353637383930", "610d120b3132333435363738393061"]
)
def test_a_malformed_dg1_is_refused(octets: str) -> None:
    with pytest.raises(ParseError):
        decode_dg1(bytes.fromhex(octets))


def test_description_survives_encoding_and_lists_its_leaf() -> None:
    decoded = CertificateDescription.decode(DESCRIPTION.encode())

    assert decoded == DESCRIPTION
    assert decoded.terms_text == "証明書の写しの交付"
    assert decoded.lists(b"leaf")
    assert not decoded.lists(b"another leaf")


def test_description_without_leaves_lists_nothing() -> None:
    bare = replace(DESCRIPTION, comm_certificates=())

    assert not CertificateDescription.decode(bare.encode()).lists(b"leaf")


def test_description_whose_leaves_are_not_in_the_order_of_der_is_refused() -> None:
    sorted_octets = replace(DESCRIPTION, comm_certificates=(bytes(32), b"\x01" * 32)).encode()
    swapped = sorted_octets[:-68] + sorted_octets[-34:] + sorted_octets[-68:-34]

    CertificateDescription.decode(sorted_octets)
    with pytest.raises(ParseError, match="order"):
        CertificateDescription.decode(swapped)


def test_description_with_a_url_that_is_not_ascii_is_refused() -> None:
    with pytest.raises(ParseError, match="ASCII"):
        replace(DESCRIPTION, issuer_url="http://住基").encode()


@given(st.integers(0, len(DESCRIPTION.encode()) - 1), st.integers(1, 255))
def test_a_changed_octet_changes_a_descriptions_digest(place: int, x: int) -> None:
    octets = bytearray(DESCRIPTION.encode())
    octets[place] ^= x
    try:
        changed = CertificateDescription.decode(bytes(octets))
    except ParseError:
        return

    assert changed.encode() == bytes(octets) or changed != DESCRIPTION
    assert changed.digest() != DESCRIPTION.digest()


@pytest.mark.published
def test_published_descriptions_encode_back_to_their_octets(published: dict[str, Any]) -> None:
    texts = [
        value
        for section in ("openpace_other", "ausweisapp_fixtures")
        for name, value in published[section].items()
        if "desc" in name.lower()
    ]

    assert len(texts) == 6
    for text in texts:
        octets = bytes.fromhex(text)
        assert CertificateDescription.decode(octets).encode() == octets
