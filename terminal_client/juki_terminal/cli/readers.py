"""`readers`: which readers are at the window, and whether a card is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_client.outcome import JSON, Problem
from juki_client.report import Report
from juki_terminal.cli.texts import Text
from juki_terminal.reader import connected, open_reader

if TYPE_CHECKING:
    from juki_terminal.cli.settings import Settings


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
