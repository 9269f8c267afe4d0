"""Which municipalities' registers the center hosts, and which of them are connected."""

from __future__ import annotations

from typing import Protocol

from juki_center.areas.residents.codes import MunicipalityCode


class Registers(Protocol):
    """What the store keeps of the registers as wholes."""

    def host(self, municipality: MunicipalityCode) -> None:
        """Begin to host a municipality's register, connected, with a data key of its own.

        Nothing happens where it is hosted already.
        """

    def is_hosted(self, municipality: MunicipalityCode) -> bool:
        """Tell whether the center hosts this register."""

    def is_connected(self, municipality: MunicipalityCode) -> bool:
        """Tell whether the center hosts this register and it is connected now."""

    def hosted(self) -> list[MunicipalityCode]:
        """Return whose registers the center hosts, in the order of their codes."""

    def set_connected(self, municipality: MunicipalityCode, *, connected: bool) -> None:
        """Connect or disconnect a hosted register; a disconnected one cannot be opened."""
