"""The act of setting a protective measure: begin it, lift it for a time, end it by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from juki_center.areas.audit.events import Event
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.commands import (
    BeginMeasure,
    EndMeasure,
    LiftMeasure,
    RecordWritten,
    SetProtectiveMeasure,
)
from juki_center.areas.residents.desk import RegisterTx, Written
from juki_center.areas.residents.edits import change_of, desk_of, edit_once
from juki_center.areas.residents.entries import of_field
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.protection import begun, lifted, planned_day, refuse_end
from juki_center.areas.residents.records import ChangeReason, ProtectiveMeasure, Resident
from juki_center.areas.residents.rules import ResidenceEvent, after
from juki_center.areas.residents.versions import write_version

Step = BeginMeasure | LiftMeasure | EndMeasure


def set_protective_measure(
    tx: RegisterTx, command: SetProtectiveMeasure, now: datetime, policy: RegisterPolicy
) -> RecordWritten:
    """Change a person's measure; a deleted record is protected like any other.

    Raises Refusal with a reason that the proto's method lists.
    """
    desk = desk_of(command.edit, now, policy)

    def write(resident: Resident) -> Written:
        state = after(resident.state, ResidenceEvent.PROTECTION_CHANGED)
        measure = stepped(resident.record.measure, command.step, now)
        changed = replace(
            resident,
            state=state,
            record=replace(resident.record, measure=measure),
            change=change_of(desk, ChangeReason.PROTECTION, civil_day(day_in_japan(now))),
        )
        written = write_version(tx, resident, changed)
        return Written((written,), event=Event.PROTECTION_CHANGED)

    (record,) = edit_once(tx, desk, command.edit, command, write).records
    return RecordWritten(record)


def stepped(
    measure: ProtectiveMeasure | None, step: Step, now: datetime
) -> ProtectiveMeasure | None:
    """Return the measure after a step. Raises NotAllowed and RuleBroken."""
    match step:
        case BeginMeasure(planned_end):
            with of_field("begin"):
                day = planned_day(planned_end, day_in_japan(now))
            return begun(measure, day, now)
        case LiftMeasure(span):
            return lifted(measure, span, now)
        case EndMeasure():
            refuse_end(measure, now)
            return None
