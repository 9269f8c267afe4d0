"""A card file as a card in a reader, in this process: the same seam without PC/SC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_card.errors import CardRemoved
from juki_cardbox.errors import CardboxError, CardBusy
from juki_cardbox.slot import CardSlot
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from juki_cardbox.power import PowerSupply


class VirtualReader:
    """A reader that holds the card in `path`; `supply` may cut its power, as pulling does."""

    def __init__(self, path: Path, *, supply: PowerSupply | None = None) -> None:
        self._path = path
        self._slot = CardSlot(path, supply=supply)

    @property
    def name(self) -> str:
        """The address by which it was opened."""
        return f"virtual:{self._path}"

    def connect(self, wait_seconds: float) -> bytes:  # noqa: ARG002  # a card file is there at once
        """Power the card and return its answer to reset."""
        try:
            return self._slot.power_on()
        except CardBusy as error:
            raise Problem("READER_FAILED", {"reader": self.name, "holder": error.holder}) from error
        except CardboxError as error:
            raise Problem("READER_NOT_FOUND", {"reader": self.name}) from error

    def transmit(self, command: bytes) -> bytes:
        """Exchange one APDU with the card."""
        try:
            return self._slot.transmit(command)
        except CardRemoved as error:
            raise Problem("CARD_REMOVED", {"reader": self.name}) from error

    def close(self) -> None:
        """Take the power away."""
        self._slot.power_off()
