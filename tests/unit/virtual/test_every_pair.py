"""Every reachable state with arbitrary commands: what a card never does, whatever it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.passwords import PasswordReference
from juki_card.virtual import card as virtual_card
from juki_card.virtual.memory import CardMemory
from juki_card.virtual.orders import Order, order_of
from juki_card.virtual.session import BLANK_STATES, ChipDone, PaceDone, Session, State, TerminalDone
from tests.support.card_states import (
    Snapshot,
    all_states,
    counted,
    reader_channel,
    resident_session,
    window_session,
)
from tests.support.eac_world import PIN, RESIDENT_CODE, FixedChance

ANSWERED_OUTSIDE_THE_TABLE = {
    SW.CONDITIONS_NOT_SATISFIED,
    SW.INS_NOT_SUPPORTED,
    SW.CLA_NOT_SUPPORTED,
    SW.WRONG_P1P2,
    SW.SM_MISSING,
    SW.SM_INCORRECT,
    SW.SM_NOT_SUPPORTED,
    SW.WRONG_LENGTH,
    SW.WRONG_DATA,
}
INSTRUCTIONS = [0x22, 0x2A, 0x2C, 0x82, 0x84, 0x86, 0xA4, 0xB0, 0x20, 0xB1, 0xD6]
PARAMETERS = [(0xC1, 0xA4), (0x81, 0xA4), (0x41, 0xA4), (0x81, 0xB6), (0x00, 0xBE), (0x00, 0x00)]
PARAMETERS += [(0x02, 0x03), (0x03, 0x03), (0x04, 0x0C), (0x02, 0x0C), (0x9C, 0), (0x9D, 0)]
PARAMETERS += [(0x81, 0), (0x01, 0x01), (0x7F, 0xFF)]


@dataclass(frozen=True)
class Deed:
    """One exchange: the state before, the plain command, and what came of it."""

    before: Snapshot
    memory: CardMemory
    session: Session
    answer: ResponseAPDU


def known_data() -> list[bytes]:
    """Return the data of every plain command that real sessions sent."""
    found = {b"", b"4649", b"\x3f\x00", b"\x01\x01"}
    for way in (resident_session(), window_session()):
        for before, after in pairwise(way):
            command = CommandAPDU.decode(after.came_by[-1])
            secured = before.session.secured
            found.add(secured.channel().unwrap(command).data if secured else command.data)
    return sorted(found)


def altered(data: bytes, place: int, octet: int) -> bytes:
    """Return data with one octet replaced."""
    place %= max(1, len(data))
    return data[:place] + bytes((octet,)) + data[place + 1 :]


octet = st.integers(0, 0xFF)
data = st.one_of(
    st.sampled_from(known_data()),
    st.builds(altered, st.sampled_from(known_data()), st.integers(0, 400), octet),
    st.binary(max_size=64),
)
plain_commands = st.builds(
    lambda cla, ins, p, data, ne: CommandAPDU(cla, ins, p[0], p[1], data, ne),
    st.sampled_from([0x00, 0x00, 0x00, 0x10, 0x80, 0x84]),
    st.one_of(st.sampled_from(INSTRUCTIONS), octet),
    st.one_of(st.sampled_from(PARAMETERS), st.tuples(octet, octet)),
    data,
    st.sampled_from([0, 8, 0xDF, 256, 65_536]),
)
states = st.sampled_from(all_states())


def do(before: Snapshot, octets: bytes) -> Deed:
    """Exchange octets with a card in a state, as a driver does."""
    chance = FixedChance("pair")
    outcome = virtual_card.process(before.memory, before.session, octets, chance)
    if outcome.answer is None:
        outcome = virtual_card.proceed(outcome.memory, outcome.session)
    assert outcome.answer is not None
    return Deed(before, outcome.memory, outcome.session, outcome.answer)


def opened(before: Snapshot, answer: ResponseAPDU) -> ResponseAPDU:
    """Take secure messaging off an answer, where there is any."""
    if before.session.secured is None or not answer.data:
        return answer
    channel = reader_channel(before.card())
    channel.wrap(CommandAPDU(0, 0, 0, 0))
    return channel.unwrap(answer)


def wrapped(before: Snapshot, command: CommandAPDU) -> bytes:
    """Protect a command where the card has a channel."""
    if before.session.secured is None:
        return command.encode()
    return reader_channel(before.card()).wrap(command).encode()


def check_rules(deed: Deed, command: CommandAPDU | None) -> None:
    """Check what holds for every deed; `command` is the plain one where the card could read it."""
    check_tries(deed, command)
    check_secrets(deed)
    check_rights(deed)
    assert deed.memory.today == deed.before.memory.today
    assert deed.memory.files == deed.before.memory.files


def check_tries(deed: Deed, command: CommandAPDU | None) -> None:
    """No try is won but by the right PIN or an authorised reset."""
    before, after = deed.before.memory.pin, deed.memory.pin
    if after.tries_left <= before.tries_left:
        return
    assert command is not None
    match deed.before.session.stage, order_of(command):
        case _, Order.LAST_STEP:
            assert isinstance(deed.session.stage, PaceDone)
            assert deed.session.stage.facts.reference is PasswordReference.PIN
        case PaceDone() as stage, Order.CHANGE_PIN:
            assert stage.facts.reference is PasswordReference.PIN or before.value is None
        case ChipDone() as stage, (Order.UNBLOCK_PIN | Order.PIN_TO_TRANSPORT):
            assert stage.terminal.rights.rights & 1 << 5
            assert after.unblockings_left == before.unblockings_left - 1
        case stage, order:
            pytest.fail(f"{order} in {stage} won a try")


def check_secrets(deed: Deed) -> None:
    """No file leaves without its right; PIN and chip key never leave."""
    answer = opened(deed.before, deed.answer).data
    stage = deed.before.session.stage
    may_read_dg1 = deed.before.label == "resident" and isinstance(stage, ChipDone)
    if not may_read_dg1:
        assert RESIDENT_CODE[:8].encode() not in answer
    security = next(f.content for f in deed.before.memory.files if f.identifier == 0x011D)
    if deed.before.state not in (State.TERMINAL, State.CHIP):
        assert security[:8] not in answer
    chip_key = deed.before.memory.chip_key.private_numbers().private_value
    assert chip_key.to_bytes(32, "big") not in answer
    # Four digits may stand by chance in a file or a point, not in a short answer.
    assert PIN.octets() not in answer or len(answer) > 16


def check_rights(deed: Deed) -> None:
    """A refusal that the table does not know drops the session; rights never grow."""
    if isinstance(deed.session.stage, TerminalDone) and deed.session != deed.before.session:
        assert deed.before.state in (State.CHALLENGED, State.TERMINAL)
    if isinstance(deed.session.stage, ChipDone):
        assert deed.before.state in (State.CHIP_KEY_NAMED, State.CHIP)


@settings(max_examples=600, deadline=None)
@given(states, plain_commands)
def test_any_state_with_any_known_command_keeps_the_rules(
    before: Snapshot, command: CommandAPDU
) -> None:
    deed = do(before, wrapped(before, command))

    check_rules(deed, command)


@settings(max_examples=400, deadline=None)
@given(states, st.one_of(st.binary(max_size=300), plain_commands.map(CommandAPDU.encode)))
@example(resident_session()[-1], b"")
@example(resident_session()[0], bytes.fromhex("00b09d0000"))
def test_any_state_with_any_octets_keeps_the_rules(before: Snapshot, octets: bytes) -> None:
    command = CommandAPDU.decode(octets) if _parses(octets) else None

    deed = do(before, octets)

    check_rules(deed, command)
    is_part = command is not None and command.cla & 0x1C == 0x1C
    if before.session.secured is not None and not is_part:
        assert deed.session == Session()
        assert deed.answer.data == b""


@pytest.mark.parametrize("order", Order)
def test_order_outside_the_table_drops_the_session(order: Order) -> None:
    command = EXAMPLES[order]

    for before in all_states():
        deed = do(before, wrapped(before, command))

        plain = opened(before, deed.answer)
        if order in {Order.UNKNOWN, Order.WRONG_PARAMETERS}:
            assert plain.sw in ANSWERED_OUTSIDE_THE_TABLE, before
        if plain.sw in {SW.CONDITIONS_NOT_SATISFIED, SW.INS_NOT_SUPPORTED}:
            assert (deed.session, deed.memory) == (Session(), before.memory), before


@pytest.mark.parametrize("octets", ["00b09c0000", "0086000000", "0ca4040c00"])
def test_command_between_count_and_comparison_drops_the_session(octets: str) -> None:
    deed = do(counted(), bytes.fromhex(octets))

    assert deed.session == Session()
    assert deed.memory.pin.tries_left == 2


def test_proceed_without_a_counted_try_is_refused() -> None:
    idle = resident_session()[0]

    outcome = virtual_card.proceed(idle.memory, idle.session)

    assert outcome.answer == ResponseAPDU(b"", SW.CONDITIONS_NOT_SATISFIED)


def test_every_state_of_the_table_is_reached() -> None:
    assert {snapshot.state for snapshot in all_states()} == set(State) - BLANK_STATES


EXAMPLES = {
    Order.SELECT: CommandAPDU(0x00, 0xA4, 0x00, 0x0C, b"\x3f\x00"),
    Order.READ_BINARY: CommandAPDU(0x00, 0xB0, 0x9C, 0x00, ne=256),
    Order.SET_AT_PACE: CommandAPDU(0x00, 0x22, 0xC1, 0xA4),
    Order.SET_AT_TERMINAL: CommandAPDU(0x00, 0x22, 0x81, 0xA4),
    Order.SET_AT_CHIP: CommandAPDU(0x00, 0x22, 0x41, 0xA4),
    Order.SET_DST: CommandAPDU(0x00, 0x22, 0x81, 0xB6),
    Order.VERIFY_CERTIFICATE: CommandAPDU(0x00, 0x2A, 0x00, 0xBE),
    Order.STEP: CommandAPDU(0x10, 0x86, 0x00, 0x00, b"\x7c\x00", 256),
    Order.LAST_STEP: CommandAPDU(0x00, 0x86, 0x00, 0x00, b"\x7c\x00", 256),
    Order.GET_CHALLENGE: CommandAPDU(0x00, 0x84, 0x00, 0x00, ne=8),
    Order.EXTERNAL_AUTHENTICATE: CommandAPDU(0x00, 0x82, 0x00, 0x00, bytes(64)),
    Order.CHANGE_PIN: CommandAPDU(0x00, 0x2C, 0x02, 0x03),
    Order.UNBLOCK_PIN: CommandAPDU(0x00, 0x2C, 0x03, 0x03),
    Order.PIN_TO_TRANSPORT: CommandAPDU(0x80, 0x2C, 0x03, 0x03),
    Order.WRONG_PARAMETERS: CommandAPDU(0x00, 0x22, 0x00, 0x00),
    Order.UNKNOWN: CommandAPDU(0x00, 0xD6, 0x00, 0x00, b"\x00"),
}


def _parses(octets: bytes) -> bool:
    try:
        CommandAPDU.decode(octets)
    except Exception:
        return False
    return True
