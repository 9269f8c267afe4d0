"""The acts that delete a record: a death, and a deletion by the municipality's own authority.

The person's cards lapse in the same act, so that no later request meets one that is still good.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from juki_center.areas.residents.commands import DeleteRecord, RecordClosed, RegisterDeath
from juki_center.areas.residents.desk import Desk, RegisterTx, Written
from juki_center.areas.residents.edits import change_of, desk_of, edit_once
from juki_center.areas.residents.guards import refuse_before_birth, refuse_future
from juki_center.areas.residents.household_order import needs_head
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import ChangeReason, Resident
from juki_center.areas.residents.rules import ResidenceEvent, after
from juki_center.areas.residents.versions import follow_end, write_version


def register_death(
    tx: RegisterTx, command: RegisterDeath, now: datetime, policy: RegisterPolicy
) -> RecordClosed:
    """Delete the record of a person who has died.

    Raises Refusal with a reason that the proto's method lists.
    """
    edit, desk = command.edit, desk_of(command.edit, now, policy)

    def write(resident: Resident) -> Written:
        state = after(resident.state, ResidenceEvent.DIED)
        refuse_future(command.date_of_death, now, "date_of_death")
        refuse_before_birth(command.date_of_death, resident.record.birth, "date_of_death")
        change = change_of(desk, ChangeReason.DEATH, command.date_of_death)
        return _close(tx, desk, resident, replace(resident, state=state, change=change))

    return _closed(edit_once(tx, desk, edit, command, write))


def delete_record(
    tx: RegisterTx, command: DeleteRecord, now: datetime, policy: RegisterPolicy
) -> RecordClosed:
    """Delete a record by the municipality's own authority.

    Raises Refusal with a reason that the proto's method lists.
    """
    edit, desk = command.edit, desk_of(command.edit, now, policy)

    def write(resident: Resident) -> Written:
        state = after(resident.state, ResidenceEvent.DELETED_EX_OFFICIO)
        refuse_future(command.change_date, now, "change_date")
        change = change_of(desk, ChangeReason.DELETION_EX_OFFICIO, command.change_date)
        return _close(tx, desk, resident, replace(resident, state=state, change=change))

    return _closed(edit_once(tx, desk, edit, command, write))


def _close(tx: RegisterTx, desk: Desk, before: Resident, after_it: Resident) -> Written:
    written = write_version(tx, before, after_it)
    lapsed = follow_end(tx, before, written, caller_uri=desk.terminal.uri, now=desk.now)
    members = tx.residents.household(written.municipality, written.household)
    return Written((written,), (lapsed, int(needs_head(members))))


def _closed(written: Written) -> RecordClosed:
    (record,), (lapsed, is_headless) = written.records, written.numbers
    return RecordClosed(record, lapsed, household_needs_head=bool(is_headless))
