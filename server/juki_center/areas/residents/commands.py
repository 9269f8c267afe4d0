"""What may be asked of a register, and what is answered: the proto's messages as records.

A date or a lock that the request leaves out is None here, an absent text is empty; what is missing
where it must not be is refused by the act.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from juki_center.areas.callers import Terminal
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.entries import Entries
from juki_center.areas.residents.records import ChangeReason, Resident


@dataclass(frozen=True, slots=True)
class GetRecord:
    """Command: a person's record, with up to 50 earlier versions where they are wanted."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    code: ResidentCode
    with_history: bool = False


@dataclass(frozen=True, slots=True)
class ListHousehold:
    """Command: the records of the household that a person belongs to."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    code: ResidentCode
    with_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """What every change of one record names: who, which record, and what they saw of it.

    `expected_version` is the version on the clerk's screen; `lock_id` is 16 bytes, or None.
    """

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    code: ResidentCode
    expected_version: int
    lock_id: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RegisterBirth:
    """Command: enter a child into the household of a person. An empty address takes theirs."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    household_of: ResidentCode
    entries: Entries = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegisterDeath:
    """Command: a person has died."""

    edit: Edit
    date_of_death: CivilDate = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeleteRecord:
    """Command: delete a record by the municipality's own authority."""

    edit: Edit
    change_date: CivilDate = field(repr=False)


@dataclass(frozen=True, slots=True)
class CorrectRecord:
    """Command: all entries as they are to stand from now on."""

    edit: Edit
    entries: Entries = field(repr=False)
    reason: ChangeReason = field(repr=False)
    change_date: CivilDate = field(repr=False)


@dataclass(frozen=True, slots=True)
class Member:
    """A person who takes another place, in the same or in another household."""

    code: ResidentCode
    expected_version: int
    relationship: str = field(repr=False)
    lock_id: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeHousehold:
    """Command: the members go to the household of a person, or to a new one where that is None."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    members: tuple[Member, ...]
    household_of: ResidentCode | None
    change_date: CivilDate = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChangeResidentCode:
    """Command: give a person a new code from the stock."""

    edit: Edit


@dataclass(frozen=True, slots=True)
class CancelEntry:
    """Command: cancel the newest entry, which is the version that the edit expects."""

    edit: Edit


@dataclass(frozen=True, slots=True)
class BeginMeasure:
    """Step: begin a protective measure, or give it another planned end."""

    planned_end: CivilDate | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LiftMeasure:
    """Step: lift a measure for a time."""

    span: timedelta = field(repr=False)


@dataclass(frozen=True, slots=True)
class EndMeasure:
    """Step: end a measure."""


@dataclass(frozen=True, slots=True)
class SetProtectiveMeasure:
    """Command: begin, lift or end a protective measure."""

    edit: Edit
    step: BeginMeasure | LiftMeasure | EndMeasure = field(repr=False)


@dataclass(frozen=True, slots=True)
class LockRecord:
    """Command: take or renew the edit lock of a record."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    code: ResidentCode


@dataclass(frozen=True, slots=True)
class UnlockRecord:
    """Command: give an edit lock back."""

    terminal: Terminal
    lock_id: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecordRead:
    """Answer: the newest version, and earlier ones, newest first."""

    record: Resident
    earlier: tuple[Resident, ...] = ()


@dataclass(frozen=True, slots=True)
class HouseholdRead:
    """Answer: the members, in the order of a household's paper."""

    records: tuple[Resident, ...]


@dataclass(frozen=True, slots=True)
class BirthRegistered:
    """Answer: the child's record, and whether the stock of codes is below its alert level."""

    record: Resident
    code_stock_is_low: bool


@dataclass(frozen=True, slots=True)
class RecordClosed:
    """Answer: the deleted record, how many cards lapsed, whether the household has no one head."""

    record: Resident
    lapsed_card_count: int
    household_needs_head: bool


@dataclass(frozen=True, slots=True)
class RecordWritten:
    """Answer: the record in its new version."""

    record: Resident


@dataclass(frozen=True, slots=True)
class HouseholdChanged:
    """Answer: the members in the order of the command; whether a household has no one head."""

    records: tuple[Resident, ...]
    household_needs_head: bool


@dataclass(frozen=True, slots=True)
class CodeChanged:
    """Answer: the record with its new code."""

    record: Resident
    revoked_card_count: int
    code_stock_is_low: bool


@dataclass(frozen=True, slots=True)
class RecordLocked:
    """Answer: the lock, until when it holds, and the record's version."""

    lock_id: bytes = field(repr=False)
    until: datetime
    version: int
