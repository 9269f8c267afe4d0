"""Making a card of a blank chip, center and chip together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from juki_card import blank, personalisation, tlv
from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.blank import EVERYTHING, NOTHING, ChipState, Part
from juki_card.blank_key import CHALLENGE_SIZE, MasterKey
from juki_card.errors import (
    AuthenticationFailed,
    CardError,
    ContentDiffers,
    NotABlank,
    ParseError,
    SecureMessagingError,
    UnexpectedStatus,
)
from juki_card.flow import Batch, Dialogue, Flow, run, transmit_batch
from juki_card.passwords import Can, TransportPin
from juki_card.personalisation import Content, OpenChip
from juki_card.virtual.memory import CardMemory, PinRecord, PinState
from juki_card.virtual.session import Session
from juki_cardbox.personalise import serial_of
from tests.support.blank_world import (
    CHIP_SERIAL,
    MASTER,
    TRANSPORT_PIN,
    ChipInHand,
    card_security_of,
    content,
    opened,
    other_key,
    personalised,
)
from tests.support.eac_world import (
    CAN,
    RESIDENT_CODE,
    TODAY,
    WINDOW,
    CardInHand,
    FixedChance,
    whole_session,
    world,
)

T = TypeVar("T")


def made() -> CardMemory:
    """Return the card that a whole run makes."""
    chip = ChipInHand()
    personalised(chip.transmit)
    assert isinstance(chip.memory, CardMemory)
    return chip.memory


def open_with_key(chip: ChipInHand) -> tuple[OpenChip, Content]:
    """Return an open chip that has its key, and the content for it."""
    found = opened(chip.transmit)
    key = run(personalisation.generate_key(found), chip.transmit)
    return found, content(key)


# A whole run


def test_whole_run_makes_a_card_that_waits_for_its_holder() -> None:
    chip = ChipInHand()

    key = personalised(chip.transmit)

    card = chip.memory
    assert isinstance(card, CardMemory)
    assert serial_of(card) == key.serial
    assert card.pin == PinRecord(PinState.TRANSPORT, TRANSPORT_PIN)
    assert (card.can, card.today, card.trust_points) == (CAN, TODAY, (world().cvca.certificate,))
    sample = world().memory()
    assert [replace(f, content=b"") for f in card.files] == [
        replace(f, content=b"") for f in sample.files
    ]
    assert card.files[:2] == sample.files[:2]


def test_made_card_is_proved_by_a_window_session_over_its_can() -> None:
    card = CardInHand(made())
    plan, keys = world().plan(WINDOW)

    with pytest.raises(UnexpectedStatus) as refusal:
        whole_session(card.transmit, plan, keys, password=CAN)

    # All but EF.DG1 worked: a window has no right to it.
    assert refusal.value.status_word == SW.SECURITY_NOT_SATISFIED
    assert refusal.value.command == "READ EF.DG1"


def test_made_card_knows_no_command_of_a_blank_and_tells_no_chip_serial() -> None:
    card = CardInHand(made())
    commands = (
        blank.get_state(),
        blank.get_challenge(),
        blank.mutual_authenticate(bytes(16), bytes(16)),
        blank.generate_key(),
        blank.put_content(Part.CAN, CAN.octets()),
        blank.terminate(),
    )

    answers = [card.transmit(command) for command in commands]

    assert answers == [ResponseAPDU(b"", SW.INS_NOT_SUPPORTED)] * len(commands)
    assert card.memories == []


def test_made_card_is_no_blank_to_a_center_that_comes_again() -> None:
    card = CardInHand(made())

    with pytest.raises(NotABlank) as refusal:
        run(personalisation.identify(), card.transmit)

    assert refusal.value.status_word == SW.INS_NOT_SUPPORTED


def test_each_flow_is_one_round_trip() -> None:
    chip = ChipInHand()
    trips: list[int] = []

    def counted(flow: Flow[T]) -> T:
        dialogue, batches = Dialogue(flow), 0
        state = dialogue.start()
        while isinstance(state, Batch):
            batches += 1
            state = dialogue.answer(transmit_batch(state, chip.transmit))
        trips.append(batches)
        return state.value

    found = counted(personalisation.identify())
    key = MASTER.blank_key(found.chip_serial)
    open_ = counted(personalisation.open_chip(found, key, FixedChance(1).octets(CHALLENGE_SIZE)))
    wanted = content(counted(personalisation.generate_key(open_)))
    counted(personalisation.write(open_, wanted))
    counted(personalisation.terminate(open_))

    assert trips == [1, 1, 1, 1, 1]
    assert len(chip.commands) == 2 + 2 + 1 + 5 + 1


@pytest.mark.parametrize("is_open", [False, True], ids=["challenged", "open"])
def test_run_that_left_the_chip_in_the_middle_is_followed_by_another(is_open: bool) -> None:
    chip = ChipInHand()
    if is_open:
        opened(chip.transmit)
    else:
        run(personalisation.identify(), chip.transmit)

    key = personalised(chip.transmit)

    assert isinstance(chip.memory, CardMemory)
    assert serial_of(chip.memory) == key.serial


# What a chip tells


def test_fresh_chip_tells_its_serial_and_nothing_done() -> None:
    found = run(personalisation.identify(), ChipInHand().transmit)

    assert found.state == ChipState(CHIP_SERIAL, NOTHING)
    assert len(found.challenge) == CHALLENGE_SIZE


def test_open_channel_tells_the_key_and_the_digests() -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)
    run(personalisation.write(found, wanted), chip.transmit)
    chip.reset()

    state = opened(chip.transmit, seed="later").state

    parts = wanted.parts()
    assert state == ChipState(
        CHIP_SERIAL,
        EVERYTHING,
        chip.blank.point,
        blank.digest(parts[Part.TRUST]),
        blank.digest(parts[Part.CARD_SECURITY]),
    )


def test_nothing_personal_or_secret_can_be_found_in_what_a_chip_tells() -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)
    run(personalisation.write(found, wanted), chip.transmit)
    chip.reset()

    plain = run(personalisation.identify(), chip.transmit).state.encode()
    protected = opened(chip.transmit).state.encode()

    for part in (Part.DG1, Part.CAN, Part.TRANSPORT_PIN):
        octets = wanted.parts()[part]
        for told in (plain, protected):
            assert octets not in told
            assert blank.digest(octets) not in told
    assert chip.blank.point not in plain


# A run that is taken up again


def test_key_is_made_once() -> None:
    chip = ChipInHand()
    first = run(personalisation.generate_key(opened(chip.transmit)), chip.transmit)
    chip.reset()

    again = opened(chip.transmit, seed="again")
    second = run(personalisation.generate_key(again), chip.transmit)

    assert first == second
    assert again.state.point == first.point
    assert len(chip.memories) == 1


def test_same_content_again_is_no_error_and_no_write() -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)
    run(personalisation.write(found, wanted), chip.transmit)
    chip.reset()
    before, commands = len(chip.memories), len(chip.commands)

    run(personalisation.write(opened(chip.transmit), wanted), chip.transmit)

    assert len(chip.memories) == before
    # Four to open the chip; trust point and EF.CardSecurity are known by their digests.
    assert len(chip.commands) == commands + 4 + 3


def test_content_without_digests_is_compared_by_the_chip() -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)
    run(personalisation.write(found, wanted), chip.transmit)

    run(personalisation.write(found, wanted), chip.transmit)

    assert chip.blank.done == EVERYTHING


def others() -> dict[str, dict[str, object]]:
    """Return each part with another content."""
    return {
        "TRUST": {"trust_points": (world(seed="other").cvca.certificate,)},
        "DG1": {"resident_code": "00000000000"},
        "CAN": {"can": Can("000000")},
        "TRANSPORT_PIN": {"transport_pin": TransportPin("00000")},
    }


@pytest.mark.parametrize("part", others())
@pytest.mark.parametrize("is_new_run", [False, True], ids=["same run", "new run"])
def test_other_content_is_refused_and_the_first_one_stays(part: str, is_new_run: bool) -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)
    run(personalisation.write(found, wanted), chip.transmit)
    before = chip.memory
    if is_new_run:
        chip.reset()
        found = opened(chip.transmit)

    with pytest.raises(ContentDiffers) as refusal:
        run(personalisation.write(found, replace(wanted, **others()[part])), chip.transmit)

    assert refusal.value.part == part
    assert chip.memory == before


def test_other_card_security_of_the_same_key_is_refused() -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)
    run(personalisation.write(found, wanted), chip.transmit)
    signed_again = bytearray(wanted.card_security)
    signed_again[-1] ^= 1

    with pytest.raises(ContentDiffers, match="CARD_SECURITY"):
        run(
            personalisation.write(found, replace(wanted, card_security=bytes(signed_again))),
            chip.transmit,
        )


def test_card_security_of_another_chip_is_refused() -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)

    with pytest.raises(UnexpectedStatus) as refusal:
        run(
            personalisation.write(
                found, replace(wanted, card_security=card_security_of(other_key()))
            ),
            chip.transmit,
        )

    assert refusal.value.status_word == SW.WRONG_DATA
    assert Part.CARD_SECURITY not in chip.blank.done


def test_card_security_before_the_key_is_refused() -> None:
    chip = ChipInHand()
    found = opened(chip.transmit)

    with pytest.raises(UnexpectedStatus) as refusal:
        run(personalisation.write(found, content(other_key())), chip.transmit)

    assert refusal.value.status_word == SW.CONDITIONS_NOT_SATISFIED
    assert refusal.value.command == "PUT CONTENT (CARD_SECURITY)"


@pytest.mark.parametrize("missing", [p for p in Part if p not in (Part.CHIP_KEY,)], ids=str)
def test_terminate_is_refused_while_a_part_is_missing(missing: Part) -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)
    inside = found.channel.through(chip.transmit)
    for part, octets in wanted.parts().items():
        if part is not missing:
            inside(blank.put_content(part, octets))

    with pytest.raises(UnexpectedStatus) as refusal:
        run(personalisation.terminate(found), chip.transmit)

    assert refusal.value.status_word == SW.CONDITIONS_NOT_SATISFIED
    assert chip.blank.done == EVERYTHING & ~missing


def test_channel_is_dead_after_terminate() -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)
    run(personalisation.write(found, wanted), chip.transmit)
    run(personalisation.terminate(found), chip.transmit)

    assert not found.channel.alive
    assert chip.session == Session()
    with pytest.raises(SecureMessagingError):
        run(personalisation.generate_key(found), chip.transmit)


# Strangers


def test_chip_of_another_issuer_is_refused_before_anything_is_told() -> None:
    chip = ChipInHand()

    with pytest.raises(AuthenticationFailed, match="does not take"):
        opened(chip.transmit, master=MasterKey(bytes(16)))

    assert chip.session.secured is None


def test_impostor_that_repeats_a_serial_is_refused() -> None:
    genuine = ChipInHand()

    def impostor(command: CommandAPDU) -> ResponseAPDU:
        if command.ins == blank.Instruction.MUTUAL_AUTHENTICATE:
            return ResponseAPDU(bytes(16), SW.OK)
        if command.cla & 0x0C:
            return ResponseAPDU(b"", SW.OK)
        return genuine.transmit(command)

    with pytest.raises(AuthenticationFailed, match="the chip's token"):
        opened(impostor)


def test_answers_of_an_earlier_run_prove_nothing() -> None:
    chip = ChipInHand()
    earlier: list[ResponseAPDU] = []

    def recorded(command: CommandAPDU) -> ResponseAPDU:
        earlier.append(chip.transmit(command))
        return earlier[-1]

    opened(recorded, seed="first")
    replay = iter(earlier)

    with pytest.raises(AuthenticationFailed, match="the chip's token"):
        opened(lambda _: next(replay), seed="second")


def test_token_of_an_earlier_run_opens_nothing() -> None:
    chip = ChipInHand()
    opened(chip.transmit)
    token = chip.commands[2]
    chip.reset()
    run(personalisation.identify(), chip.transmit)

    answer = chip.transmit(CommandAPDU.decode(token))

    assert answer == ResponseAPDU(b"", SW.AUTHENTICATION_FAILED)


@pytest.mark.parametrize("status_word", [0x6D00, 0x6E00, 0x6985, 0x6A86, 0x6987])
def test_chip_that_does_not_know_the_command_is_no_blank(status_word: int) -> None:
    with pytest.raises(NotABlank) as refusal:
        run(personalisation.identify(), lambda _: ResponseAPDU(b"", status_word))

    assert refusal.value.status_word == status_word


def state_octets(*objects: tuple[int, str]) -> bytes:
    """Return a state of these data objects."""
    return tlv.encode(0xE1, b"".join(tlv.encode(t, bytes.fromhex(v)) for t, v in objects))


VERSION, SERIAL, NONE_DONE = (0x80, "01"), (0x81, "00" * 16), (0x82, "00")


def test_state_of_these_objects_is_one() -> None:
    assert ChipState.decode(state_octets(VERSION, SERIAL, NONE_DONE)).done == NOTHING


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        state_octets(),
        state_octets(VERSION, SERIAL),
        state_octets((0x80, "02"), SERIAL, NONE_DONE),
        state_octets(VERSION, (0x81, "00" * 15), NONE_DONE),
        state_octets(VERSION, SERIAL, (0x82, "40")),
        state_octets(VERSION, SERIAL, (0x82, "")),
        state_octets(VERSION, SERIAL, (0x82, "0000")),
        state_octets(VERSION, SERIAL, NONE_DONE, (0x8A, "")),
        state_octets(VERSION, SERIAL, NONE_DONE, (0x91, "00" * 31)),
        state_octets(VERSION, SERIAL, NONE_DONE, (0x93, "00" * 32), (0x91, "00" * 32)),
        state_octets(SERIAL, VERSION, NONE_DONE),
        state_octets(VERSION, SERIAL, NONE_DONE) + b"\x00",
    ],
    ids=range(13),
)
def test_state_that_is_none_is_refused(octets: bytes) -> None:
    with pytest.raises(ParseError):
        ChipState.decode(octets)


def answering(
    found: OpenChip, chip: ChipInHand, data: bytes
) -> Callable[[CommandAPDU], ResponseAPDU]:
    """Return a chip that answers the next protected command with these data."""

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        secured = chip.session.secured
        assert secured is not None
        channel = secured.channel()
        channel.unwrap(command)
        return channel.wrap(ResponseAPDU(data, SW.OK))

    assert found.channel.alive
    return transmit


@pytest.mark.parametrize(
    "point", [b"", b"\x04" + bytes(64), b"\x02" + bytes(32)], ids=["none", "off curve", "short"]
)
def test_key_that_is_no_point_of_the_curve_is_refused(point: bytes) -> None:
    chip = ChipInHand()
    found = opened(chip.transmit)
    stranger = answering(found, chip, blank.encode_public_key(point))

    with pytest.raises(ParseError):
        run(personalisation.generate_key(found), stranger)


def test_other_key_than_the_one_that_was_told_is_refused() -> None:
    chip = ChipInHand()
    open_with_key(chip)
    chip.reset()
    found = opened(chip.transmit)
    stranger = answering(found, chip, blank.encode_public_key(other_key().point))

    with pytest.raises(AuthenticationFailed, match="another key"):
        run(personalisation.generate_key(found), stranger)


def test_other_serial_in_the_channel_than_in_the_clear_is_refused() -> None:
    chip = ChipInHand()

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        answer = chip.transmit(command)
        if command.ins == blank.Instruction.MUTUAL_AUTHENTICATE:
            chip.memory = replace(chip.blank, chip_serial=bytes(16))
        return answer

    with pytest.raises(AuthenticationFailed, match="another serial"):
        opened(transmit)


@pytest.mark.parametrize("size", [0, 8, 15, 17])
def test_challenge_of_another_length_is_refused(size: int) -> None:
    chip = ChipInHand()
    found = run(personalisation.identify(), chip.transmit)

    with pytest.raises(ParseError, match="challenges"):
        run(
            personalisation.open_chip(
                replace(found, challenge=bytes(size)), MASTER.blank_key(CHIP_SERIAL), bytes(16)
            ),
            chip.transmit,
        )
    with pytest.raises(ParseError, match="challenges"):
        run(
            personalisation.open_chip(found, MASTER.blank_key(CHIP_SERIAL), bytes(size)),
            chip.transmit,
        )


def test_state_with_a_part_but_no_digest_of_it_is_refused() -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)
    strange = replace(found, state=replace(found.state, done=Part.TRUST))

    with pytest.raises(CardError, match="no digest"):
        run(personalisation.write(strange, wanted), chip.transmit)


def test_serial_in_the_clear_that_is_not_the_one_in_the_channel_is_refused() -> None:
    chip = ChipInHand()
    found = run(personalisation.identify(), chip.transmit)
    lying = replace(found, state=replace(found.state, chip_serial=bytes(16)))

    with pytest.raises(AuthenticationFailed):
        run(
            personalisation.open_chip(lying, MASTER.blank_key(CHIP_SERIAL), bytes(16)),
            chip.transmit,
        )


def test_repr_shows_no_secret() -> None:
    chip = ChipInHand()
    found, wanted = open_with_key(chip)
    run(personalisation.write(found, wanted), chip.transmit)

    shown = f"{MASTER!r} {chip.memory!r} {found!r} {wanted!r} {found.channel!r}"

    hidden = ["310452", "27182", RESIDENT_CODE, CHIP_SERIAL.hex(), repr(CHIP_SERIAL)]
    assert [text for text in hidden if text in shown] == []
