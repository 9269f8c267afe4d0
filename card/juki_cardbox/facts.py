"""What may be told of a card or a blank chip: no PIN, no CAN, no key, no resident code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_card import card_security, ec
from juki_card.blank import Part
from juki_card.virtual.blank_memory import BlankMemory
from juki_cardbox.card_json import BLANK, CARD
from juki_cardbox.personalise import serial_of

if TYPE_CHECKING:
    from juki_card.virtual.memory import CardMemory
    from juki_card.virtual.turn import Memory
    from juki_cardbox.report import JSON


def facts(memory: Memory) -> dict[str, JSON]:
    """Return the facts by name, in the order to be shown; `kind` is card or blank."""
    return _of_blank(memory) if isinstance(memory, BlankMemory) else _of_card(memory)


def _of_card(memory: CardMemory) -> dict[str, JSON]:
    files: list[JSON] = [
        f"{file.identifier:04X} in {file.directory.value}: {len(file.content)} octets, "
        f"read {file.access.value}"
        for file in memory.files
    ]
    return {
        "kind": CARD,
        "application": memory.application.hex(),
        "serial": serial_of(memory).hex(),
        "curve": ec.domain_of_key(memory.chip_key).name,
        "date": memory.today.isoformat(),
        "trust_points": [anchor.chr for anchor in memory.trust_points],
        "pin_state": memory.pin.state.value,
        "has_pin": memory.pin.value is not None,
        "tries_left": memory.pin.tries_left,
        "unblockings_left": memory.pin.unblockings_left,
        "files": files,
    }


def _of_blank(memory: BlankMemory) -> dict[str, JSON]:
    done = memory.done
    return {
        "kind": BLANK,
        "chip_serial": memory.chip_serial.hex(),
        **_serial(memory),
        "curve": memory.domain.name,
        "done": [_name(part) for part in Part if part in done],
        "missing": [_name(part) for part in Part if part not in done],
    }


def _serial(memory: BlankMemory) -> dict[str, JSON]:
    """Return the serial of the card to be, once the chip has its key."""
    if memory.point is None:
        return {}
    key = card_security.ChipKey(memory.domain.parameter_id, memory.point)
    return {"serial": key.serial.hex()}


def _name(part: Part) -> str:
    return str(part.name).lower().replace("_", " ")
