"""Changing, unblocking and withdrawing the PIN (TR-03110-3, B.11.6; card-edge profile, clause 4).

All of it is RESET RETRY COUNTER. The proprietary class names the one extension, PIN-TO-TRANSPORT:
the window takes a forgotten PIN away and never sees the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_card.apdu import SW
from juki_card.chat import Right
from juki_card.errors import ParseError
from juki_card.passwords import PasswordReference, Pin
from juki_card.virtual.memory import PinState
from juki_card.virtual.turn import Refused

if TYPE_CHECKING:
    from juki_card.virtual.memory import CardMemory, PinRecord
    from juki_card.virtual.session import ChipDone, PaceDone
    from juki_card.virtual.turn import Transition, Turn


def change_pin(turn: Turn, stage: PaceDone) -> Transition:
    """Set a new PIN in a channel that the PIN, or in its absence the CAN, opened just now."""
    turn.expects_no_answer_data()
    if stage.chain or not _may_change(turn.memory, stage):
        raise Refused(SW.SECURITY_NOT_SATISFIED)
    if len(turn.command.data) != turn.memory.pin_digits:
        raise ParseError("new PIN: of a wrong length")
    try:
        pin = Pin(turn.command.data.decode("ascii"))
    except UnicodeDecodeError as error:
        raise ParseError("new PIN: not digits") from error
    return turn.onward(stage, memory=turn.memory.with_pin(turn.memory.pin.changed(pin)))


def unblock_pin(turn: Turn, stage: ChipDone) -> Transition:
    """Reset the counter and keep the PIN."""
    record = _managed(turn, stage)
    return turn.onward(stage, memory=turn.memory.with_pin(record.unblocked()))


def pin_to_transport(turn: Turn, stage: ChipDone) -> Transition:
    """Take the PIN away; the CAN will open the card for the new one."""
    record = _managed(turn, stage)
    return turn.onward(stage, memory=turn.memory.with_pin(record.in_transport()))


def _may_change(memory: CardMemory, stage: PaceDone) -> bool:
    if stage.facts.reference is PasswordReference.PIN:
        return True
    return memory.pin.state is PinState.TRANSPORT and memory.pin.value is None


def _managed(turn: Turn, stage: ChipDone) -> PinRecord:
    turn.expects_no_answer_data()
    turn.expects_no_data()
    if not stage.terminal.rights.allows(Right.PIN_MANAGEMENT):
        raise Refused(SW.SECURITY_NOT_SATISFIED)
    if turn.memory.pin.unblockings_left == 0:
        raise Refused(SW.METHOD_BLOCKED)
    return turn.memory.pin
