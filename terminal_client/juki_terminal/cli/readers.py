"""`readers` and `card status`: what is at the window, without asking for a PIN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_card import eac
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.errors import PinLocked
from juki_card.flow import run
from juki_terminal.card_problems import card_problems
from juki_terminal.cli.report import Report
from juki_terminal.cli.texts import Text
from juki_terminal.outcome import JSON, Problem
from juki_terminal.reader import connected, open_reader

if TYPE_CHECKING:
    from juki_terminal.cli.settings import Settings

FULL_COUNTER: Final = 3
"""Tries of a PIN whose counter is at its start (card-edge profile, clause 4)."""


def list_readers(settings: Settings) -> Report:
    """List the readers that PC/SC knows, or the one card file where that is configured."""
    address = settings.reader_address or _configured(settings)
    readers = [_virtual(address)] if address.startswith("virtual:") else _of_service()
    yes, no = Text.WITH_CARD.say(settings.language), Text.WITHOUT_CARD.say(settings.language)
    lines = [f"{reader['name']}: {yes if reader['card'] else no}" for reader in readers]
    result: dict[str, JSON] = {"readers": [dict(reader) for reader in readers]}
    return Report(result, "\n".join(lines) or Text.NO_READER.say(settings.language))


def _configured(settings: Settings) -> str:
    """Return the configured reader; a machine that is not configured yet has PC/SC."""
    return settings.config().reader if settings.config_path.exists() else "pcsc:"


def _virtual(address: str) -> dict[str, JSON]:
    reader = open_reader(address)
    try:
        with connected(reader, 0) as atr:
            return {"name": address, "card": True, "atr": atr.hex()}
    except Problem as problem:
        if problem.reason == "READER_FAILED":
            raise
        return {"name": address, "card": False, "atr": ""}


def _of_service() -> list[dict[str, JSON]]:
    # pyscard needs libpcsclite, which a terminal with virtual cards does not have.
    from juki_terminal.reader.monitor import Monitor  # noqa: PLC0415

    states = Monitor().look()
    if states is None:
        raise Problem("READER_FAILED", {"service": "pcscd"})
    return [
        {"name": f"pcsc:{state.reader}", "card": state.has_card, "atr": state.atr.hex()}
        for state in states
    ]


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
    text = Text.CARD_STATUS.say(settings.language, reader=reader.name, pin=pin, tries=tries)
    result: dict[str, JSON] = {
        "reader": reader.name,
        "atr": atr.hex(),
        "pin": pin,
        "tries_left": tries,
    }
    return Report(result, text)
