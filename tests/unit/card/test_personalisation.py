"""Making a card of a blank chip, center and chip together."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytest

from juki_card import blank, personalisation
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


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "e100",
        "e1068001018201ff",
        "e11a8001028110" + "00" * 16 + "820100",
        "e11a8001018110" + "00" * 16 + "820140",
        "e11c8001018110" + "00" * 16 + "8201008a00",
        "e11c8001018110" + "00" * 16 + "8201009100",
        "e1098001018101008201009000",
    ],
)
def test_state_that_is_none_is_refused(octets: str) -> None:
    with pytest.raises(ParseError):
        ChipState.decode(bytes.fromhex(octets))


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
