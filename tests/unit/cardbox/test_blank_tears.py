"""Power cuts while a card is made: afterwards the run is finished, or the chip is one already.

Whatever was cut: never two keys, never a card with less than everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from juki_card import personalisation
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.card_security import ChipKey
from juki_card.errors import CardRemoved, NotABlank
from juki_card.flow import run
from juki_card.virtual.blank_memory import BlankMemory
from juki_card.virtual.memory import CardMemory, PinState
from juki_cardbox.blanks import make_blank
from juki_cardbox.cardfile import CardFile
from juki_cardbox.personalise import serial_of
from juki_cardbox.power import CutAt, CutPoint, Mains, PowerSupply
from juki_cardbox.slot import CardSlot
from tests.support.blank_world import CHIP_SERIAL, MASTER, TRANSPORT_PIN, personalised
from tests.support.card_states import NEW_PIN, set_pin
from tests.support.eac_world import (
    CAN,
    RESIDENT_CODE,
    FixedChance,
    whole_session,
    world,
)

EXCHANGES = range(1, 12)
CUTS = [CutAt(point, exchange) for exchange in EXCHANGES for point in CutPoint]
TERMINATE = 11
FIRST_WRITE = 5


@dataclass
class Witness:
    """A supply that notes every key on the disk, and cuts where another supply does."""

    path: Path
    supply: PowerSupply
    serials: set[bytes] = field(default_factory=set)

    def reached(self, point: CutPoint, exchange: int, write: int) -> None:
        """Note the key, then let the other supply decide."""
        found = serial_on(self.path)
        if found is not None:
            self.serials.add(found)
        self.supply.reached(point, exchange, write)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A blank chip."""
    path = tmp_path / "one.card"
    make_blank(path, MASTER, chip_serial=CHIP_SERIAL)
    return path


def serial_on(path: Path) -> bytes | None:
    """Return the serial of the key that a chip has, if it has one."""
    memory = CardFile(path).read()
    if isinstance(memory, CardMemory):
        return serial_of(memory)
    return None if memory.point is None else ChipKey(12, memory.point).serial


def attempt(path: Path, supply: PowerSupply, *, seed: object = 0) -> Exception | None:
    """Run a personalisation from wherever the chip is; return what ended it."""
    slot = CardSlot(path, supply=supply, chance=FixedChance(("tear", seed)))
    slot.power_on()
    try:
        personalised(lambda command: ResponseAPDU.decode(slot.transmit(command.encode())))
    except (CardRemoved, NotABlank) as end:
        return end
    finally:
        slot.power_off()
    return None


def works_in_the_hands_of_its_holder(path: Path) -> bool:
    """Set a PIN with the transport PIN and read the code with it."""
    slot = CardSlot(path, chance=FixedChance("holder"))
    slot.power_on()

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        return ResponseAPDU.decode(slot.transmit(command.encode()))

    set_pin(transmit, TRANSPORT_PIN)
    slot.power_off()
    slot.power_on()
    _, code = whole_session(transmit, *world().plan(), password=NEW_PIN)
    slot.power_off()
    return code == RESIDENT_CODE


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_run_after_a_cut_finishes_with_the_same_key_or_finds_a_card(path: Path, cut: CutAt) -> None:
    witness = Witness(path, cut)
    ended = attempt(path, witness)
    after_cut = CardFile(path).read()

    again = attempt(path, Witness(path, Mains(), witness.serials), seed="again")

    never_writes = cut.exchange < FIRST_WRITE and cut.point in _WRITES
    assert isinstance(ended, CardRemoved) is not never_writes
    is_card = isinstance(after_cut, CardMemory)
    assert is_card is (never_writes or _comes_after_terminate(cut))
    assert isinstance(again, NotABlank) is is_card
    card = CardFile(path).load()
    assert len(witness.serials | {serial_of(card)}) == 1
    assert (card.can, card.pin.state, card.pin.tries_left) == (CAN, PinState.TRANSPORT, 3)


@pytest.mark.parametrize("point", CutPoint)
def test_chip_that_loses_power_in_every_run_is_finished_in_the_end(
    path: Path, point: CutPoint
) -> None:
    witness = Witness(path, Mains())
    for exchange in EXCHANGES:
        witness.supply = CutAt(point, exchange)
        attempt(path, witness, seed=exchange)

    witness.supply = Mains()
    attempt(path, witness, seed="last")

    assert len(witness.serials) == 1
    assert works_in_the_hands_of_its_holder(path)


@pytest.mark.parametrize("exchange", range(FIRST_WRITE, TERMINATE))
def test_chip_given_up_in_the_middle_stays_a_blank_that_opens_for_nobody(
    path: Path, exchange: int
) -> None:
    attempt(path, CutAt(CutPoint.AFTER_WRITE, exchange))

    memory = CardFile(path).read()
    slot = CardSlot(path)
    slot.power_on()
    selected = slot.transmit(bytes.fromhex("00a4040c06f04a554b4901"))
    pace = slot.transmit(bytes.fromhex("0022c1a4"))
    slot.power_off()

    assert isinstance(memory, BlankMemory)
    assert (selected, pace) == (b"\x6d\x00", b"\x6d\x00")


def test_chip_that_cannot_write_its_memory_does_not_answer_and_makes_no_key(path: Path) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.mkdir()

    ended = attempt(path, Mains())
    beside.rmdir()

    assert isinstance(ended, CardRemoved)
    assert serial_on(path) is None
    assert attempt(path, Mains()) is None


def test_second_run_on_a_made_card_is_refused_cleanly(path: Path) -> None:
    attempt(path, Mains())
    before = path.read_bytes()

    ended = attempt(path, Mains())

    assert isinstance(ended, NotABlank)
    assert path.read_bytes() == before


def test_flow_that_is_cut_says_so_and_nothing_else(path: Path) -> None:
    slot = CardSlot(path, supply=CutAt(CutPoint.BEFORE_ANSWER, 1))
    slot.power_on()

    with pytest.raises(CardRemoved):
        run(
            personalisation.identify(),
            lambda command: ResponseAPDU.decode(slot.transmit(command.encode())),
        )


_WRITES = (CutPoint.BEFORE_WRITE, CutPoint.AFTER_WRITE)


def _comes_after_terminate(cut: CutAt) -> bool:
    return cut.exchange == TERMINATE and cut.point in (
        CutPoint.AFTER_WRITE,
        CutPoint.BEFORE_ANSWER,
    )
