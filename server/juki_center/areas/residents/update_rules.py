"""What an update may do to a record: which reason goes with which state, and what it leaves alone.

A code is changed and a measure is set at the desk only; an update carries neither.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from juki_center.areas.residents.changes import NOT_NOTIFIED, changed_items
from juki_center.areas.residents.nationalities import is_about_nationality, refuse_nationality
from juki_center.areas.residents.records import (
    ChangeReason,
    ResidenceRecord,
    ResidenceState,
    Resident,
)
from juki_center.areas.residents.rules import ResidenceEvent, after, cancelling_event
from juki_center.errors import NotAllowed, RuleBroken

if TYPE_CHECKING:
    from juki_center.areas.residents.updates import Update

ENTRY_REASONS: Final = frozenset(
    {
        ChangeReason.BIRTH,
        ChangeReason.MOVE_IN,
        ChangeReason.SPECIAL_MOVE_IN,
        ChangeReason.CODE_ASSIGNED,
        ChangeReason.CORRECTION_EX_OFFICIO,
    }
)
"""With which a person may be new to a register; the initial load has none."""

_EVENTS: Final = {
    ChangeReason.DEATH: ResidenceEvent.DIED,
    ChangeReason.MOVE_IN: ResidenceEvent.CAME_BACK,
    ChangeReason.SPECIAL_MOVE_IN: ResidenceEvent.CAME_BACK,
    ChangeReason.MOVE_OUT: ResidenceEvent.MOVED_AWAY,
    ChangeReason.MOVE_WITHIN: ResidenceEvent.CORRECTED,
    ChangeReason.CORRECTION_EX_OFFICIO: ResidenceEvent.CORRECTED,
    ChangeReason.DELETION_EX_OFFICIO: ResidenceEvent.DELETED_EX_OFFICIO,
    ChangeReason.HOUSEHOLD_CHANGE: ResidenceEvent.HOUSEHOLD_CHANGED,
    ChangeReason.NAME_CHANGE: ResidenceEvent.CORRECTED,
    ChangeReason.CODE_ASSIGNED: ResidenceEvent.CORRECTED,
    ChangeReason.NATURALISATION: ResidenceEvent.CORRECTED,
    ChangeReason.NATIONALITY_LOST: ResidenceEvent.CORRECTED,
}
# Without a reason, as in an initial load that holds several versions, the states say what was.
_EVENTS_OF_STATES: Final = {
    (ResidenceState.ACTIVE, ResidenceState.ACTIVE): ResidenceEvent.CORRECTED,
    (ResidenceState.ACTIVE, ResidenceState.MOVED_OUT): ResidenceEvent.MOVED_AWAY,
    (ResidenceState.ACTIVE, ResidenceState.DECEASED): ResidenceEvent.DIED,
    (ResidenceState.ACTIVE, ResidenceState.DELETED): ResidenceEvent.DELETED_EX_OFFICIO,
    (ResidenceState.MOVED_OUT, ResidenceState.ACTIVE): ResidenceEvent.CAME_BACK,
    (ResidenceState.DELETED, ResidenceState.ACTIVE): ResidenceEvent.CAME_BACK,
}


def refuse_first_version(update: Update) -> None:
    """Raise RuleBroken for a first version that a reason or a state forbids."""
    if update.change is None:
        return
    if update.change.reason not in ENTRY_REASONS:
        raise RuleBroken("NOT_OF_A_FIRST_VERSION", "reason")
    if update.state is not ResidenceState.ACTIVE:
        raise RuleBroken("REASON_AND_STATE", "state")


def refuse_transition(before: ResidenceState, update: Update) -> None:
    """Raise RuleBroken for a state that the update's reason does not lead to from this one."""
    try:
        state = after(before, _event(before, update))
    except NotAllowed as no:
        raise RuleBroken("NOT_IN_THIS_STATE", "state") from no
    if state is not update.state:
        raise RuleBroken("REASON_AND_STATE", "state")


def _event(before: ResidenceState, update: Update) -> ResidenceEvent:
    if update.change is None:
        try:
            return _EVENTS_OF_STATES[before, update.state]
        except KeyError:
            raise RuleBroken("NOT_IN_THIS_STATE", "state") from None
    reason = update.change.reason
    if reason is ChangeReason.CANCELLATION:
        return cancelling_event(before, update.state)
    if reason not in _EVENTS:
        raise RuleBroken("NOT_BY_AN_UPDATE", "reason")
    return _EVENTS[reason]


def refuse_unlike_nationality(before: ResidenceRecord, update: Update) -> None:
    """Raise RuleBroken for a naturalisation, or its contrary, that the entries do not show."""
    if update.change is not None and is_about_nationality(update.change.reason):
        refuse_nationality(update.change.reason, before, update.record)


def refuse_silent_change(before: Resident, following: Resident) -> None:
    """Raise RuleBroken where an entry of which no notice is made changes what notices are about."""
    why = following.change
    if why is not None and why.reason in NOT_NOTIFIED and changed_items(before, following):
        raise RuleBroken("REASON_AND_ENTRIES", "reason")


def merged(stored: ResidenceRecord, sent: ResidenceRecord) -> ResidenceRecord:
    """Return the entries that were sent, with what only the register itself knows of a person."""
    return replace(
        sent,
        code=stored.code,
        former_codes=stored.former_codes,
        hold=stored.hold,
        measure=stored.measure,
    )


def is_same(one: Resident, other: Resident) -> bool:
    """Tell whether two versions hold the same: household, state and all entries."""
    return (one.household, one.state, one.record) == (other.household, other.state, other.record)
