"""The act of correcting a record: all its entries as they are to stand, with the reason why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from juki_center.areas.residents.commands import CorrectRecord, RecordWritten
from juki_center.areas.residents.desk import Desk, RegisterTx, Written
from juki_center.areas.residents.edits import change_of, desk_of, edit_once
from juki_center.areas.residents.entries import of_field
from juki_center.areas.residents.guards import refuse_future
from juki_center.areas.residents.nationalities import refuse_nationality
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import Resident
from juki_center.areas.residents.rules import ResidenceEvent, after, check_entries
from juki_center.areas.residents.versions import write_version
from juki_center.errors import RuleBroken


def correct_record(
    tx: RegisterTx, command: CorrectRecord, now: datetime, policy: RegisterPolicy
) -> RecordWritten:
    """Write corrected entries as the record's next version.

    Raises Refusal with a reason that the proto's method lists.
    """
    desk = desk_of(command.edit, now, policy)

    def write(resident: Resident) -> Written:
        return Written((_write(tx, desk, command, resident),))

    (record,) = edit_once(tx, desk, command.edit, command, write).records
    return RecordWritten(record)


def _write(tx: RegisterTx, desk: Desk, command: CorrectRecord, resident: Resident) -> Resident:
    state = after(resident.state, ResidenceEvent.CORRECTED)
    refuse_future(command.change_date, desk.now, "change_date")
    with of_field("entries"):
        record = command.entries.over(resident.record)
        check_entries(record)
        refuse_future(record.birth, desk.now, "date_of_birth")
    refuse_nationality(command.reason, resident.record, record)
    if record == resident.record:
        raise RuleBroken("NOTHING_CHANGED", "entries")
    change = change_of(desk, command.reason, command.change_date)
    return write_version(tx, resident, replace(resident, state=state, record=record, change=change))
