from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_card.apdu import EXTENDED_NE, SHORT_NE, SW, CommandAPDU, ResponseAPDU
from juki_card.errors import (
    CardError,
    CardRemoved,
    ParseError,
    SecureMessagingError,
    UnexpectedStatus,
)
from juki_card.flow import Answers, Dialogue, Flow, Step, batch, one, run
from juki_card.secure_messaging import (
    CardChannel,
    ReaderChannel,
    SessionKeys,
    pad,
    protected,
    unpad,
)

ENC, MAC = bytes(range(16)), bytes(range(16, 32))
READ = CommandAPDU(0x00, 0xB0, 0x9C, 0x00, ne=SHORT_NE)
PLAIN_COMMANDS = st.builds(
    CommandAPDU,
    st.sampled_from([0x00, 0x10]),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=700),
    st.sampled_from([0, 1, 255, 256, 257, 65535, EXTENDED_NE]),
)
ANSWERS = st.builds(ResponseAPDU, st.binary(max_size=700), st.sampled_from([0x9000, 0x6A82]))


def channels() -> tuple[ReaderChannel, CardChannel]:
    return ReaderChannel(SessionKeys(ENC, MAC)), CardChannel(SessionKeys(ENC, MAC))


def flipped(octets: bytes, position: int) -> bytes:
    return octets[:position] + bytes((octets[position] ^ 1,)) + octets[position + 1 :]


@given(st.lists(st.tuples(PLAIN_COMMANDS, ANSWERS), max_size=4))
def test_any_exchange_arrives_as_it_was_sent(
    exchange: list[tuple[CommandAPDU, ResponseAPDU]],
) -> None:
    reader, card = channels()

    for command, answer in exchange:
        sent = CommandAPDU.decode(reader.wrap(command).encode())
        assert card.unwrap(sent) == command
        assert reader.unwrap(card.wrap(answer)) == answer


def test_commands_wrapped_ahead_are_opened_in_order() -> None:
    reader, card = channels()
    wrapped = [reader.wrap(CommandAPDU(0, 0xB0, 0, n, ne=1)) for n in range(3)]

    for n, command in enumerate(wrapped):
        assert card.unwrap(command).p2 == n
        assert reader.unwrap(card.wrap(ResponseAPDU(bytes((n,)), SW.OK))).data == bytes((n,))


@pytest.mark.parametrize("position", range(len(channels()[0].wrap(READ).data)))
def test_command_with_one_flipped_bit_kills_the_card_side(position: int) -> None:
    reader, card = channels()
    sent = reader.wrap(READ)
    altered = CommandAPDU(
        sent.cla, sent.ins, sent.p1, sent.p2, flipped(sent.data, position), sent.ne
    )

    with pytest.raises(SecureMessagingError):
        card.unwrap(altered)

    assert not card.alive
    with pytest.raises(SecureMessagingError, match="closed"):
        card.unwrap(sent)


def test_command_with_another_header_is_refused() -> None:
    reader, card = channels()
    sent = reader.wrap(READ)

    with pytest.raises(SecureMessagingError, match="MAC"):
        card.unwrap(CommandAPDU(sent.cla, sent.ins, sent.p1 ^ 1, sent.p2, sent.data, sent.ne))


def test_plain_command_is_refused() -> None:
    _, card = channels()

    with pytest.raises(SecureMessagingError, match="plain"):
        card.unwrap(READ)


def test_answer_with_one_flipped_bit_kills_the_reader_side() -> None:
    probe_reader, probe_card = channels()
    probe_card.unwrap(probe_reader.wrap(READ))
    length = len(probe_card.wrap(ResponseAPDU(b"data", SW.OK)).data)

    for position in range(length):
        reader, card = channels()
        card.unwrap(reader.wrap(READ))
        answer = card.wrap(ResponseAPDU(b"data", SW.OK))
        with pytest.raises(SecureMessagingError):
            reader.unwrap(ResponseAPDU(flipped(answer.data, position), answer.sw))
        with pytest.raises(SecureMessagingError, match="closed"):
            reader.wrap(READ)


def test_answer_whose_outer_status_word_differs_is_refused() -> None:
    reader, card = channels()
    card.unwrap(reader.wrap(READ))
    answer = card.wrap(ResponseAPDU(b"", SW.SECURITY_NOT_SATISFIED))

    with pytest.raises(SecureMessagingError, match="status word"):
        reader.unwrap(ResponseAPDU(answer.data, SW.OK))


@pytest.mark.parametrize("sw", [0x6987, 0x6988, 0x9000])
def test_plain_answer_is_refused_and_its_status_word_named(sw: int) -> None:
    reader, _ = channels()
    reader.wrap(READ)

    with pytest.raises(SecureMessagingError, match=f"{sw:04X}"):
        reader.unwrap(ResponseAPDU(b"", sw))


def test_answer_replayed_is_refused() -> None:
    reader, card = channels()
    card.unwrap(reader.wrap(READ))
    first = card.wrap(ResponseAPDU(b"one", SW.OK))
    reader.unwrap(first)
    reader.wrap(READ)

    with pytest.raises(SecureMessagingError, match="MAC"):
        reader.unwrap(first)


def test_answer_without_command_is_refused() -> None:
    reader, card = channels()

    with pytest.raises(SecureMessagingError, match="without"):
        reader.unwrap(ResponseAPDU(b"", SW.OK))
    with pytest.raises(SecureMessagingError, match="without"):
        card.wrap(ResponseAPDU(b"", SW.OK))


@given(st.binary(max_size=120), st.sampled_from([0x9000, 0x6982]))
def test_any_octets_as_answer_meet_the_channels_own_error(data: bytes, sw: int) -> None:
    reader, _ = channels()
    reader.wrap(READ)

    with pytest.raises(SecureMessagingError):
        reader.unwrap(ResponseAPDU(data, sw))


@given(st.binary(max_size=120))
def test_any_octets_as_command_meet_the_channels_own_error(data: bytes) -> None:
    _, card = channels()

    with pytest.raises(SecureMessagingError):
        card.unwrap(CommandAPDU(0x0C, 0xB0, 0, 0, data, SHORT_NE))


@pytest.mark.parametrize(
    ("nc", "ne", "le_octets"),
    [(0, 256, "970100"), (0, 16, "970110"), (300, 256, "97020100"), (0, 65536, "97020000")],
)
def test_length_object_follows_the_form_of_the_command(nc: int, ne: int, le_octets: str) -> None:
    reader, _ = channels()

    sent = reader.wrap(CommandAPDU(0, 0xB0, 0, 0, bytes(nc), ne))

    assert bytes.fromhex(le_octets) in sent.data
    assert sent.ne == (SHORT_NE if nc + ne <= 256 else EXTENDED_NE)
    assert sent.cla == 0x0C


def two_reads() -> Flow[Answers]:
    return (yield from batch(Step(READ, "first"), Step(READ, "second")))


def test_protected_flow_sees_plain_answers() -> None:
    reader, card = channels()
    seen: list[CommandAPDU] = []

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        seen.append(card.unwrap(command))
        return card.wrap(ResponseAPDU(bytes((len(seen),)), SW.OK))

    first, second = run(protected(two_reads(), reader), transmit)

    assert (first.data, second.data) == (b"\x01", b"\x02")
    assert seen == [READ, READ]


def test_protected_batch_that_stops_early_closes_the_channel() -> None:
    reader, card = channels()

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        card.unwrap(command)
        return card.wrap(ResponseAPDU(b"", SW.FILE_NOT_FOUND))

    with pytest.raises(UnexpectedStatus, match="first: status word 6A82"):
        run(protected(two_reads(), reader), transmit)

    assert not reader.alive


def test_protected_flow_that_loses_its_peer_closes_the_inner_flow() -> None:
    reader, _ = channels()
    closed: list[bool] = []

    def inner() -> Flow[None]:
        try:
            yield from one(READ, "read")
        finally:
            closed.append(True)

    dialogue = Dialogue(protected(inner(), reader))
    dialogue.start()
    dialogue.close()

    assert closed == [True]


def test_transport_through_the_channel_protects_each_command() -> None:
    reader, card = channels()

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        assert command.cla == 0x0C
        card.unwrap(command)
        return card.wrap(ResponseAPDU(b"x", SW.OK))

    assert reader.through(transmit)(READ) == ResponseAPDU(b"x", SW.OK)


def test_card_that_goes_away_is_not_an_error_of_the_channel() -> None:
    reader, _ = channels()

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        raise CardRemoved

    with pytest.raises(CardRemoved):
        run(protected(two_reads(), reader), transmit)


@given(st.binary(max_size=100))
def test_padding_comes_off_as_it_went_on(octets: bytes) -> None:
    assert len(pad(octets)) % 16 == 0
    assert unpad(pad(octets)) == octets


@pytest.mark.parametrize("octets", [b"", bytes(16), b"\x80" + bytes(16), b"\x80\x01"])
def test_padding_that_is_none_is_refused(octets: bytes) -> None:
    with pytest.raises(ParseError):
        unpad(octets)


def test_keys_are_never_shown_and_have_their_length() -> None:
    assert repr(SessionKeys(ENC, MAC)) == "SessionKeys(***)"
    assert repr(channels()[0]) == "ReaderChannel(***, 0 commands)"
    with pytest.raises(CardError):
        SessionKeys(b"short", MAC)
