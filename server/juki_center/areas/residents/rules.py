"""How a residence record's state may change, and what its entries must hold."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType

from juki_center.areas.residents.civil_dates import Calendar
from juki_center.areas.residents.names import accept_address, accept_kana, accept_name
from juki_center.areas.residents.records import Nationality, ResidenceRecord, ResidenceState
from juki_center.errors import NotAllowed, RuleBroken

CheckedRecord = NewType("CheckedRecord", ResidenceRecord)
"""A record whose entries have passed `check_entries`."""


class ResidenceEvent(StrEnum):
    """What happens to a residence record."""

    MOVED_AWAY = "MOVED_AWAY"
    DIED = "DIED"
    DELETED_EX_OFFICIO = "DELETED_EX_OFFICIO"
    CAME_BACK = "CAME_BACK"
    CORRECTED = "CORRECTED"
    HOUSEHOLD_CHANGED = "HOUSEHOLD_CHANGED"
    HOUSEHOLD_JOINED = "HOUSEHOLD_JOINED"
    CODE_CHANGED = "CODE_CHANGED"
    PROTECTION_CHANGED = "PROTECTION_CHANGED"
    MOVE_CANCELLED = "MOVE_CANCELLED"
    DEATH_CANCELLED = "DEATH_CANCELLED"
    DELETION_CANCELLED = "DELETION_CANCELLED"
    ENTRY_CANCELLED = "ENTRY_CANCELLED"


_STAYS: Final = {
    (state, event): state
    for state in ResidenceState
    for event in (ResidenceEvent.PROTECTION_CHANGED, ResidenceEvent.ENTRY_CANCELLED)
}
_ENTRIES_OF_THE_LIVING: Final = {
    (ResidenceState.ACTIVE, event): ResidenceState.ACTIVE
    for event in (
        ResidenceEvent.CORRECTED,
        ResidenceEvent.HOUSEHOLD_CHANGED,
        ResidenceEvent.HOUSEHOLD_JOINED,
        ResidenceEvent.CODE_CHANGED,
    )
}
TRANSITIONS: Final = {
    (ResidenceState.ACTIVE, ResidenceEvent.MOVED_AWAY): ResidenceState.MOVED_OUT,
    (ResidenceState.ACTIVE, ResidenceEvent.DIED): ResidenceState.DECEASED,
    (ResidenceState.ACTIVE, ResidenceEvent.DELETED_EX_OFFICIO): ResidenceState.DELETED,
    (ResidenceState.MOVED_OUT, ResidenceEvent.CAME_BACK): ResidenceState.ACTIVE,
    (ResidenceState.DELETED, ResidenceEvent.CAME_BACK): ResidenceState.ACTIVE,
    (ResidenceState.MOVED_OUT, ResidenceEvent.MOVE_CANCELLED): ResidenceState.ACTIVE,
    (ResidenceState.DECEASED, ResidenceEvent.DEATH_CANCELLED): ResidenceState.ACTIVE,
    (ResidenceState.DELETED, ResidenceEvent.DELETION_CANCELLED): ResidenceState.ACTIVE,
    **_ENTRIES_OF_THE_LIVING,
    **_STAYS,
}  # Anything else raises NotAllowed: from death only the cancellation of its entry leads back.

_CANCELLED_INTO_ACTIVE: Final = {
    ResidenceState.MOVED_OUT: ResidenceEvent.MOVE_CANCELLED,
    ResidenceState.DECEASED: ResidenceEvent.DEATH_CANCELLED,
    ResidenceState.DELETED: ResidenceEvent.DELETION_CANCELLED,
}
# An entry that brought a record back to life is cancelled by what had ended it.
_CANCELLED_OUT_OF_ACTIVE: Final = {
    ResidenceState.MOVED_OUT: ResidenceEvent.MOVED_AWAY,
    ResidenceState.DECEASED: ResidenceEvent.DIED,
    ResidenceState.DELETED: ResidenceEvent.DELETED_EX_OFFICIO,
}


def cancelling_event(state: ResidenceState, restored: ResidenceState) -> ResidenceEvent:
    """Return what happens to a record when its newest entry is cancelled.

    Raises NotAllowed for two states that no one entry leads between.
    """
    if state is restored:
        return ResidenceEvent.ENTRY_CANCELLED
    if restored is ResidenceState.ACTIVE:
        return _CANCELLED_INTO_ACTIVE[state]
    if state is ResidenceState.ACTIVE:
        return _CANCELLED_OUT_OF_ACTIVE[restored]
    raise NotAllowed(state, ResidenceEvent.ENTRY_CANCELLED)


def after(state: ResidenceState, event: ResidenceEvent) -> ResidenceState:
    """Return the state after an event. Raises NotAllowed."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise NotAllowed(state, event) from None


def checked(record: ResidenceRecord) -> CheckedRecord:
    """Return the record as one that has passed. Raises RuleBroken as `check_entries` does."""
    check_entries(record)
    return CheckedRecord(record)


def check_entries(record: ResidenceRecord) -> None:
    """Raise RuleBroken for a record whose entries the register may not hold as they are.

    A blank name (an unnamed newborn) and a blank sex are lawful. Each text must already be in the
    form in which it is stored.
    """
    _same(record.name, accept_name(record.name, record.nationality), "NAME")
    _same(record.kana, accept_kana(record.kana), "KANA")
    _same(record.alias, accept_name(record.alias, record.nationality), "ALIAS")
    _same(record.address, accept_address(record.address), "ADDRESS")
    _same(record.building, accept_address(record.building), "BUILDING")
    if not record.address:
        raise RuleBroken("ADDRESS_MISSING")
    if record.nationality is Nationality.FOREIGN:
        _check_foreign(record)
    elif record.alias:
        raise RuleBroken("ALIAS_OF_A_NATIONAL")


def _check_foreign(record: ResidenceRecord) -> None:
    if record.birth.calendar is not Calendar.GREGORIAN:
        raise RuleBroken("BIRTH_DATE_NOT_GREGORIAN")
    if record.registered_domicile or record.family_register_head:
        raise RuleBroken("DOMICILE_OF_A_FOREIGNER")


def _same(given: str, accepted: str, entry: str) -> None:
    if given != accepted:
        raise RuleBroken(f"{entry}_NOT_AS_STORED")
