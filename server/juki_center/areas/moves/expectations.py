"""What a planned destination is told beforehand, where the law has it (from 2023-02-06 on).

It is told whom to expect, and that nobody is expected any more; where to instead it never learns.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from juki_center.areas.moves.rows import AlertKind, Move
from juki_center.areas.moves.states import MoveKind, MoveState
from juki_center.areas.moves.window import AlertTx, MoveWindow, TellTx, alert
from juki_center.areas.residents.codes import MunicipalityCode


def tell_planned(tx: AlertTx, here: MoveWindow, before: Move | None, after: Move | None) -> None:
    """Tell planned destinations what a changed notice means for them (article 24-2(3)).

    `before` is None for a notice that is new, `after` for one that is no special one any more. A
    destination that stays the same is told nothing: its list shows the notice as it is.
    """
    former, present = _expecting(here, before), _expecting(here, after)
    if former == present:
        return
    now = here.window.now
    if before is not None and former is not None:
        alert(tx, before, AlertKind.NO_LONGER_EXPECTED, former, now=now)
    if after is not None and present is not None:
        alert(tx, after, AlertKind.EXPECTED, present, now=now)


def tell_arrived_elsewhere(tx: AlertTx, here: MoveWindow, arrived: Move) -> None:
    """Tell the planned destination of a special move that ended here that nobody comes."""
    if arrived.kind is not MoveKind.SPECIAL:
        return
    expected = _expecting(here, replace(arrived, state=MoveState.NOTIFIED))
    if expected is not None and expected != here.register:
        alert(tx, arrived, AlertKind.NO_LONGER_EXPECTED, expected, now=here.window.now)


def tell_nobody_comes(
    tx: TellTx, move: Move, now: datetime, *, but: MunicipalityCode | None = None
) -> None:
    """Tell the office that was told to expect a move that it has ended without an arrival.

    Needs no law: what was told counts. `but` is an office that is told so otherwise.
    """
    expecting = tx.moves.expecting(move.number)
    if expecting is not None and expecting != but:
        alert(tx, move, AlertKind.NO_LONGER_EXPECTED, expecting, now=now)


def _expecting(here: MoveWindow, move: Move | None) -> MunicipalityCode | None:
    """Return the register that expects a move's persons."""
    if move is None or move.state is not MoveState.NOTIFIED:
        return None
    return told_beforehand(here, move)


def told_beforehand(here: MoveWindow, move: Move) -> MunicipalityCode | None:
    """Return the register of the planned destination, where the law lets it know beforehand."""
    if not here.policy.is_pushed or move.destination is None:
        return None
    return here.policy.municipalities.register_of(move.destination)
