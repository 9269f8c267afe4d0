"""The window of moves: acts done once, by a named clerk, and logged, on the ground of the cards'.

A move of other municipalities is not found, exactly as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards import window as cards_window
from juki_center.areas.cards.window import Done, Found, Window, WindowTx
from juki_center.areas.moves.commands import (
    AtWindow,
    Look,
)
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import AlertKind, Move, MoveAlert, Moves
from juki_center.areas.moves.waiting import LayInTx, tell
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal

if TYPE_CHECKING:
    # What ends a record ends moves, and the ports know how records end.
    from juki_center.areas.ports import Chance

ALERT_ID_OCTETS: Final = 16


class MoveTx(WindowTx, Protocol):
    """What finding a move needs of a transaction."""

    @property
    def moves(self) -> Moves: ...


class TellTx(LayInTx, Protocol):
    """What telling offices of a move needs of a transaction."""

    @property
    def chance(self) -> Chance: ...


class AlertTx(MoveTx, TellTx, Protocol):
    """What an act that alerts offices needs of a transaction."""


@dataclass(frozen=True, slots=True)
class MoveWindow:
    """A window with the law of moves."""

    window: Window
    policy: MovePolicy

    @property
    def register(self) -> MunicipalityCode:
        """The municipality whose register the window keeps."""
        return self.window.register


def window_of(at: AtWindow | Look, now: datetime, policy: MovePolicy) -> MoveWindow:
    """Return the window at which something is asked."""
    return MoveWindow(Window(at.terminal, at.clerk_name, now, policy.cards), policy)


def once(
    tx: WindowTx, here: MoveWindow, at: AtWindow, command: object, act: Callable[[Found], Done]
) -> bytes:
    """Do a changing act, or return the octets that it answered when its request came first.

    Raises Refusal as `cards.window.once` does; a refusal's leaf is MOVE_REFUSED.
    """
    return cards_window.once(
        tx,
        here.window,
        command,
        request_id=at.request_id,
        act=act,
        refused=Event.MOVE_REFUSED,
    )


def look(tx: WindowTx, here: MoveWindow, act: Callable[[Found], Done]) -> bytes:
    """Do an act that changes nothing and that the log shows all the same."""
    return cards_window.look(tx, here.window, act, Event.MOVE_REFUSED)


def leaving(tx: MoveTx, here: MoveWindow, found: Found, number: MoveNumber) -> Move:
    """Return a move out of this register. Raises Refusal(MOVE_NOT_FOUND)."""
    return _concerned(found, tx.moves.move(number), lambda move: move.origin == here.register)


def arrived(tx: MoveTx, here: MoveWindow, found: Found, number: MoveNumber) -> Move:
    """Return a move that has arrived in this register. Raises Refusal(MOVE_NOT_FOUND)."""
    return _concerned(found, tx.moves.move(number), lambda move: move.arrived_in == here.register)


def _concerned(found: Found, move: Move | None, is_concerned: Callable[[Move], bool]) -> Move:
    if move is None or not is_concerned(move):
        raise Refusal(Reason.MOVE_NOT_FOUND)
    found.is_about(*move.persons, resource=move.number)
    return move


def alert(
    tx: TellTx, move: Move, kind: AlertKind, *offices: MunicipalityCode, now: datetime
) -> tuple[MoveAlert, ...]:
    """Tell offices something about a move, each one once; return the alerts.

    An office whose register is closed is told behind what waits for it, once it is open again.
    """
    alerts = tuple(
        MoveAlert(tx.chance.octets(ALERT_ID_OCTETS), office, move.number, kind, now)
        for office in dict.fromkeys(offices)
    )
    tell(tx, alerts)
    return alerts


def ended(move: Move, now: datetime) -> Move:
    """Return a move that has ended at a time."""
    return replace(move, ended_at=now)
