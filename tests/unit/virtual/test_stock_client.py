"""The commands that a stock eID client sends to change a PIN, answered by the nPA-like card."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.card_access import CardAccess
from juki_card.ec import BRAINPOOL_P256R1
from juki_card.errors import PinWrong
from juki_card.flow import run
from juki_card.pace import establish, select_password
from juki_card.passwords import PasswordReference, Pin
from juki_card.virtual.session import Session, State
from juki_cardbox.profiles import NPA
from tests.support.card_states import say
from tests.support.eac_world import CardInHand, ephemerals, world

OLD, NEW = Pin("111111"), Pin("123456")
ACCESS = CardAccess.offering(BRAINPOOL_P256R1)


def stock_card() -> CardInHand:
    """Return an nPA-like card."""
    memory = world(BRAINPOOL_P256R1).memory(pin=OLD, profile=NPA, resident_code=None)
    return CardInHand(memory)


def open_with(card: CardInHand, pin: Pin) -> None:
    """Run PACE as the stock client does, without a CHAT."""
    run(select_password(ACCESS, PasswordReference.PIN, None), card.transmit)
    run(establish(pin, ACCESS, ephemerals(BRAINPOOL_P256R1)), card.transmit)


@pytest.mark.published
def test_recorded_commands_up_to_pace_get_the_recorded_answers(published: dict[str, Any]) -> None:
    card = stock_card()
    lines = [
        bytes.fromhex(o) for _, o in published["transcript_ausweisapp_pin_change_vs_vicc"]["apdus"]
    ]
    pairs = list(zip(lines[::2], lines[1::2], strict=True))
    begin_of_pace = next(i for i, (sent, _) in enumerate(pairs) if sent[:2] == b"\x10\x86")
    private_file = bytes.fromhex("00b09c0000")

    for sent, recorded in pairs[:begin_of_pace]:
        answer = card.exchange(sent)

        if sent[0] == 0xFF:
            assert answer == SW.CLA_NOT_SUPPORTED.to_bytes(2, "big")
        elif sent == private_file:
            assert answer[-2:] == recorded[-2:]
        elif sent[:2] == b"\x00\xb0" and sent[3] == 0xB6:
            assert answer == SW.WRONG_OFFSET.to_bytes(2, "big")
        else:
            assert answer == recorded, sent.hex()
    assert card.session.state is State.PASSWORD_NAMED


def test_pin_change_counts_with_the_new_pin() -> None:
    card = stock_card()
    open_with(card, OLD)

    changed = say(card, CommandAPDU(0x00, 0x2C, 0x02, 0x03, NEW.octets()))
    ended = card.transmit(CommandAPDU(0x00, 0x22, 0xC1, 0xA4))

    assert changed.sw == SW.OK
    assert (ended, card.session) == (ResponseAPDU(b"", SW.SM_MISSING), Session())
    open_with(card, NEW)


def test_wrong_pin_shows_in_the_counter_that_the_client_asks_for() -> None:
    card = stock_card()

    with pytest.raises(PinWrong):
        open_with(card, NEW)
    left = run(select_password(ACCESS, PasswordReference.PIN, None), card.transmit).tries_left

    assert left == 2


def test_four_digits_are_no_pin_of_this_profile() -> None:
    card = stock_card()
    open_with(card, OLD)

    answer = say(card, CommandAPDU(0x00, 0x2C, 0x02, 0x03, b"1234"))

    assert answer.sw == SW.WRONG_DATA


def test_last_try_is_held_back_in_this_profile() -> None:
    card = stock_card()
    card = CardInHand(replace(card.memory, pin=replace(card.memory.pin, tries_left=1)))

    answer = card.transmit(CommandAPDU.decode(_MSE_PIN))

    assert answer.sw == SW.PIN_SUSPENDED
    assert card.session == Session()


_MSE_PIN = bytes.fromhex("0022c1a412800a04007f0007020204020283010384010d")
