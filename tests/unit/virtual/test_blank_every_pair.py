"""Every state of a blank chip with arbitrary commands: what it never does, whatever it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from juki_card import blank, personalisation
from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.blank import EVERYTHING, NUMBERS, Instruction, Part
from juki_card.blank_key import Challenges
from juki_card.ec import Scalar
from juki_card.flow import run
from juki_card.secure_messaging import ReaderChannel
from juki_card.virtual.blank_memory import BlankMemory
from juki_card.virtual.card import proceed, process
from juki_card.virtual.memory import CardMemory
from juki_card.virtual.session import BLANK_STATES, Session, State
from tests.support.blank_world import (
    CHIP_SERIAL,
    MASTER,
    TRANSPORT_PIN,
    ChipInHand,
    content,
    opened,
    other_key,
)
from tests.support.card_states import counted
from tests.support.eac_world import CAN, FixedChance

CENTER_CHALLENGE = bytes(range(16))


@dataclass(frozen=True)
class BlankState:
    """A blank after some commands."""

    label: str
    memory: BlankMemory
    session: Session

    def __repr__(self) -> str:
        """Name the way and the state, for test reports."""
        return f"{self.label}/{self.session.state.name}"


@dataclass(frozen=True)
class Deed:
    """One exchange: the state before, what came of it, and the plain answer."""

    before: BlankState
    chip: ChipInHand
    answer: ResponseAPDU


@cache
def states() -> tuple[BlankState, ...]:
    """Return every state that a blank can be in: each session with each content that matters."""
    found = []
    for label, parts in (
        ("fresh", Part(0)),
        ("key", Part.CHIP_KEY),
        ("half", Part.CHIP_KEY | Part.TRUST | Part.CAN),
        ("nearly", EVERYTHING & ~Part.TRANSPORT_PIN),
        ("complete", EVERYTHING),
    ):
        memory = holding(parts)
        chip = ChipInHand(memory)
        found.append(BlankState(label, memory, chip.session))
        run(personalisation.identify(), chip.transmit)
        found.append(BlankState(label, memory, chip.session))
        chip.reset()
        opened(chip.transmit)
        found.append(BlankState(label, memory, chip.session))
    return tuple(found)


def holding(parts: Part) -> BlankMemory:
    """Return a blank that holds these parts."""
    chip = ChipInHand()
    channel = opened(chip.transmit)
    inside = channel.channel.through(chip.transmit)
    if parts:
        inside(blank.generate_key())
    wanted = real_content() if parts else {}
    for part, octets in wanted.items():
        if part in parts:
            assert inside(blank.put_content(part, octets)).sw == SW.OK
    assert chip.blank.done == parts
    return chip.blank


@cache
def real_content() -> dict[Part, bytes]:
    """Return the content of the chip in hand."""
    chip = ChipInHand()
    return content(run(personalisation.generate_key(opened(chip.transmit)), chip.transmit)).parts()


def too_long() -> bytes:
    """Return what could be EF.CardSecurity of the chip in hand, one octet longer than allowed."""
    point = content_point()
    return b"\x30\x82\x03\x1d" + point + bytes(0x31D - len(point))


def content_point() -> bytes:
    """Return the point of the chip in hand."""
    chip = ChipInHand()
    return run(personalisation.generate_key(opened(chip.transmit)), chip.transmit).point


def known_data() -> list[bytes]:
    """Return data of real commands, and of some that nearly are."""
    other = content(other_key()).parts()
    return [b"", bytes(32), *real_content().values(), *other.values(), b"000000", b"00000"]


def altered(data: bytes, place: int, octet: int) -> bytes:
    """Return data with one octet replaced."""
    place %= max(1, len(data))
    return data[:place] + bytes((octet,)) + data[place + 1 :]


octet = st.integers(0, 0xFF)
data = st.one_of(
    st.sampled_from(known_data()),
    st.builds(altered, st.sampled_from(known_data()), st.integers(0, 800), octet),
    st.binary(max_size=64),
)
plain_commands = st.builds(
    CommandAPDU,
    st.sampled_from([0x80, 0x80, 0x80, 0x00, 0x90, 0x84]),
    st.one_of(st.sampled_from([int(ins) for ins in Instruction]), octet),
    st.one_of(st.sampled_from([0, *NUMBERS.values()]), octet),
    st.one_of(st.just(0), octet),
    data,
    st.sampled_from([0, 16, 0xDF, 256, 65_536]),
)


def do(before: BlankState, octets: bytes) -> Deed:
    """Exchange octets with a blank in a state, as a driver does."""
    chip = ChipInHand(before.memory, FixedChance("pair"), before.session)
    outcome = process(chip.memory, chip.session, octets, chip.chance)
    assert outcome.answer is not None
    chip.memory, chip.session = outcome.memory, outcome.session
    return Deed(before, chip, _plain(before, outcome.answer))


def wrapped(before: BlankState, command: CommandAPDU) -> bytes:
    """Protect a command where the chip has a channel."""
    secured = before.session.secured
    if secured is None:
        return command.encode()
    channel = ReaderChannel(secured.keys, commands=secured.exchanges, answers=secured.exchanges)
    return channel.wrap(command).encode()


def check_rules(deed: Deed, command: CommandAPDU | None) -> None:
    """Check what holds for every deed; `command` is the plain one where the chip could read it."""
    check_memory(deed, command)
    check_told(deed)
    if deed.answer.sw != SW.OK:
        assert deed.chip.session == Session()
        assert deed.chip.memory == deed.before.memory


def check_memory(deed: Deed, command: CommandAPDU | None) -> None:
    """Nothing is written but by an open channel, nothing twice, and a card has everything."""
    before, after = deed.before.memory, deed.chip.memory
    if after == before:
        return
    assert deed.before.session.state is State.BLANK_OPENED
    assert command is not None
    if isinstance(after, CardMemory):
        assert (command.ins, before.done) == (Instruction.TERMINATE, EVERYTHING)
        return
    assert before.done & after.done == before.done
    assert (after.done & ~before.done).bit_count() == 1
    kept = ("chip_serial", "key", "files", "application", "domain")
    names = ("chip_key", "trust", "dg1", "card_security", "can", "transport_pin")
    for name in (*kept, *names):
        held = getattr(before, name)
        assert held is None or getattr(after, name) == held, name


def check_told(deed: Deed) -> None:
    """No secret leaves the chip, and no more than the state in the clear."""
    chip, told = deed.before.memory, deed.answer.data
    secrets = [chip.key.octets(), CAN.octets(), TRANSPORT_PIN.octets()]
    secrets += [real_content()[Part.DG1]]
    if chip.chip_key is not None:
        secrets.append(Scalar.of_key(chip.chip_key).number.to_bytes(32, "big"))
    for secret in secrets:
        assert secret not in told
    if deed.before.session.secured is None and chip.point is not None:
        assert chip.point not in told


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(states()), plain_commands)
@example(states()[-1], blank.terminate())
@example(states()[-4], blank.put_content(Part.TRANSPORT_PIN, b"27182"))
def test_any_command_in_any_state_keeps_the_rules(before: BlankState, command: CommandAPDU) -> None:
    deed = do(before, wrapped(before, command))

    check_rules(deed, command)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(states()), st.one_of(st.binary(max_size=80), plain_commands))
def test_any_octets_outside_a_channel_write_nothing(
    before: BlankState, sent: bytes | CommandAPDU
) -> None:
    octets = sent if isinstance(sent, bytes) else sent.encode()

    deed = do(before, octets)

    assert deed.chip.memory == before.memory
    check_told(deed)


ROWS: dict[Instruction, set[State]] = {
    Instruction.GET_STATE: {State.IDLE, State.BLANK_CHALLENGED, State.BLANK_OPENED},
    Instruction.GET_CHALLENGE: {State.IDLE, State.BLANK_CHALLENGED},
    Instruction.MUTUAL_AUTHENTICATE: {State.BLANK_CHALLENGED},
    Instruction.GENERATE_KEY: {State.BLANK_OPENED},
    Instruction.PUT_CONTENT: {State.BLANK_OPENED},
    Instruction.TERMINATE: {State.BLANK_OPENED},
}
"""The table, said a second time."""


def right_command(before: BlankState, instruction: Instruction) -> CommandAPDU:
    """Return a command that this state obeys if it has the row."""
    match instruction:
        case Instruction.GET_STATE:
            return blank.get_state()
        case Instruction.GET_CHALLENGE:
            return blank.get_challenge()
        case Instruction.MUTUAL_AUTHENTICATE:
            nonce = getattr(before.session.stage, "nonce", bytes(16))
            challenges = Challenges(CHIP_SERIAL, nonce, CENTER_CHALLENGE)
            token = MASTER.blank_key(CHIP_SERIAL).center_token(challenges)
            return blank.mutual_authenticate(CENTER_CHALLENGE, token)
        case Instruction.GENERATE_KEY:
            return blank.generate_key()
        case Instruction.PUT_CONTENT:
            return blank.put_content(Part.CAN, CAN.octets())
        case _:
            return blank.terminate()


@pytest.mark.parametrize("instruction", Instruction)
@pytest.mark.parametrize("before", states(), ids=repr)
def test_command_is_obeyed_in_its_states_and_drops_the_session_in_others(
    before: BlankState, instruction: Instruction
) -> None:
    deed = do(before, wrapped(before, right_command(before, instruction)))

    is_due = before.session.state in ROWS[instruction]
    if instruction is Instruction.TERMINATE:
        is_due = is_due and before.memory.done == EVERYTHING
    assert deed.answer.sw == (SW.OK if is_due else SW.CONDITIONS_NOT_SATISFIED)
    if not is_due:
        assert (deed.chip.session, deed.chip.memory) == (Session(), before.memory)


@pytest.mark.parametrize("before", states(), ids=repr)
@pytest.mark.parametrize(
    ("command", "status_word"),
    [
        ("00a4040c06f04a554b4901", SW.INS_NOT_SUPPORTED),
        ("00b09c0000", SW.INS_NOT_SUPPORTED),
        ("0022c1a4", SW.INS_NOT_SUPPORTED),
        ("0084000008", SW.INS_NOT_SUPPORTED),
        ("802c0303", SW.INS_NOT_SUPPORTED),
        ("00e0000000", SW.INS_NOT_SUPPORTED),
        ("80e0010000", SW.WRONG_P1P2),
        ("80e0000100", SW.WRONG_P1P2),
        ("80e806000431323334", SW.WRONG_P1P2),
        ("80e800000431323334", SW.WRONG_P1P2),
        ("80e00000", SW.WRONG_LENGTH),
        ("80e00000010000", SW.WRONG_LENGTH),
        ("80e0000008", SW.WRONG_LENGTH),
        ("80ee000000", SW.WRONG_LENGTH),
        ("80e4000020" + "00" * 32, SW.WRONG_LENGTH),
        ("80e8010000", SW.WRONG_LENGTH),
    ],
)
def test_command_that_a_blank_does_not_know_is_refused_with_its_status(
    before: BlankState, command: str, status_word: int
) -> None:
    apdu = CommandAPDU.decode(bytes.fromhex(command))

    deed = do(before, wrapped(before, apdu))

    assert deed.answer.sw == status_word
    assert (deed.chip.session, deed.chip.memory) == (Session(), before.memory)


@pytest.mark.parametrize(
    ("part", "octets"),
    [
        (Part.TRUST, b""),
        (Part.TRUST, bytes.fromhex("5f2506020601010203")),
        (Part.TRUST, real_content()[Part.TRUST][:9]),
        (Part.TRUST, real_content()[Part.TRUST][:-1] + b"\x00"),
        (Part.TRUST, real_content()[Part.TRUST] + real_content()[Part.TRUST][9:] * 2),
        (Part.TRUST, real_content()[Part.TRUST] + b"\x53\x00"),
        (Part.DG1, b"\x61\x0d\x12\x0b1234567890a"),
        (Part.DG1, real_content()[Part.DG1] + b"\x00"),
        (Part.CARD_SECURITY, real_content()[Part.CARD_SECURITY] + b"\x00"),
        (Part.CARD_SECURITY, b"\x30\x82\x03\x20" + bytes(0x320)),
        (Part.CARD_SECURITY, b"\x30\x00"),
        (Part.CARD_SECURITY, too_long()),
        (Part.CAN, b"31045"),
        (Part.CAN, b"31045a"),
        (Part.CAN, "３１０４５２".encode()),
        (Part.TRANSPORT_PIN, b"1234"),
        (Part.TRANSPORT_PIN, b"123456"),
        (Part.TRANSPORT_PIN, b"\xff" * 5),
    ],
)
def test_content_that_cannot_be_on_a_card_is_refused(part: Part, octets: bytes) -> None:
    before = next(s for s in states() if repr(s) == "key/BLANK_OPENED")
    command = CommandAPDU(0x80, 0xE8, NUMBERS[part], 0, octets)

    deed = do(before, wrapped(before, command))

    assert deed.answer.sw in {SW.WRONG_DATA, SW.AUTHENTICATION_FAILED, SW.WRONG_LENGTH}
    assert deed.chip.memory == before.memory


@pytest.mark.parametrize("part", NUMBERS, ids=lambda part: str(part.name))
def test_content_in_the_clear_is_refused_and_not_held(part: Part) -> None:
    before = next(s for s in states() if repr(s) == "key/IDLE")

    deed = do(before, blank.put_content(part, real_content()[part]).encode())

    assert deed.answer.sw == SW.CONDITIONS_NOT_SATISFIED
    assert deed.chip.memory == before.memory


def test_long_content_comes_in_a_chain_of_short_commands() -> None:
    before = next(s for s in states() if repr(s) == "key/BLANK_OPENED")
    chip = ChipInHand(before.memory, session=before.session)
    command = blank.put_content(Part.CARD_SECURITY, real_content()[Part.CARD_SECURITY])
    protected = CommandAPDU.decode(wrapped(before, command))

    for piece in protected.chained():
        answer = chip.transmit(piece)

    assert answer.sw == SW.OK
    assert chip.blank.card_security == real_content()[Part.CARD_SECURITY]


def test_proceed_of_a_blank_is_refused() -> None:
    for session in (Session(), counted().session):
        outcome = proceed(states()[0].memory, session)

        assert outcome.answer == ResponseAPDU(b"", SW.CONDITIONS_NOT_SATISFIED)


def test_every_state_of_a_blank_is_reached() -> None:
    assert {s.session.state for s in states()} == BLANK_STATES | {State.IDLE}


@pytest.mark.parametrize("before", states(), ids=repr)
def test_state_is_told_in_every_state(before: BlankState) -> None:
    deed = do(before, wrapped(before, blank.get_state()))

    is_open = before.session.secured is not None
    assert blank.ChipState.decode(deed.answer.data) == before.memory.state(protected=is_open)


def _plain(before: BlankState, answer: ResponseAPDU) -> ResponseAPDU:
    secured = before.session.secured
    if secured is None or not answer.data:
        return answer
    channel = ReaderChannel(secured.keys, commands=secured.exchanges, answers=secured.exchanges)
    channel.wrap(CommandAPDU(0, 0, 0, 0))
    return channel.unwrap(answer)
