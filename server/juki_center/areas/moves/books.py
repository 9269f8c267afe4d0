"""Both books or neither: what every act that concerns two municipalities begins with.

Each municipality's key is asked for in the order of the codes, so that two acts that concern the
same two books never wait for each other, and so that nothing is written when either is cut off.
"""

from __future__ import annotations

from typing import Protocol

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.registers import Registers
from juki_center.errors import Reason, Refusal


class BooksTx(Protocol):
    """What opening two books needs of a transaction."""

    @property
    def registers(self) -> Registers: ...


def open_books(tx: BooksTx, *municipalities: MunicipalityCode) -> None:
    """Raise Refusal(RESIDENCE_DISCONNECTED) unless all of these registers can be written."""
    for one in sorted(set(municipalities)):
        if not tx.registers.is_connected(one):
            raise Refusal(Reason.RESIDENCE_DISCONNECTED)
