"""Whole personalisations as files: what each end was given, and every octet between them.

docs/wire.md lays out the file. Recording and replaying run the center's flows and the virtual
blank with the randomness that stands in the record.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from juki_card import personalisation
from juki_card.blank_key import MasterKey
from juki_card.cvc import CVCertificate
from juki_card.flow import run
from juki_card.passwords import Can, TransportPin
from juki_card.personalisation import Content
from juki_cardbox.cardfile import CardFile
from juki_cardbox.slot import CardSlot
from tests.support.session_record import Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_card.apdu import CommandAPDU, ResponseAPDU
    from juki_card.card_security import ChipKey

SCHEMA = "juki-personalisation/1"
FOLDER = Path(__file__).resolve().parents[1] / "vectors"
Record = dict[str, Any]


def paths() -> list[Path]:
    """Return the files of all recorded personalisations."""
    return sorted(FOLDER.glob("personalisation-*.json"))


def load(path: Path) -> Record:
    """Read one record."""
    record: Record = json.loads(path.read_text(encoding="utf-8"))
    assert record["schema"] == SCHEMA
    return record


def content_of(record: Record) -> Content:
    """Return what the center puts on the card."""
    given = record["center"]
    return Content(
        trust_points=tuple(CVCertificate.decode(bytes.fromhex(c)) for c in given["trust_points"]),
        today=date.fromisoformat(given["today"]),
        resident_code=given["resident_code"],
        card_security=bytes.fromhex(given["card_security"]),
        can=Can(given["can"]),
        transport_pin=TransportPin(given["transport_pin"]),
    )


def center_side(record: Record, transmit: Callable[[CommandAPDU], ResponseAPDU]) -> ChipKey:
    """Run the center of a record to its end."""
    given = record["center"]
    found = run(personalisation.identify(), transmit)
    key = MasterKey(bytes.fromhex(given["personalisation_key"])).blank_key(found.chip_serial)
    challenge = bytes.fromhex(given["challenge"])
    chip = run(personalisation.open_chip(found, key, challenge), transmit)
    chip_key = run(personalisation.generate_key(chip), transmit)
    run(personalisation.write(chip, content_of(record)), transmit)
    run(personalisation.terminate(chip), transmit)
    return chip_key


def chip_side(record: Record, folder: Path) -> tuple[CardSlot, CardFile]:
    """Return the chip of a record, with power, in a slot that draws what was drawn."""
    path = folder / "recorded.card"
    path.write_text(json.dumps(record["chip"]["file"]), encoding="ascii")
    slot = CardSlot(path, chance=Script(record["chip"]["draws"]))
    slot.power_on()
    return slot, CardFile(path)
