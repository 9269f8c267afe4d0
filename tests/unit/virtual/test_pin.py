"""The PIN: tries, blocking, the CAN, the transport state, and what a window does to it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from juki_card import eac, files, pace
from juki_card import terminal_authentication as ta
from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.chat import CHAT
from juki_card.errors import CardError, PinLocked, PinWrong, UnexpectedStatus
from juki_card.flow import run
from juki_card.passwords import PasswordReference, Pin, TransportPin
from juki_card.virtual.card import process
from juki_card.virtual.memory import PinRecord, PinState
from juki_card.virtual.session import Session, State
from tests.support.card_states import (
    ACCESS,
    TRANSPORT_PIN,
    open_channel,
    resident_session,
    say,
    window_session,
)
from tests.support.eac_world import (
    AUTH,
    CAN,
    IDENTIFY,
    PIN,
    RESIDENT_CODE,
    WINDOW,
    CardInHand,
    FixedChance,
    open_session,
    whole_session,
    world,
)

WRONG = Pin("0000")
NEW = Pin("2580")
CHANGE = CommandAPDU(0x00, 0x2C, 0x02, 0x03, NEW.octets())
UNBLOCK = CommandAPDU(0x00, 0x2C, 0x03, 0x03)
TO_TRANSPORT = CommandAPDU(0x80, 0x2C, 0x03, 0x03)
OTHER_THAN_CHANGE = (
    ta.mse_set_dst(world().cvca.certificate.chr),
    files.read_short_file(files.CARD_SECURITY),
    CommandAPDU(0x00, 0x2A, 0x00, 0xBE, b"\x00"),
    CommandAPDU(0x00, 0x22, 0x41, 0xA4),
    CommandAPDU(0x00, 0x84, 0x00, 0x00, ne=8),
    CommandAPDU(0x00, 0x2C, 0x02, 0x02, NEW.octets()),
)
"""What a session does besides setting a PIN."""
REFUSALS = {
    SW.CONDITIONS_NOT_SATISFIED,
    SW.SECURITY_NOT_SATISFIED,
    SW.WRONG_P1P2,
}


def new_card(*, tries_left: int = 3) -> CardInHand:
    """Return a card with fresh power."""
    memory = world().memory()
    return CardInHand(replace(memory, pin=replace(memory.pin, tries_left=tries_left)))


def window_card() -> CardInHand:
    """Return a card with a blocked PIN in a window session, after CA."""
    return next(s for s in window_session() if s.state is State.CHIP).card()


def told_tries(card: CardInHand) -> int | None:
    """Ask as a terminal does before it asks for the PIN."""
    return run(pace.select_password(ACCESS, PasswordReference.PIN, None), card.transmit).tries_left


def test_three_wrong_pins_count_down_and_block() -> None:
    card = new_card()

    left = []
    for _ in range(3):
        with pytest.raises(PinWrong) as refusal:
            open_channel(card, WRONG)
        left.append(refusal.value.tries_left)

    assert left == [2, 1, 0]
    assert card.memory.pin.is_blocked


def test_blocked_pin_refuses_the_right_one_and_compares_nothing() -> None:
    card = new_card(tries_left=0)

    with pytest.raises(PinLocked):
        open_channel(card, PIN)

    assert card.memories == []
    assert card.session == Session()


def test_blocked_pin_stays_blocked_without_power() -> None:
    card = new_card(tries_left=0)

    card.reset()

    with pytest.raises(PinLocked):
        told_tries(card)


@pytest.mark.parametrize("left", [1, 2])
def test_tries_are_told_before_the_pin_is_asked_and_asking_costs_none(left: int) -> None:
    card = new_card(tries_left=left)

    told = [told_tries(card), told_tries(card)]

    assert told == [left, left]
    assert card.memory.pin.tries_left == left


@pytest.mark.parametrize("left", [1, 2, 3])
def test_right_pin_restores_all_tries(left: int) -> None:
    card = new_card(tries_left=left)

    open_channel(card, PIN)

    assert card.memory.pin.tries_left == 3


def test_try_is_counted_before_the_comparison() -> None:
    card = new_card(tries_left=2)
    with pytest.raises(PinWrong):
        open_channel(card, WRONG)

    assert [memory.pin.tries_left for memory in card.memories] == [1]


def test_token_of_another_length_is_a_wrong_pin_not_a_defect() -> None:
    card = new_card()
    run(pace.select_password(ACCESS, PasswordReference.PIN, None), card.transmit)
    for step in _pace_steps():
        card.transmit(step)

    answer = card.transmit(CommandAPDU.decode(bytes.fromhex("00860000057c0385010000")))

    assert answer.sw == 0x63C2


def test_pace_torn_before_the_last_step_costs_no_try() -> None:
    card = new_card()
    run(pace.select_password(ACCESS, PasswordReference.PIN, None), card.transmit)
    for step in _pace_steps():
        card.transmit(step)

    card.reset()

    assert card.memories == []


def test_can_session_leaves_the_pin_alone() -> None:
    card = new_card(tries_left=1)

    open_channel(card, CAN, chat=WINDOW)

    assert card.memory.pin.tries_left == 1


# Changing the PIN


def test_pin_is_changed_in_its_own_channel() -> None:
    card = new_card()
    open_channel(card, PIN)

    answer = say(card, CHANGE)

    assert answer.sw == SW.OK
    card.reset()
    with pytest.raises(PinWrong):
        open_channel(card, PIN)
    open_channel(card, NEW)


@pytest.mark.parametrize("digits", [b"", b"123", b"12345", b"12a4", b"\xff\xff\xff\xff"])
def test_new_pin_that_is_none_is_refused_and_the_old_one_stays(digits: bytes) -> None:
    card = new_card()
    open_channel(card, PIN)

    answer = say(card, replace(CHANGE, data=digits))

    assert answer.sw == SW.WRONG_DATA
    assert card.memory.pin.value == PIN


def test_pin_is_not_changed_without_a_channel() -> None:
    card = new_card()

    answer = card.transmit(CHANGE)

    assert answer.sw == SW.CONDITIONS_NOT_SATISFIED
    assert card.memories == []


def test_pin_is_not_changed_in_a_channel_of_the_can() -> None:
    card = new_card()
    open_channel(card, CAN, chat=WINDOW)

    answer = say(card, CHANGE)

    assert answer.sw == SW.SECURITY_NOT_SATISFIED
    assert card.memory.pin.value == PIN


def test_pin_is_not_changed_once_a_terminal_began_to_authenticate() -> None:
    card = new_card()
    plan, _ = world().plan()
    opened = open_session(card.transmit, plan)

    answer = opened.channel.through(card.transmit)(CHANGE)

    assert answer.sw == SW.CONDITIONS_NOT_SATISFIED
    assert card.memory.pin.value == PIN


def test_pin_is_not_changed_after_a_certificate_was_shown() -> None:
    card = new_card()
    open_channel(card, PIN, chat=IDENTIFY)
    for step in ta.chain_steps([world().dv.certificate]):
        say(card, step.apdu)

    answer = say(card, CHANGE)

    assert answer.sw == SW.SECURITY_NOT_SATISFIED
    assert card.memory.pin.value == PIN


# What a window does


def test_window_unblocks_and_keeps_the_pin() -> None:
    card = window_card()

    answer = say(card, UNBLOCK)

    assert answer.sw == SW.OK
    assert (card.memory.pin.tries_left, card.memory.pin.unblockings_left) == (3, 9)
    card.reset()
    open_channel(card, PIN)


def test_window_without_unblockings_left_is_refused() -> None:
    card = window_card()
    spent = replace(card.memory, pin=replace(card.memory.pin, unblockings_left=0))
    card = CardInHand(spent, session=card.session)

    answer = say(card, UNBLOCK)

    assert answer.sw == SW.METHOD_BLOCKED
    assert card.memory.pin.is_blocked


@pytest.mark.parametrize("command", [UNBLOCK, TO_TRANSPORT])
def test_session_without_pin_management_does_not_touch_the_pin(command: CommandAPDU) -> None:
    card = new_card()
    plan, keys = world().plan(IDENTIFY)
    opened = open_session(card.transmit, plan)
    run(eac.authenticate_chip(plan, keys, opened.ready), opened.channel.through(card.transmit))

    answer = say(card, command)

    assert answer.sw == SW.SECURITY_NOT_SATISFIED
    assert card.memory.pin == PinRecord(PinState.OPERATIONAL, PIN)


def test_forgotten_pin_is_replaced_without_the_window_seeing_it() -> None:
    card = window_card()

    say(card, TO_TRANSPORT)
    card.reset()
    open_channel(card, CAN)
    answer = say(card, CHANGE)

    assert answer.sw == SW.OK
    card.reset()
    _, code = whole_session(card.transmit, *world().plan(), password=NEW)
    assert code == RESIDENT_CODE


def pin_states() -> dict[str, PinRecord]:
    """Return a PIN in every state that it can be in."""
    return {
        "operational": PinRecord(PinState.OPERATIONAL, PIN),
        "blocked": PinRecord(PinState.OPERATIONAL, PIN, 0),
        "transport PIN": PinRecord(PinState.TRANSPORT, TRANSPORT_PIN),
        "transport PIN blocked": PinRecord(PinState.TRANSPORT, TRANSPORT_PIN, 0),
        "no PIN": PinRecord(PinState.TRANSPORT, None),
    }


@pytest.mark.parametrize("state", pin_states())
def test_can_opens_a_window_session_in_every_state_of_the_pin(state: str) -> None:
    record = pin_states()[state]
    card = CardInHand(world().memory().with_pin(record))

    with pytest.raises(UnexpectedStatus) as refusal:
        whole_session(card.transmit, *world().plan(WINDOW), password=CAN)

    # Everything worked up to EF.DG1, to which a window has no right.
    assert refusal.value.command == "READ EF.DG1"
    assert card.memory.pin == record


@pytest.mark.parametrize("state", ["transport PIN", "no PIN"])
@pytest.mark.parametrize("chat", [IDENTIFY, AUTH], ids=["identify", "read DG1"])
def test_can_opens_nothing_but_a_window_session_in_transport(state: str, chat: CHAT) -> None:
    card = CardInHand(world().memory().with_pin(pin_states()[state]))

    with pytest.raises(UnexpectedStatus) as refusal:
        open_channel(card, CAN, chat=chat)

    assert refusal.value.status_word == SW.SECURITY_NOT_SATISFIED


def test_card_without_a_pin_refuses_the_pin() -> None:
    card = CardInHand(world().memory().with_pin(pin_states()["no PIN"]))

    with pytest.raises(UnexpectedStatus) as refusal:
        told_tries(card)

    assert refusal.value.status_word == SW.REFERENCE_DATA_UNUSABLE


def test_card_without_a_pin_takes_its_can_for_the_new_pin_and_nothing_else() -> None:
    card = CardInHand(world().memory().with_pin(pin_states()["no PIN"]))
    open_channel(card, CAN)
    before = card.session

    answers = []
    for command in (*OTHER_THAN_CHANGE, UNBLOCK, TO_TRANSPORT):
        card.session = before
        answers.append(say(card, command).sw)

    assert set(answers) <= REFUSALS
    assert card.memory.pin.value is None
    card.session = before
    assert say(card, CHANGE).sw == SW.OK


# Hand-over


def transport_card() -> CardInHand:
    """Return a card that was not handed over."""
    return CardInHand(world().memory(pin=TRANSPORT_PIN))


def test_transport_pin_permits_the_new_pin() -> None:
    card = transport_card()
    open_channel(card, TRANSPORT_PIN)

    answer = say(card, CHANGE)

    assert answer.sw == SW.OK
    assert card.memory.pin == PinRecord(PinState.OPERATIONAL, NEW)
    card.reset()
    whole_session(card.transmit, *world().plan(), password=NEW)


def test_transport_pin_opens_no_session_with_the_system() -> None:
    card = transport_card()

    with pytest.raises(UnexpectedStatus) as refusal:
        open_session(card.transmit, world().plan()[0], password=TRANSPORT_PIN)

    assert refusal.value.status_word == SW.CONDITIONS_NOT_SATISFIED


@pytest.mark.parametrize("chat", [None, AUTH, IDENTIFY, WINDOW], ids=repr)
def test_transport_pin_permits_nothing_but_the_new_pin(chat: CHAT | None) -> None:
    card = transport_card()
    open_channel(card, TRANSPORT_PIN, chat=chat)
    before = card.session

    answers = []
    for command in (*OTHER_THAN_CHANGE, UNBLOCK, TO_TRANSPORT):
        card.session = before
        answers.append(say(card, command).sw)

    assert set(answers) <= REFUSALS
    assert card.memory.pin == PinRecord(PinState.TRANSPORT, TRANSPORT_PIN)


def test_window_unblocks_a_transport_pin_and_keeps_it() -> None:
    blocked = world().memory(pin=TRANSPORT_PIN).pin
    card = CardInHand(world().memory().with_pin(replace(blocked, tries_left=0)))
    with suppress(UnexpectedStatus):
        # Ends at EF.DG1, to which a window has no right; that refusal keeps the session.
        whole_session(card.transmit, *world().plan(WINDOW), password=CAN)

    answer = say(card, UNBLOCK)

    assert answer.sw == SW.OK
    assert card.memory.pin == PinRecord(PinState.TRANSPORT, TRANSPORT_PIN, 3, 9)


def test_wrong_transport_pin_counts() -> None:
    card = transport_card()

    with pytest.raises(PinWrong) as refusal:
        open_channel(card, TransportPin("99999"))

    assert refusal.value.tries_left == 2


def test_transport_card_does_not_take_its_can_for_a_new_pin() -> None:
    card = transport_card()

    with pytest.raises(UnexpectedStatus) as refusal:
        open_channel(card, CAN)

    assert refusal.value.status_word == SW.SECURITY_NOT_SATISFIED


# The last try behind the CAN


def suspended_card() -> CardInHand:
    """Return a card with one try left, on a profile that holds it back."""
    memory = world().memory()
    pin = replace(memory.pin, tries_left=1)
    return CardInHand(replace(memory, pin=pin, suspends_last_try=True))


def test_held_back_try_is_told_and_not_given() -> None:
    card = suspended_card()

    told = told_tries(card)
    with pytest.raises(CardError):
        open_channel(card, PIN)

    assert told == 1
    assert card.memories == []


def test_held_back_try_is_given_after_the_can() -> None:
    card = suspended_card()
    first = open_channel(card, CAN)
    inside = first.channel.through(card.transmit)

    run(pace.select_password(ACCESS, PasswordReference.PIN, None), inside)
    second = run(pace.establish(PIN, ACCESS, _ephemerals()), inside)

    assert card.memory.pin.tries_left == 3
    assert second.channel.through(card.transmit)(CHANGE).sw == SW.OK


def test_held_back_try_is_lost_by_a_wrong_pin_after_the_can() -> None:
    card = suspended_card()
    inside = open_channel(card, CAN).channel.through(card.transmit)
    run(pace.select_password(ACCESS, PasswordReference.PIN, None), inside)

    with pytest.raises(PinWrong) as refusal:
        run(pace.establish(WRONG, ACCESS, _ephemerals()), inside)

    assert refusal.value.tries_left == 0
    assert card.memory.pin.is_blocked


def test_can_alone_opens_nothing_on_a_card_whose_try_is_not_held_back() -> None:
    card = new_card(tries_left=1)

    with pytest.raises(UnexpectedStatus) as refusal:
        open_channel(card, CAN)

    assert refusal.value.status_word == SW.SECURITY_NOT_SATISFIED


# The two phases of the last step


@pytest.mark.parametrize("pin", [PIN, WRONG], ids=["right", "wrong"])
def test_first_phase_of_the_last_step_looks_the_same_for_every_pin(pin: Pin) -> None:
    before, last_step = _at_last_step(pin)

    outcome = process(before.memory, before.session, last_step.encode(), FixedChance("phase"))

    assert outcome.answer is None
    assert outcome.session.state is State.COUNTED
    assert outcome.memory.pin.tries_left == 2


def _at_last_step(pin: Pin) -> tuple[CardInHand, CommandAPDU]:
    """Return a card just before the last step of PACE, and that step."""
    card = new_card()
    met: list[tuple[CardInHand, CommandAPDU]] = []

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        met.append((CardInHand(card.memory, session=card.session), command))
        return card.transmit(command)

    run(pace.select_password(ACCESS, PasswordReference.PIN, None), transmit)
    with suppress(PinWrong):
        run(pace.establish(pin, ACCESS, _ephemerals()), transmit)
    return met[-1]


def _ephemerals() -> pace.Ephemerals:
    octets = FixedChance("second").octets(pace.random_size(ACCESS.domain))
    return pace.Ephemerals.from_random(ACCESS.domain, octets)


def _pace_steps() -> list[CommandAPDU]:
    return [CommandAPDU.decode(snapshot.came_by[-1]) for snapshot in resident_session()[3:6]]
