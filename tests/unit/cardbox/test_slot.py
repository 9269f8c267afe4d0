"""Slots: power, the order of writing and answering, cuts of power, one holder at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from juki_card import eac, pace
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.errors import CardRemoved, PinWrong
from juki_card.flow import run
from juki_card.passwords import PasswordReference, Pin
from juki_cardbox.cardfile import CardFile
from juki_cardbox.errors import CardBusy, CardFileError
from juki_cardbox.power import CutAt, CutPoint
from juki_cardbox.slot import CardSlot, answer_to_reset
from tests.support.card_states import ACCESS
from tests.support.eac_world import (
    CAN,
    PIN,
    RESIDENT_CODE,
    WINDOW,
    FixedChance,
    ephemerals,
    open_session,
    whole_session,
    world,
)

WRONG, NEW = Pin("0000"), Pin("2580")
CHANGE = CommandAPDU(0x00, 0x2C, 0x02, 0x03, NEW.octets())
UNBLOCK = CommandAPDU(0x00, 0x2C, 0x03, 0x03)
READ_ACCESS = bytes.fromhex("00b09c0000")
EXCHANGES = range(1, 19)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A card file that is there."""
    path = tmp_path / "one.card"
    CardFile(path).create(world().memory())
    return path


def transport(slot: CardSlot) -> Callable[[CommandAPDU], ResponseAPDU]:
    """Return a flow's transport over a slot."""
    return lambda command: ResponseAPDU.decode(slot.transmit(command.encode()))


def tries_left(path: Path) -> int:
    """Return what the card remembers."""
    return CardFile(path).load().pin.tries_left


def with_tries(path: Path, tries: int) -> None:
    """Set the counter of a card that lies on the table."""
    memory = CardFile(path).load()
    record = memory.pin
    while record.tries_left > tries:
        record = record.counted()
    CardFile(path).save(memory.with_pin(record))


# Power


def test_powered_card_gives_its_atr_and_answers(path: Path) -> None:
    slot = CardSlot(path)

    atr = slot.power_on()

    assert atr == answer_to_reset()
    assert slot.transmit(READ_ACCESS)[-2:] == b"\x90\x00"
    slot.power_off()


def test_atr_is_well_formed() -> None:
    atr = answer_to_reset()

    historical = atr[1] & 0x0F
    check = 0
    for octet in atr[1:]:
        check ^= octet
    assert (atr[0], len(atr), check) == (0x3B, 4 + historical + 1, 0)


def test_card_without_power_does_not_answer(path: Path) -> None:
    with pytest.raises(CardRemoved):
        CardSlot(path).transmit(READ_ACCESS)


def test_reset_forgets_the_session_and_keeps_the_power(path: Path) -> None:
    slot = CardSlot(path)
    slot.power_on()
    open_session(transport(slot), world().plan()[0])

    slot.reset()

    assert slot.transmit(READ_ACCESS)[-2:] == b"\x90\x00"
    slot.power_off()


def test_whole_session_runs_in_a_slot_and_survives_nothing_but_memory(path: Path) -> None:
    slot = CardSlot(path)
    slot.power_on()

    _, code = whole_session(transport(slot), *world().plan())

    assert code == RESIDENT_CODE
    slot.power_off()
    slot.power_on()
    assert slot.transmit(READ_ACCESS)[-2:] == b"\x90\x00"
    slot.power_off()


# Writing before answering


@dataclass
class Witness:
    """An observer and a supply that notes what the card file says whenever a point is reached."""

    path: Path
    seen: list[tuple[CutPoint, int, int]] = field(default_factory=list)

    def reached(self, point: CutPoint, _exchange: int, write: int) -> None:
        """Note the tries on the disk."""
        self.seen.append((point, write, tries_left(self.path)))


def test_try_is_on_the_disk_before_the_comparison_and_the_answer(path: Path) -> None:
    witness = Witness(path)
    slot = CardSlot(path, supply=witness)
    slot.power_on()

    run(pace.select_password(ACCESS, PasswordReference.PIN, None), transport(slot))
    run(pace.establish(PIN, ACCESS, ephemerals()), transport(slot))

    slot.power_off()
    last_exchange = witness.seen[-6:]
    assert last_exchange == [
        (CutPoint.BEFORE_COMMAND, 0, 3),
        (CutPoint.BEFORE_WRITE, 1, 3),
        (CutPoint.AFTER_WRITE, 1, 2),
        (CutPoint.BEFORE_WRITE, 2, 2),
        (CutPoint.AFTER_WRITE, 2, 3),
        (CutPoint.BEFORE_ANSWER, 2, 3),
    ]


# Cuts of power


LAST_STEP_OF_PACE = 6
CUTS = [
    *(CutAt(CutPoint.BEFORE_COMMAND, exchange) for exchange in EXCHANGES),
    *(CutAt(CutPoint.BEFORE_WRITE, LAST_STEP_OF_PACE, write) for write in (1, 2)),
    *(CutAt(CutPoint.AFTER_WRITE, LAST_STEP_OF_PACE, write) for write in (1, 2)),
    *(CutAt(CutPoint.BEFORE_ANSWER, exchange) for exchange in EXCHANGES),
]


def attempt(path: Path, cut: CutAt, pin: Pin) -> type[Exception] | None:
    """Run a session with a cut; return what ended it."""
    slot = CardSlot(path, supply=cut, chance=FixedChance("tear"))
    slot.power_on()
    try:
        whole_session(transport(slot), *world().plan(), password=pin)
    except (CardRemoved, PinWrong) as end:
        return type(end)
    finally:
        slot.power_off()
    return None


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_cut_with_a_wrong_pin_never_wins_a_try(path: Path, cut: CutAt) -> None:
    with_tries(path, 2)

    ended = attempt(path, cut, WRONG)

    assert ended is (PinWrong if _comes_after_the_comparison(cut) else CardRemoved)
    assert tries_left(path) == (1 if _comes_after_the_count(cut) else 2)


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_cut_with_the_right_pin_never_wins_more_than_the_pin_does(path: Path, cut: CutAt) -> None:
    with_tries(path, 2)

    ended = attempt(path, cut, PIN)

    is_forgiven = _comes_after_the_count(cut) and not _is_between_the_writes(cut)
    assert ended is CardRemoved
    assert tries_left(path) == (3 if is_forgiven else 1 if _is_between_the_writes(cut) else 2)
    assert attempt(path, NEVER, PIN) is None


@pytest.mark.parametrize(
    "point", [CutPoint.BEFORE_WRITE, CutPoint.AFTER_WRITE, CutPoint.BEFORE_ANSWER]
)
def test_cut_while_the_pin_is_changed_leaves_the_old_or_the_new_one(
    path: Path, point: CutPoint
) -> None:
    slot = CardSlot(path, supply=CutAt(point, 6))
    slot.power_on()
    run(pace.select_password(ACCESS, PasswordReference.PIN, None), transport(slot))
    opened = run(pace.establish(PIN, ACCESS, ephemerals()), transport(slot))

    with pytest.raises(CardRemoved):
        opened.channel.through(transport(slot))(CHANGE)

    expected = PIN if point is CutPoint.BEFORE_WRITE else NEW
    assert CardFile(path).load().pin.value == expected


@pytest.mark.parametrize("point", [CutPoint.BEFORE_WRITE, CutPoint.AFTER_WRITE])
def test_cut_while_a_window_unblocks_costs_an_unblocking_if_it_gave_tries(
    path: Path, point: CutPoint
) -> None:
    with_tries(path, 0)
    plan, keys = world().plan(WINDOW)
    slot = CardSlot(path, supply=CutAt(point, 20))
    slot.power_on()
    opened = open_session(transport(slot), plan, password=CAN)
    chip = run(
        eac.authenticate_chip(plan, keys, opened.ready), opened.channel.through(transport(slot))
    )
    inside = chip.channel.through(transport(slot))
    for _ in range(3):
        inside(CommandAPDU(0x00, 0xA4, 0x00, 0x0C))

    with pytest.raises(CardRemoved):
        inside(UNBLOCK)

    pin = CardFile(path).load().pin
    expected = (0, 10) if point is CutPoint.BEFORE_WRITE else (3, 9)
    assert (pin.tries_left, pin.unblockings_left) == expected


NEVER = CutAt(CutPoint.BEFORE_COMMAND, 0)


def _comes_after_the_count(cut: CutAt) -> bool:
    if cut.exchange != LAST_STEP_OF_PACE:
        return cut.exchange > LAST_STEP_OF_PACE
    return cut.point is not CutPoint.BEFORE_COMMAND and cut != CUTS[len(EXCHANGES)]


def _is_between_the_writes(cut: CutAt) -> bool:
    return (cut.point, cut.write) in [(CutPoint.AFTER_WRITE, 1), (CutPoint.BEFORE_WRITE, 2)]


def _comes_after_the_comparison(cut: CutAt) -> bool:
    """Say whether a wrong PIN is told before the cut; it makes no second write."""
    return cut.exchange > LAST_STEP_OF_PACE or cut.write == 2


# One holder at a time


def test_card_in_one_slot_is_busy_for_another(path: Path) -> None:
    first = CardSlot(path, holder="terminal 01")
    first.power_on()

    with pytest.raises(CardBusy, match="terminal 01"):
        CardSlot(path).power_on()

    first.power_off()
    CardSlot(path).power_on()


def test_card_is_busy_while_it_is_inserted_without_power(path: Path) -> None:
    slot = CardSlot(path)

    with slot.inserted():
        slot.power_on()
        slot.power_off()
        with pytest.raises(CardBusy):
            CardSlot(path).power_on()

    CardSlot(path).power_on()


def test_card_of_a_process_that_died_is_free(path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from juki_cardbox.slot import CardSlot;"
        "CardSlot(Path(sys.argv[1])).power_on(); os._exit(9)"
    )
    paths = [entry for entry in sys.path if entry]
    subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={"PYTHONPATH": ":".join(paths)},
        check=False,
    )

    slot = CardSlot(path)

    assert slot.power_on() == answer_to_reset()
    slot.power_off()


def test_card_that_is_not_there_is_refused_and_leaves_no_lock(tmp_path: Path) -> None:
    with pytest.raises(CardFileError):
        CardSlot(tmp_path / "none.card").power_on()

    assert list(tmp_path.iterdir()) == []


def test_card_that_cannot_write_its_memory_does_not_answer(path: Path) -> None:
    slot = CardSlot(path)
    slot.power_on()
    path.with_name(f".{path.name}.new").mkdir()

    with pytest.raises(CardRemoved):
        open_session(transport(slot), world().plan()[0])

    assert not slot.is_powered
    assert tries_left(path) == 3


def test_observer_sees_every_exchange_and_the_cut(path: Path) -> None:
    seen: list[tuple[bytes, bytes | None]] = []

    class Note:
        def exchanged(self, command: bytes, answer: bytes | None, _took_us: int) -> None:
            seen.append((command, answer))

    slot = CardSlot(path, observers=[Note()], supply=CutAt(CutPoint.BEFORE_ANSWER, 2))
    slot.power_on()
    slot.transmit(READ_ACCESS)

    with pytest.raises(CardRemoved):
        slot.transmit(READ_ACCESS)

    assert [answer is None for _, answer in seen] == [False, True]
    assert not slot.is_powered
