"""A card file as a card in a reader, in this process: the same seam without PC/SC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from juki_card.errors import CardRemoved
from juki_terminal.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable


class Slot(Protocol):
    """A card that can be powered and spoken to; its methods raise CardRemoved when it is pulled."""

    def power_on(self) -> bytes:
        """Power the card and return its answer to reset."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Exchange one APDU."""
        ...

    def power_off(self) -> None:
        """Take the power away."""
        ...


class VirtualReader:
    """A reader that holds the card which `insert` gives."""

    def __init__(self, name: str, insert: Callable[[], Slot]) -> None:
        self._name = name
        self._insert = insert
        self._slot: Slot | None = None

    @property
    def name(self) -> str:
        """The address by which it was opened."""
        return f"virtual:{self._name}"

    def connect(self, wait_seconds: float) -> bytes:  # noqa: ARG002  # a card file is there at once
        """Power the card and return its answer to reset."""
        try:
            self._slot = self._insert()
            return self._slot.power_on()
        except CardRemoved as error:
            raise self._removed() from error

    def transmit(self, command: bytes) -> bytes:
        """Exchange one APDU with the card."""
        if self._slot is None:
            raise self._removed()
        try:
            return self._slot.transmit(command)
        except CardRemoved as error:
            self._slot = None
            raise self._removed() from error

    def close(self) -> None:
        """Take the power away."""
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.power_off()

    def _removed(self) -> Problem:
        return Problem("CARD_REMOVED", {"reader": self.name})
