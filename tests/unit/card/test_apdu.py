from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_card.apdu import EXTENDED_NE, CommandAPDU, ResponseAPDU, tries_left
from juki_card.errors import ParseError

BYTE = st.integers(0, 255)
COMMANDS = st.builds(
    CommandAPDU, BYTE, BYTE, BYTE, BYTE, st.binary(max_size=600), st.integers(0, EXTENDED_NE)
)


@given(COMMANDS)
def test_any_command_survives_encoding(command: CommandAPDU) -> None:
    assert CommandAPDU.decode(command.encode()) == command


@given(st.binary(max_size=300))
def test_any_octets_parse_or_raise_parse_error(octets: bytes) -> None:
    try:
        command = CommandAPDU.decode(octets)
    except ParseError:
        return
    assert CommandAPDU.decode(command.encode()) == command


@pytest.mark.parametrize(
    "octets",
    ["", "00b09c", "00b0000002ff", "00b00000000000ff", "0020000003010203ff00"],
)
def test_length_fields_that_do_not_fit_are_refused(octets: str) -> None:
    with pytest.raises(ParseError):
        CommandAPDU.decode(bytes.fromhex(octets))


def test_chain_carries_all_data_and_only_the_last_link_is_unchained() -> None:
    command = CommandAPDU(0x00, 0x2A, 0x00, 0xBE, bytes(range(256)) * 2)

    links = list(command.chained())

    assert b"".join(link.data for link in links) == command.data
    assert [link.cla for link in links] == [0x10, 0x10, 0x00]


def test_response_shorter_than_a_status_word_is_refused() -> None:
    with pytest.raises(ParseError):
        ResponseAPDU.decode(b"\x90")


@pytest.mark.parametrize(("sw", "left"), [(0x63C2, 2), (0x63C0, 0), (0x9000, None), (0x6982, None)])
def test_counter_is_read_from_63cx_only(sw: int, left: int | None) -> None:
    assert tries_left(sw) == left


def test_repr_shows_no_data() -> None:
    assert "313233" not in repr(CommandAPDU(0, 0x2C, 2, 3, b"123"))
