"""Unlocking a PIN: what is written before the card can have heard of it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.register import Cards, Purpose
from juki_center.areas.cards.sessions import find_card
from juki_center.areas.cards.unlock_rows import Unlock, UnlockMode, Unlocks, UnlockState
from juki_center.errors import Reason, Refusal

_GOING_ON = (UnlockState.OPEN, UnlockState.ATTEMPTED)


class UnlockTx(Protocol):
    """What an unlocking needs of a transaction."""

    @property
    def cards(self) -> Cards: ...

    @property
    def unlocks(self) -> Unlocks: ...


def attempt_unlock(
    tx: UnlockTx, unlock_id: bytes, serial: bytes, terminal: Terminal, now: datetime
) -> UnlockMode:
    """Write that a command on the PIN may now reach the card; return which one it is to be.

    From here on every service refuses the card, until it has proved its PIN. An unlocking that was
    attempted may be attempted again: the command may not have arrived. Raises Refusal:
    UNLOCK_NOT_FOUND for one of another terminal, of another card, or ended; and what `find_card`
    raises.
    """
    unlock = tx.unlocks.by_id(unlock_id)
    if unlock is None or not _is_for(unlock, serial, terminal):
        raise Refusal(Reason.UNLOCK_NOT_FOUND)
    find_card(tx, serial, Purpose.PIN_UNLOCK, now)
    tx.cards.set_pin_pending(serial, pending=True)
    tx.unlocks.set_state(unlock_id, UnlockState.ATTEMPTED, None)
    return unlock.mode


def _is_for(unlock: Unlock, serial: bytes, terminal: Terminal) -> bool:
    return (unlock.card_serial, unlock.terminal_uri) == (
        serial,
        terminal.uri,
    ) and unlock.state in _GOING_ON
