"""How a residence record's state may change, and what its entries must hold."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NewType

from juki_center.areas.residents.civil_date_texts import registered
from juki_center.areas.residents.civil_dates import Calendar, CivilDate, Precision
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
    ARRIVED = "ARRIVED"
    ARRIVAL_CANCELLED = "ARRIVAL_CANCELLED"
    GIVEN_BACK = "GIVEN_BACK"


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
    # From one book into another: a move in, and one that is taken back in both books.
    (ResidenceState.MOVED_OUT, ResidenceEvent.ARRIVED): ResidenceState.ACTIVE,
    (ResidenceState.ACTIVE, ResidenceEvent.ARRIVAL_CANCELLED): ResidenceState.DELETED,
    (ResidenceState.DELETED, ResidenceEvent.GIVEN_BACK): ResidenceState.ACTIVE,
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

    Its field is the entry's name in the proto, its rule names the code point where one is to blame.
    A blank name (an unnamed newborn) and a blank sex are lawful. Each text must already be in the
    form in which it is stored, and each date what its registered text says.
    """
    for entry, text, accept in _texts(record):
        if text:
            _check_text(entry, text, accept)
    for entry, date in _dates(record):
        if date is not None and date.original_text:
            _check_date(entry, date)
    if not record.address:
        raise RuleBroken("REQUIRED", "address")
    if record.nationality is Nationality.FOREIGN:
        _check_foreign(record)
    else:
        _check_national(record)


def _texts(record: ResidenceRecord) -> tuple[tuple[str, str, Callable[[str], str]], ...]:
    """Return the texts by the proto's names, each with the rule of its characters."""
    is_foreign = record.nationality is Nationality.FOREIGN
    accept_own_name = _accept_foreign_name if is_foreign else _accept_japanese_name
    return (
        ("name", record.name, accept_own_name),
        ("name_kana", record.kana, accept_kana),
        ("kanji_name", record.kanji_name, _accept_japanese_name),
        ("alias", record.alias, accept_own_name),
        ("family_register_head", record.family_register_head, _accept_japanese_name),
        ("address", record.address, accept_address),
        ("building_and_room", record.building, accept_address),
        ("relationship_to_householder", record.relationship, accept_address),
        ("previous_address", record.previous_address, accept_address),
        ("registered_domicile", record.registered_domicile, accept_address),
    )


def _accept_japanese_name(text: str) -> str:
    return accept_name(text, Nationality.JAPANESE)


def _accept_foreign_name(text: str) -> str:
    return accept_name(text, Nationality.FOREIGN)


def _dates(record: ResidenceRecord) -> tuple[tuple[str, CivilDate | None], ...]:
    return (
        ("date_of_birth", record.birth),
        ("resident_since", record.resident_since),
        ("address_since", record.address_since),
        ("notification_date", record.notified),
    )


def _check_text(entry: str, text: str, accept: Callable[[str], str]) -> None:
    try:
        accepted = accept(text)
    except RuleBroken as broken:
        raise RuleBroken(broken.rule, entry) from None
    if text != accepted:
        raise RuleBroken("NOT_AS_STORED", entry)


def _check_date(entry: str, date: CivilDate) -> None:
    try:
        meant = registered(date)
    except RuleBroken as broken:
        raise RuleBroken(broken.rule, entry) from None
    if date != meant:
        raise RuleBroken("TEXT_AND_PARTS", entry)


def _check_foreign(record: ResidenceRecord) -> None:
    if _is_in(Calendar.ERA, record.birth):
        raise RuleBroken("BIRTH_DATE_NOT_GREGORIAN", "date_of_birth")
    for entry in ("registered_domicile", "family_register_head"):
        if getattr(record, entry):
            raise RuleBroken("ENTRY_OF_NATIONALS", entry)


def _check_national(record: ResidenceRecord) -> None:
    if _is_in(Calendar.GREGORIAN, record.birth):
        raise RuleBroken("BIRTH_DATE_NOT_IN_ERA", "date_of_birth")
    for entry in ("alias", "kanji_name"):
        if getattr(record, entry):
            raise RuleBroken("ENTRY_OF_FOREIGN_RESIDENTS", entry)


def _is_in(calendar: Calendar, date: CivilDate) -> bool:
    """Tell whether a date counts in a calendar; one of which nothing is known counts in none."""
    return date.calendar is calendar and date.precision is not Precision.UNKNOWN
