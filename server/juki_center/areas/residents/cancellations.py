"""The act of cancelling the newest entry: what stood before it is written as a further version.

A code change is never cancelled, because its old code must not come back; nor do cards that an
entry has ended.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from juki_center.areas.audit.events import Event
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.commands import CancelEntry, RecordWritten
from juki_center.areas.residents.desk import Desk, RegisterTx, Written
from juki_center.areas.residents.edits import change_of, desk_of, edit_once
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.guards import refuse_changed
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import ChangeReason, Resident
from juki_center.areas.residents.rules import after, cancelling_event
from juki_center.areas.residents.versions import end_cards_of_gone, write_version
from juki_center.errors import Reason, Refusal

NOT_CANCELLABLE: Final = frozenset({ChangeReason.CODE_CHANGED})


def cancel_entry(
    tx: RegisterTx, command: CancelEntry, now: datetime, policy: RegisterPolicy
) -> RecordWritten:
    """Cancel the entry that made the newest version.

    Raises Refusal with a reason that the proto's method lists.
    """
    desk = desk_of(command.edit, now, policy)

    def write(resident: Resident) -> Written:
        return _write(tx, desk, resident)

    written = edit_once(tx, desk, command.edit, command, write, refuse_version=_refuse_other)
    (record,) = written.records
    return RecordWritten(record)


def is_cancellable(newest: Resident) -> bool:
    """Tell whether the entry that made a version may be cancelled while it is the newest."""
    reason = newest.change.reason if newest.change else None
    return newest.version > 1 and reason not in NOT_CANCELLABLE


def restored(newest: Resident, before: Resident) -> Resident:
    """Return what a cancellation leaves: household, state and entries of the version before.

    Raises NotAllowed for two states that no one entry leads between.
    """
    state = after(newest.state, cancelling_event(newest.state, before.state))
    return replace(newest, household=before.household, state=state, record=before.record)


def _refuse_other(newest: Resident, cancelled: int) -> None:
    if cancelled < newest.version:
        raise Refusal(Reason.ENTRY_NOT_CANCELLABLE)
    refuse_changed(newest, cancelled)


def _write(tx: RegisterTx, desk: Desk, newest: Resident) -> Written:
    if not is_cancellable(newest):
        raise Refusal(Reason.ENTRY_NOT_CANCELLABLE)
    (before,) = tx.residents.earlier(newest, 1)
    change = change_of(desk, ChangeReason.CANCELLATION, civil_day(day_in_japan(desk.now)))
    change = replace(change, cancels=newest.version)
    written = write_version(tx, newest, replace(restored(newest, before), change=change))
    end_cards_of_gone(tx, newest, written, caller_uri=desk.terminal.uri, now=desk.now)
    is_protection = newest.record.measure != before.record.measure
    return Written(
        (written,), event=Event.PROTECTION_CHANGED if is_protection else Event.RECORD_CHANGED
    )
