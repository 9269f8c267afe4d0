from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_card import ec, oid, security_infos, tlv
from juki_card.card_access import CardAccess
from juki_card.errors import ParseError
from juki_card.security_infos import (
    CADomainParameters,
    CAInfo,
    OtherInfo,
    PACEInfo,
    SecurityInfo,
    TAInfo,
)

NUMBERS = st.integers(0, 2**70)
KEY_IDS = st.none() | NUMBERS
INFOS: st.SearchStrategy[SecurityInfo] = st.one_of(
    st.builds(PACEInfo, st.just(oid.PACE_ECDH_GM_AES_128), NUMBERS, NUMBERS),
    st.builds(TAInfo, NUMBERS),
    st.builds(CAInfo, st.just(oid.CA_ECDH_AES_128), NUMBERS, KEY_IDS),
    st.builds(CADomainParameters, NUMBERS, KEY_IDS),
)


@given(st.lists(INFOS, max_size=6))
def test_any_entries_survive_encoding(infos: list[SecurityInfo]) -> None:
    assert security_infos.decode(security_infos.encode(tuple(infos))) == tuple(infos)


@pytest.mark.parametrize("domain", [ec.P256, ec.BRAINPOOL_P256R1], ids=lambda d: d.name)
def test_our_file_offers_what_we_speak(domain: ec.Domain) -> None:
    access = CardAccess.decode(CardAccess.offering(domain).encode())

    assert access.domain is domain
    assert access.chip_authentication_domain is domain
    assert access.chip_authentication.key_id == 1
    assert access.pace == PACEInfo(oid.PACE_ECDH_GM_AES_128, 2, domain.parameter_id)


def test_our_file_is_the_same_octets_for_every_card() -> None:
    assert CardAccess.offering(ec.P256).encode().hex() == (
        "3155"
        "3012060a04007f0007020204020202010202010c"
        "300d060804007f0007020202020102"
        "3012060a04007f00070202030202020102020101"
        "301c060904007f000702020302300c060704007f0007010202010c020101"
    )


def test_entry_of_another_form_is_kept_as_it_came() -> None:
    odd = oid.encode_tlv(oid.TA) + bytes.fromhex("020102020103")
    octets = tlv.encode(tlv.SET, tlv.encode(tlv.SEQUENCE, odd))

    (info,) = security_infos.decode(octets)

    assert info == OtherInfo(oid.TA, odd)
    assert security_infos.encode((info,)) == octets


@pytest.mark.parametrize(
    "infos",
    [
        (),
        (TAInfo(2),),
        (PACEInfo(oid.PACE_ECDH_GM_AES_128, 1, 12),),  # an older version
        (PACEInfo(oid.PACE_ECDH_GM_AES_128, 2, 11),),  # a curve that we do not use
    ],
)
def test_file_without_our_pace_is_refused(infos: tuple[SecurityInfo, ...]) -> None:
    with pytest.raises(ParseError, match="PACE"):
        _ = CardAccess(infos).pace


def test_file_with_several_offers_gives_the_first_that_we_speak() -> None:
    foreign = PACEInfo(oid.PACE_ECDH_GM_AES_128, 2, 11)
    ours = PACEInfo(oid.PACE_ECDH_GM_AES_128, 2, 13)

    assert CardAccess((foreign, ours)).pace is ours


def test_file_without_chip_authentication_or_its_curve_is_refused() -> None:
    offered = CAInfo(oid.CA_ECDH_AES_128, 2, 1)

    with pytest.raises(ParseError, match="no Chip Authentication"):
        _ = CardAccess((CAInfo(oid.CA_ECDH_AES_128, 1, 1),)).chip_authentication
    with pytest.raises(ParseError, match="no curve"):
        _ = CardAccess((offered, CADomainParameters(12, 2))).chip_authentication_domain


@pytest.mark.parametrize(
    "octets", ["", "3000", "310102", "31030201", "3103020101", "31023000", "310000"]
)
def test_file_of_another_form_is_refused(octets: str) -> None:
    with pytest.raises(ParseError):
        CardAccess.decode(bytes.fromhex(octets))


def test_file_that_is_too_long_is_refused() -> None:
    entry = tlv.encode(tlv.SEQUENCE, oid.encode_tlv("1.2.3") + bytes(1100))

    with pytest.raises(ParseError, match="1024"):
        CardAccess.decode(tlv.encode(tlv.SET, entry))
