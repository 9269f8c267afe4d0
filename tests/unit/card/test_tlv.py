from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_card import oid, tlv
from juki_card.errors import ParseError

TAGS = st.sampled_from([0x02, 0x30, 0x53, 0x7F21, 0x7F49, 0x5F37, 0x5F24, 0x9F8101])


@given(TAGS, st.binary(max_size=70_000))
def test_any_object_survives_encoding(tag: int, value: bytes) -> None:
    assert tlv.parse_one(tlv.encode(tag, value)) == tlv.TLV(tag, value)


@given(st.binary(max_size=300))
def test_octets_that_parse_encode_back_to_themselves(octets: bytes) -> None:
    try:
        objects = tlv.parse_all(octets)
    except ParseError:
        return

    assert tlv.encode_all(objects) == octets


@pytest.mark.parametrize(
    "octets",
    [
        "",  # nothing
        "0000",  # not a tag
        "ff00",  # not a tag
        "53",  # no length
        "5380",  # indefinite length
        "538100",  # length not the shortest
        "53817f" + "00" * 0x7F,
        "5382007f" + "00" * 0x7F,
        "5384000000" + "01" + "00",  # length of four octets
        "5302ff",  # value cut off
        "7f",  # tag cut off
        "7f1e00",  # two octets where one would do
        "7f8000",  # leading zero in the tag
        "9f818101" + "00",  # tag of four octets
        "9f81",
    ],
)
def test_form_that_is_not_the_shortest_or_whole_is_refused(octets: str) -> None:
    with pytest.raises(ParseError):
        tlv.parse_one(bytes.fromhex(octets))


def test_octets_after_the_object_are_refused() -> None:
    with pytest.raises(ParseError, match="follow"):
        tlv.parse_one(bytes.fromhex("530100ff"))


def test_tag_that_comes_twice_is_refused_where_asked() -> None:
    octets = bytes.fromhex("5301005301ff")

    assert len(tlv.parse_all(octets)) == 2
    with pytest.raises(ParseError, match="twice"):
        tlv.parse_all(octets, unique=True)


def test_other_tag_than_expected_is_refused() -> None:
    with pytest.raises(ParseError, match="53 where 73"):
        tlv.expect(bytes.fromhex("530100"), 0x73)
    with pytest.raises(ParseError, match="53 where 73"):
        tlv.take(bytes.fromhex("530100"), 0x73)


def test_optional_object_is_taken_or_left() -> None:
    octets = bytes.fromhex("530100")

    assert tlv.take_optional(octets, 0x53) == (b"\x00", b"")
    assert tlv.take_optional(octets, 0x73) == (None, octets)
    assert tlv.take_optional(b"", 0x73) == (None, b"")


@given(st.integers(0, 1 << 300))
def test_any_number_survives_as_integer(number: int) -> None:
    assert tlv.decode_integer(tlv.expect(tlv.encode_integer(number), tlv.INTEGER)) == number


@pytest.mark.parametrize("value", ["", "80", "007f", "0000"])
def test_integer_that_is_empty_negative_or_padded_is_refused(value: str) -> None:
    with pytest.raises(ParseError):
        tlv.decode_integer(bytes.fromhex(value))


def test_object_does_not_show_its_value() -> None:
    assert repr(tlv.TLV(0x7F49, b"secret")) == "TLV(7F49, 6 octets)"


@pytest.mark.parametrize(
    "dotted",
    [oid.PACE_ECDH_GM_AES_128, oid.JUKI_AUXILIARY, "2.999.3", "1.2.840.10045.4.3.2", "0.0"],
)
def test_object_identifier_survives_encoding(dotted: str) -> None:
    assert oid.decode(oid.encode(dotted)) == dotted


def test_object_identifier_is_encoded_as_the_norm_prints_it() -> None:
    assert oid.encode("2.999.3").hex() == "883703"
    assert oid.encode("1.2.840.113549").hex() == "2a864886f70d"


@given(st.binary(max_size=40))
def test_any_octets_are_an_object_identifier_or_refused(value: bytes) -> None:
    try:
        dotted = oid.decode(value)
    except ParseError:
        return

    assert oid.encode(dotted) == value
