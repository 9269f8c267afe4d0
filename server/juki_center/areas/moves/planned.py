"""What a planned move means before its day was written into the book.

The planned day begins at midnight in Japan, and the job that ends the records comes within the
hour: whoever asks between the two is answered as after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol

from juki_center.areas.moves.rows import Moves
from juki_center.areas.residents.records import ResidenceState, Resident


class PlannedTx(Protocol):
    """What asking for planned moves needs of a transaction."""

    @property
    def moves(self) -> Moves: ...


def counted_on(tx: PlannedTx, residents: Sequence[Resident], today: date) -> list[Resident]:
    """Return records as they count on a day: MOVED_OUT from the planned day of a move on."""
    away = tx.moves.away_on(today, [one.person for one in residents])
    return [_counted(one) if one.person in away else one for one in residents]


def _counted(resident: Resident) -> Resident:
    if resident.state is not ResidenceState.ACTIVE:
        return resident
    return replace(resident, state=ResidenceState.MOVED_OUT)
