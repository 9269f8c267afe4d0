"""A PIN change by stock eID software, as its APDUs and session keys were recorded."""

from __future__ import annotations

from typing import Any

import pytest

from juki_card import oid, pace, tlv
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.card_access import CardAccess
from juki_card.passwords import PasswordReference, Pin
from juki_card.secure_messaging import CardChannel, ReaderChannel, SessionKeys

pytestmark = pytest.mark.published


@pytest.fixture(scope="module")
def commands(published: dict[str, Any]) -> list[tuple[CommandAPDU, ResponseAPDU]]:
    recorded = published["transcript_ausweisapp_pin_change_vs_vicc"]["apdus"]
    octets = [bytes.fromhex(value) for _, value in recorded]
    return [
        (CommandAPDU.decode(command), ResponseAPDU.decode(answer))
        for command, answer in zip(octets[::2], octets[1::2], strict=True)
    ]


@pytest.fixture(scope="module")
def secret(published: dict[str, Any]) -> dict[str, bytes]:
    (entry,) = published["transcript_ausweisapp_pin_change_vs_vicc"]["printed_keys"]
    return {name: bytes.fromhex(values[0]) for name, values in entry["PACE"].items()}


def in_pace(
    commands: list[tuple[CommandAPDU, ResponseAPDU]],
) -> list[tuple[CommandAPDU, ResponseAPDU]]:
    return [exchange for exchange in commands if exchange[0].ins == 0x86]


def in_channel(
    commands: list[tuple[CommandAPDU, ResponseAPDU]],
) -> tuple[CommandAPDU, ResponseAPDU]:
    return next(exchange for exchange in commands if exchange[0].cla == 0x0C)


def test_card_access_that_was_read_offers_our_pace(
    commands: list[tuple[CommandAPDU, ResponseAPDU]],
) -> None:
    answer = next(a for c, a in commands if c.header.hex() == "00b09c00")

    access = CardAccess.decode(answer.data)

    assert access.pace.parameter_id == 13
    assert access.encode() == answer.data


def test_selection_is_the_one_that_our_builder_makes(
    commands: list[tuple[CommandAPDU, ResponseAPDU]],
) -> None:
    ours = pace.mse_set_at(PasswordReference.PIN, chat=None, parameter_id=13)

    sent = [c for c, _ in commands if c.header.hex() == "0022c1a4" and c.data]

    assert sent == [ours] * 4
    assert pace.decode_mse_set_at(ours.data) == pace.Selection(PasswordReference.PIN, None, 13)


def test_printed_secret_gives_the_printed_keys(secret: dict[str, bytes]) -> None:
    keys = SessionKeys.derive(secret["Shared Secret"])

    assert (keys.enc, keys.mac) == (secret["K_enc"], secret["K_mac"])


def test_both_tokens_are_those_that_were_sent(
    commands: list[tuple[CommandAPDU, ResponseAPDU]], secret: dict[str, bytes]
) -> None:
    keys = SessionKeys(secret["K_enc"], secret["K_mac"])
    (agreement, card_key), (confirmation, card_token) = in_pace(commands)[2:]
    reader_point = pace.dynamic_data(agreement.data, pace.KEY_READER)
    card_point = pace.dynamic_data(card_key.data, pace.KEY_CARD)
    protocol = oid.PACE_ECDH_GM_AES_128

    assert pace.dynamic_data(confirmation.data, pace.TOKEN_READER) == pace.token(
        keys, card_point, protocol=protocol
    )
    assert pace.dynamic_data(card_token.data, pace.TOKEN_CARD) == pace.token(
        keys, reader_point, protocol=protocol
    )


def test_commands_of_pace_are_those_that_our_builder_makes(
    commands: list[tuple[CommandAPDU, ResponseAPDU]],
) -> None:
    sent = [command for command, _ in in_pace(commands)]

    rebuilt = [
        pace.general_authenticate(tlv.expect(c.data, pace.DYNAMIC_DATA), last=c.cla == 0)
        for c in sent
    ]

    assert len(sent) == 4
    assert rebuilt == sent


def test_protected_command_opens_to_the_new_pin_and_is_rebuilt_octet_by_octet(
    commands: list[tuple[CommandAPDU, ResponseAPDU]], secret: dict[str, bytes]
) -> None:
    keys = SessionKeys(secret["K_enc"], secret["K_mac"])
    sent, received = in_channel(commands)

    plain = CardChannel(keys).unwrap(sent)
    reader = ReaderChannel(keys)

    assert plain == CommandAPDU(0x00, 0x2C, 0x02, 0x03, Pin("123456").octets())
    assert reader.wrap(plain).encode() == sent.encode()
    assert reader.unwrap(received) == ResponseAPDU(b"", 0x9000)


def test_protected_answer_is_the_one_that_our_card_side_makes(
    commands: list[tuple[CommandAPDU, ResponseAPDU]], secret: dict[str, bytes]
) -> None:
    card = CardChannel(SessionKeys(secret["K_enc"], secret["K_mac"]))
    sent, received = in_channel(commands)

    card.unwrap(sent)

    assert card.wrap(ResponseAPDU(b"", 0x9000)) == received
