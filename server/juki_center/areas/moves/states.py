"""How far a move has come, and what leads on; the picture in docs/moves.md is this table.

Claiming a move and being given its information are one act, so no state lies between; a claim that
is rejected is a refusal and changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from juki_center.errors import NotAllowed


class MoveKind(StrEnum):
    """By card or by paper; the names of the proto's Kind without their prefix."""

    SPECIAL = "SPECIAL"
    ORDINARY = "ORDINARY"


class MoveState(StrEnum):
    """The state of a move; the names of the proto's State without their prefix."""

    NOTIFIED = "NOTIFIED"
    ORDINARY = "ORDINARY"
    TRANSFERRED = "TRANSFERRED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    LAPSED = "LAPSED"
    CANCELLED_AFTER = "CANCELLED_AFTER"


class MemberState(StrEnum):
    """What has become of one person of a notice."""

    MOVING = "MOVING"
    MOVED = "MOVED"
    STAYED = "STAYED"
    GONE = "GONE"


class MoveEvent(StrEnum):
    """What happens to a move."""

    CHANGED = "CHANGED"
    WITHDRAWN = "WITHDRAWN"
    FETCHED = "FETCHED"
    GIVEN_BACK = "GIVEN_BACK"
    DEADLINE_PASSED = "DEADLINE_PASSED"
    PAPER_ISSUED = "PAPER_ISSUED"
    ARRIVED = "ARRIVED"
    CORRECTED = "CORRECTED"
    TAKEN_BACK = "TAKEN_BACK"
    ALL_GONE = "ALL_GONE"


OPEN: Final = frozenset(
    {MoveState.NOTIFIED, MoveState.ORDINARY, MoveState.TRANSFERRED, MoveState.LAPSED}
)
"""The states in which a person of the notice can be named in no other one."""

TRANSITIONS: Final = {
    (MoveState.NOTIFIED, MoveEvent.CHANGED): MoveState.NOTIFIED,
    (MoveState.ORDINARY, MoveEvent.CHANGED): MoveState.ORDINARY,
    (MoveState.NOTIFIED, MoveEvent.WITHDRAWN): MoveState.CANCELLED,
    (MoveState.ORDINARY, MoveEvent.WITHDRAWN): MoveState.CANCELLED,
    (MoveState.LAPSED, MoveEvent.WITHDRAWN): MoveState.CANCELLED,
    (MoveState.NOTIFIED, MoveEvent.FETCHED): MoveState.TRANSFERRED,
    (MoveState.TRANSFERRED, MoveEvent.FETCHED): MoveState.TRANSFERRED,
    (MoveState.TRANSFERRED, MoveEvent.GIVEN_BACK): MoveState.NOTIFIED,
    (MoveState.NOTIFIED, MoveEvent.DEADLINE_PASSED): MoveState.LAPSED,
    (MoveState.NOTIFIED, MoveEvent.PAPER_ISSUED): MoveState.ORDINARY,
    (MoveState.LAPSED, MoveEvent.PAPER_ISSUED): MoveState.ORDINARY,
    (MoveState.ORDINARY, MoveEvent.PAPER_ISSUED): MoveState.ORDINARY,
    (MoveState.TRANSFERRED, MoveEvent.ARRIVED): MoveState.COMPLETED,
    (MoveState.ORDINARY, MoveEvent.ARRIVED): MoveState.COMPLETED,
    (MoveState.TRANSFERRED, MoveEvent.CORRECTED): MoveState.TRANSFERRED,
    (MoveState.COMPLETED, MoveEvent.CORRECTED): MoveState.COMPLETED,
    (MoveState.COMPLETED, MoveEvent.TAKEN_BACK): MoveState.CANCELLED_AFTER,
    **{(state, MoveEvent.ALL_GONE): MoveState.CANCELLED for state in sorted(OPEN)},
}  # Anything else raises NotAllowed: a move by paper never becomes one by card.


def after(state: MoveState, event: MoveEvent) -> MoveState:
    """Return the state after an event. Raises NotAllowed."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise NotAllowed(state, event) from None
