"""Blank chips for tests, in memory: the issuer's key, a chip, its content, and whole runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from juki_card import card_security, personalisation
from juki_card.apdu import ResponseAPDU
from juki_card.blank_key import CHALLENGE_SIZE, MasterKey
from juki_card.flow import run
from juki_card.passwords import TransportPin
from juki_card.personalisation import Content
from juki_card.virtual.blank_memory import BlankMemory
from juki_card.virtual.card import process
from juki_card.virtual.session import Session
from juki_cardbox.blanks import blank_memory
from tests.support.eac_world import CAN, RESIDENT_CODE, TODAY, FixedChance, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_card.apdu import CommandAPDU
    from juki_card.card_security import ChipKey
    from juki_card.personalisation import OpenChip
    from juki_card.virtual.turn import Memory

MASTER = MasterKey(bytes(range(16)))
CHIP_SERIAL = bytes(range(0x40, 0x50))
TRANSPORT_PIN = TransportPin("27182")


@dataclass
class ChipInHand:
    """A chip as the driver of the table sees it; `memories` are its saves, in order."""

    memory: Memory = field(default_factory=lambda: blank_memory(MASTER, CHIP_SERIAL))
    chance: FixedChance = field(default_factory=lambda: FixedChance("chip in hand"))
    session: Session = field(default_factory=Session)
    memories: list[Memory] = field(default_factory=list)
    commands: list[bytes] = field(default_factory=list)

    @property
    def blank(self) -> BlankMemory:
        """The memory of a chip that is a blank still."""
        assert isinstance(self.memory, BlankMemory)
        return self.memory

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        """Exchange one command; nothing of a blank needs two turns."""
        self.commands.append(command.encode())
        outcome = process(self.memory, self.session, command.encode(), self.chance)
        assert outcome.answer is not None
        if outcome.memory != self.memory:
            self.memories.append(outcome.memory)
        self.memory, self.session = outcome.memory, outcome.session
        return ResponseAPDU.decode(outcome.answer.encode())

    def reset(self) -> None:
        """Take the power away and give it again."""
        self.session = Session()


def opened(
    transmit: Callable[[CommandAPDU], ResponseAPDU],
    *,
    master: MasterKey = MASTER,
    seed: object = "center",
) -> OpenChip:
    """Find a blank and open it."""
    found = run(personalisation.identify(), transmit)
    challenge = FixedChance(seed).octets(CHALLENGE_SIZE)
    key = master.blank_key(found.chip_serial)
    return run(personalisation.open_chip(found, key, challenge), transmit)


def content(key: ChipKey) -> Content:
    """Return what is put on the chip with this key; the same each time."""
    return Content(
        trust_points=(world().cvca.certificate,),
        today=TODAY,
        resident_code=RESIDENT_CODE,
        card_security=card_security_of(key),
        can=CAN,
        transport_pin=TRANSPORT_PIN,
    )


def card_security_of(key: ChipKey) -> bytes:
    """Return EF.CardSecurity over a key, by the signer of the test world."""
    signer = world().signer
    return card_security.for_chip(key, signer_certificate=signer.certificate, signer_key=signer.key)


def personalised(transmit: Callable[[CommandAPDU], ResponseAPDU]) -> ChipKey:
    """Make a card of the blank behind a transport, from wherever an earlier run ended."""
    chip = opened(transmit)
    key = run(personalisation.generate_key(chip), transmit)
    run(personalisation.write(chip, content(key)), transmit)
    run(personalisation.terminate(chip), transmit)
    return key


@lru_cache(maxsize=1)
def other_key() -> ChipKey:
    """Return the key of another chip."""
    chip = ChipInHand(chance=FixedChance("another chip"))
    return run(personalisation.generate_key(opened(chip.transmit)), chip.transmit)
