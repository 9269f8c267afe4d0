"""The personal data of a card that is to be made: from a file, standard input, or prompts.

They never come as arguments, which show in process lists and shell histories.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_card.errors import ParseError
from juki_card.passwords import Can, Pin, TransportPin

if TYPE_CHECKING:
    from collections.abc import Callable

_FIELDS: Final = ("resident_code", "pin", "transport_pin", "can")


@dataclass(frozen=True, slots=True)
class HolderData:
    """What tells one card from another. A card for a clerk has no resident code."""

    pin: Pin | TransportPin
    can: Can
    resident_code: str | None

    def __repr__(self) -> str:
        """Show nothing."""
        return "HolderData(***)"


def parse_holder_data(text: str) -> HolderData:
    """Parse a JSON object of strings: pin or transport_pin, can, and resident_code or none.

    Raises ParseError, which names the field and never shows it.

    >>> parse_holder_data('{"pin": "4649", "can": "310452", "resident_code": "11208900017"}')
    HolderData(***)
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise ParseError("personal data: not JSON") from None
    if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
        raise ParseError("personal data: not an object of strings")
    for name in fields:
        if name not in _FIELDS:
            raise ParseError(f"personal data: unknown field {name}")
    if ("pin" in fields) == ("transport_pin" in fields) or "can" not in fields:
        raise ParseError("personal data: wants can, and either pin or transport_pin")
    pin = Pin(fields["pin"]) if "pin" in fields else TransportPin(fields["transport_pin"])
    return HolderData(pin, Can(fields["can"]), fields.get("resident_code"))


def ask_holder_data(ask: Callable[[str], str], ask_secret: Callable[[str], str]) -> HolderData:
    """Ask for each datum; the PIN is not shown. Raises ParseError."""
    resident_code = ask("Resident record code, 11 digits (empty for a clerk's card)").strip()
    pin = Pin(ask_secret("PIN"))
    can = Can(ask("Card access number, 6 digits").strip())
    return HolderData(pin, can, resident_code or None)
