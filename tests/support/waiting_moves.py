"""Two moves that have arrived, of which offices are told."""

from __future__ import annotations

from datetime import date
from typing import Final

from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import Channel, Filer, Move, MoveMember, MovePapers
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from tests.support.center import NOW, SAMPLES

OFFICES: Final = ("131016", "131121")
"""The first is where the persons have arrived; the other may have been told to expect them."""
ORIGIN: Final = MunicipalityCode("112089")
MOVES: Final = tuple(MoveNumber.drawn(bytes([one]) * 8) for one in (1, 2))
_PERSONS: Final = ("yoshida-taro", "yoshida-hanako")
_DAY: Final = date(2026, 11, 20)


def arrived_moves(tx: Tx) -> dict[str, PersonID]:
    """Enter the moves; return who has moved in each. Their records stay where they are."""
    moved: dict[str, PersonID] = {}
    for number, key in zip(MOVES, _PERSONS, strict=True):
        holder = tx.residents.by_code(SAMPLES[key].record.code)
        assert holder is not None
        moved[number] = holder.person
        tx.moves.add(_move(number, holder.person), MovePapers("", Channel.POST, Filer.SELF))
    return moved


def _move(number: MoveNumber, person: PersonID) -> Move:
    return Move(
        number=number,
        origin=ORIGIN,
        destination=MunicipalityCode(OFFICES[0]),
        kind=MoveKind.ORDINARY,
        state=MoveState.COMPLETED,
        version=1,
        planned_on=_DAY,
        notified_on=_DAY,
        filed_at=NOW,
        members=(MoveMember(person, MemberState.MOVED, 1, 2),),
        arrived_in=MunicipalityCode(OFFICES[0]),
        moved_on=_DAY,
        ended_at=NOW,
    )
