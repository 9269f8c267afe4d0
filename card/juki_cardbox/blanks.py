"""Making blank chips, as a manufacturer delivers them: a serial, a key of their own, the mask.

What makes a card of a blank is not here: see `juki_card.personalisation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_card.blank_key import CHIP_SERIAL_SIZE
from juki_card.virtual.blank_memory import BlankMemory
from juki_cardbox.cardfile import CardFile
from juki_cardbox.personalise import mask_files
from juki_cardbox.profiles import JUKI
from juki_cardbox.slot import SystemChance

if TYPE_CHECKING:
    from pathlib import Path

    from juki_card.blank_key import MasterKey
    from juki_card.virtual.chance import Chance


def make_blank(
    path: Path,
    master: MasterKey,
    *,
    chip_serial: bytes | None = None,
    chance: Chance | None = None,
) -> BlankMemory:
    """Make the file of a blank chip; without a serial one is drawn.

    Raises CardExists where there is such a file, CardFileError where the folder takes none,
    ParseError where the serial is not 16 octets.
    """
    if chip_serial is None:
        chip_serial = (chance or SystemChance()).octets(CHIP_SERIAL_SIZE)
    memory = blank_memory(master, chip_serial)
    CardFile(path).create(memory)
    return memory


def blank_memory(master: MasterKey, chip_serial: bytes) -> BlankMemory:
    """Return the memory of a blank of our own profile; raise ParseError."""
    return BlankMemory(
        chip_serial=chip_serial,
        key=master.blank_key(chip_serial),
        application=JUKI.application,
        domain=JUKI.domain,
        files=mask_files(JUKI),
    )
