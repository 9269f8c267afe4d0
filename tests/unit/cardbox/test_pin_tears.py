"""Power cuts while a PIN is set, unblocked or taken away: no counter is lost or filled wrongly.

A window session and the commands after it are cut at every point of every exchange. What the card
remembers then is what it was before, or what it is after, or one of the two with a try counted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from juki_card import eac
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.errors import CardRemoved, UnexpectedStatus
from juki_card.flow import run
from juki_card.passwords import Can, Pin, TransportPin
from juki_card.virtual.memory import PinRecord, PinState
from juki_cardbox.cardfile import CardFile
from juki_cardbox.power import CutAt, CutPoint, Mains, PowerSupply
from juki_cardbox.slot import CardSlot
from tests.support.card_states import NEW_PIN, TRANSPORT_PIN, say_protected, set_pin
from tests.support.eac_world import CAN, PIN, WINDOW, FixedChance, open_session, world

Transmit = Callable[[CommandAPDU], ResponseAPDU]
UNBLOCK = CommandAPDU(0x00, 0x2C, 0x03, 0x03)
TO_TRANSPORT = CommandAPDU(0x80, 0x2C, 0x03, 0x03)
SETTING = 6
"""Exchanges of PACE and the command that sets a PIN."""
COUNTING = 5
"""The exchange of PACE that counts a try."""
MANAGING = 17
"""Exchanges of a window session and one command after it."""


def cuts(exchanges: int) -> list[CutAt]:
    """Return a cut at every point of every exchange; the comparison of PACE has two writes."""
    return [
        CutAt(point, exchange, write)
        for exchange in range(1, exchanges + 1)
        for point in CutPoint
        for write in ((1, 2) if point in WRITES and exchange == COUNTING else (None,))
    ]


WRITES = (CutPoint.BEFORE_WRITE, CutPoint.AFTER_WRITE)


def card_with(tmp_path: Path, record: PinRecord) -> Path:
    """Return a card with this PIN."""
    path = tmp_path / "one.card"
    CardFile(path).create(world().memory().with_pin(record))
    return path


def powered(path: Path, supply: PowerSupply, act: Callable[[Transmit], None]) -> bool:
    """Do something with a card that has power; say whether it went to its end."""
    slot = CardSlot(path, supply=supply, chance=FixedChance("tear"))
    slot.power_on()
    try:
        act(lambda command: ResponseAPDU.decode(slot.transmit(command.encode())))
    except CardRemoved:
        return False
    finally:
        slot.power_off()
    return True


def record_of(path: Path) -> PinRecord:
    """Return what the card remembers of its PIN."""
    return CardFile(path).load().pin


def managed(command: CommandAPDU) -> Callable[[Transmit], None]:
    """Return a window session that sends one command at its end."""

    def act(transmit: Transmit) -> None:
        plan, keys = world().plan(WINDOW)
        opened = open_session(transmit, plan, password=CAN)
        relayed = opened.channel.through(transmit)
        chip = run(eac.authenticate_chip(plan, keys, opened.ready), relayed)
        say_protected(chip.channel, transmit, command)

    return act


def setting(password: Can | Pin | TransportPin) -> Callable[[Transmit], None]:
    """Return the local act that sets the new PIN."""
    return lambda transmit: set_pin(transmit, password)


@pytest.mark.parametrize("left", [3, 1])
@pytest.mark.parametrize("cut", cuts(SETTING), ids=str)
@pytest.mark.parametrize(
    ("state", "value"),
    [(PinState.TRANSPORT, TRANSPORT_PIN), (PinState.OPERATIONAL, PIN)],
    ids=["hand-over", "change"],
)
def test_cut_while_the_holder_sets_a_pin_leaves_the_old_or_the_new_one(
    tmp_path: Path, state: PinState, value: Pin | TransportPin, cut: CutAt, left: int
) -> None:
    before = PinRecord(state, value, left)
    path = card_with(tmp_path, before)

    powered(path, cut, setting(value))

    forgiven, new = replace(before, tries_left=3), PinRecord(PinState.OPERATIONAL, NEW_PIN)
    counted = replace(before, tries_left=left - 1)
    found = record_of(path)
    assert found in (before, counted, forgiven, new)
    if found == counted:
        assert (cut.exchange, cut.write, cut.point) in (
            (COUNTING, 1, CutPoint.AFTER_WRITE),
            (COUNTING, 2, CutPoint.BEFORE_WRITE),
        )
    if found in (before, forgiven):
        assert powered(path, Mains(), setting(value))
        assert record_of(path) == new


@pytest.mark.parametrize("cut", cuts(SETTING), ids=str)
def test_cut_while_a_new_pin_follows_a_forgotten_one_leaves_none_or_the_new_one(
    tmp_path: Path, cut: CutAt
) -> None:
    before = PinRecord(PinState.TRANSPORT, None, 3, 9)
    path = card_with(tmp_path, before)

    finished = powered(path, cut, setting(CAN))

    new = PinRecord(PinState.OPERATIONAL, NEW_PIN, 3, 9)
    found = record_of(path)
    assert found in (before, new)
    assert not finished or found == new
    if found == before:
        assert powered(path, Mains(), setting(CAN))
        assert record_of(path) == new


def window_effects() -> dict[str, tuple[CommandAPDU, PinRecord, PinRecord]]:
    """Return each command of a window, with the PIN before and after it."""
    own, transport = PinRecord(PinState.OPERATIONAL, PIN, 0), TRANSPORT_PIN
    gone = PinRecord(PinState.TRANSPORT, None, 3, 9)
    return {
        "unblock": (UNBLOCK, own, replace(own, tries_left=3, unblockings_left=9)),
        "unblock the transport PIN": (
            UNBLOCK,
            PinRecord(PinState.TRANSPORT, transport, 0),
            PinRecord(PinState.TRANSPORT, transport, 3, 9),
        ),
        "take away": (TO_TRANSPORT, own, gone),
        "take away with tries left": (TO_TRANSPORT, replace(own, tries_left=2), gone),
    }


@pytest.mark.parametrize("cut", cuts(MANAGING), ids=str)
@pytest.mark.parametrize("name", window_effects())
def test_cut_while_a_window_manages_the_pin_costs_an_unblocking_if_it_worked(
    tmp_path: Path, name: str, cut: CutAt
) -> None:
    command, before, after = window_effects()[name]
    path = card_with(tmp_path, before)

    finished = powered(path, cut, managed(command))

    has_worked = finished or (
        cut.exchange == MANAGING and cut.point in (CutPoint.AFTER_WRITE, CutPoint.BEFORE_ANSWER)
    )
    assert record_of(path) == (after if has_worked else before)


def test_window_session_and_its_command_are_as_long_as_the_cuts_assume(tmp_path: Path) -> None:
    command, before, after = window_effects()["unblock"]
    path = card_with(tmp_path, before)

    finished = powered(path, CutAt(CutPoint.BEFORE_COMMAND, MANAGING + 1), managed(command))

    assert finished
    assert record_of(path) == after


def test_tenth_unblocking_is_the_last(tmp_path: Path) -> None:
    path = card_with(tmp_path, PinRecord(PinState.OPERATIONAL, PIN, 0, 1))
    powered(path, Mains(), managed(UNBLOCK))

    with suppress(UnexpectedStatus):
        powered(path, Mains(), managed(TO_TRANSPORT))

    assert record_of(path) == PinRecord(PinState.OPERATIONAL, PIN, 3, 0)
