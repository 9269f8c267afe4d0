from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_card.chat import CHAT, Right, Role, TerminalType
from juki_card.errors import ParseError

CHATS = st.one_of(
    st.builds(CHAT, st.sampled_from(Role), st.integers(0, 2**38 - 1)),
    st.builds(
        CHAT,
        st.sampled_from(Role),
        st.integers(0, 63),
        st.sampled_from([TerminalType.INSPECTION, TerminalType.SIGNATURE]),
    ),
)


@given(CHATS)
def test_any_template_survives_encoding(template: CHAT) -> None:
    assert CHAT.decode(template.encode()) == template
    assert CHAT.from_value(template.value(), template.kind) == template


@pytest.mark.parametrize(
    ("rights", "value"),
    [
        (Right.NONE, "0000000000"),
        (Right.CAN_ALLOWED, "0000000010"),
        (Right.PIN_MANAGEMENT, "0000000020"),
        (Right.READ_DG1, "0000000100"),
        (Right.CAN_ALLOWED | Right.PIN_MANAGEMENT, "0000000030"),
    ],
)
def test_rights_are_the_bits_of_the_profile(rights: Right, value: str) -> None:
    assert CHAT(Role.TERMINAL, rights).value().hex() == value


@pytest.mark.parametrize(
    ("role", "first"),
    [(Role.TERMINAL, 0x00), (Role.DV_FOREIGN, 0x40), (Role.DV_DOMESTIC, 0x80), (Role.CVCA, 0xC0)],
)
def test_role_is_the_two_highest_bits(role: Role, first: int) -> None:
    assert CHAT(role, 0).value()[0] == first


def test_whole_object_is_the_one_of_the_norm() -> None:
    encoded = CHAT(Role.TERMINAL, Right.READ_DG1).encode()

    assert encoded.hex() == "7f4c12060904007f00070301020253050000000100"


def test_limit_leaves_only_common_rights() -> None:
    template = CHAT(Role.TERMINAL, Right.READ_DG1 | Right.CAN_ALLOWED)

    limited = template.limited_to(Right.CAN_ALLOWED | Right.PIN_MANAGEMENT)

    assert limited.allows(Right.CAN_ALLOWED)
    assert not limited.allows(Right.READ_DG1)
    assert not limited.allows(Right.CAN_ALLOWED | Right.PIN_MANAGEMENT)
    assert limited.allows(Right.NONE)


@pytest.mark.parametrize("rights", [-1, 2**38])
def test_right_out_of_range_is_refused(rights: int) -> None:
    with pytest.raises(ParseError, match="range"):
        CHAT(Role.TERMINAL, rights)


@pytest.mark.parametrize(
    "octets",
    [
        "7f4c11060904007f0007030102025304" + "00" * 4,  # one octet short
        "7f4c13060904007f0007030102025306" + "00" * 6,  # one octet long
        "7f4c12060904007f0007030102095305" + "00" * 5,  # unknown kind
        "7f4c0b060904007f000703010202",  # no rights
        "7f4c0753050000000100",  # no kind
        "7f4c14060904007f00070301020253050000000100" + "0500",  # something after
        "7f49" + "00",
        "",
    ],
)
def test_template_of_another_form_is_refused(octets: str) -> None:
    with pytest.raises(ParseError):
        CHAT.decode(bytes.fromhex(octets))
