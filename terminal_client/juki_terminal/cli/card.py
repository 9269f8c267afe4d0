"""`card status`: what a card shows without a PIN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_card import eac
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.errors import PinLocked
from juki_card.flow import run
from juki_client.report import Report
from juki_terminal.card_problems import card_problems
from juki_terminal.cli.texts import Text
from juki_terminal.reader import connected

if TYPE_CHECKING:
    from juki_client.outcome import JSON
    from juki_terminal.cli.settings import Settings

FULL_COUNTER: Final = 3
"""Tries of a PIN whose counter is at its start (card-edge profile, clause 4)."""


def card_status(settings: Settings, wait_seconds: float) -> Report:
    """Say what the card shows without a PIN: its curve and the tries that are left."""
    reader = settings.reader()

    def transmit(command: CommandAPDU) -> ResponseAPDU:
        return ResponseAPDU.decode(reader.transmit(command.encode()))

    with connected(reader, wait_seconds) as atr, card_problems():
        try:
            counted = run(eac.prepare(None), transmit).password.tries_left
        except PinLocked:
            counted = 0
    tries = FULL_COUNTER if counted is None else counted
    pin = "usable" if tries else "blocked"
    word = (Text.PIN_USABLE if tries else Text.PIN_BLOCKED).say(settings.language)
    text = Text.CARD_STATUS.say(settings.language, reader=reader.name, pin=word, tries=tries)
    result: dict[str, JSON] = {
        "reader": reader.name,
        "atr": atr.hex(),
        "pin": pin,
        "tries_left": tries,
    }
    return Report(result, text)
