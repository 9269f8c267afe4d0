"""The act of cancelling the newest entry: what stood before it is written as a further version.

A code change is never cancelled, because its old code must not come back; nor do cards that an
entry has ended.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.days import day_in_japan
from juki_center.areas.moves.ends import OfMovesTx, is_of_a_move
from juki_center.areas.residents.commands import CancelEntry, RecordWritten
from juki_center.areas.residents.desk import Desk, RegisterTx, Written
from juki_center.areas.residents.edits import change_of, desk_of, edit_once
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.guards import refuse_changed
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import ChangeReason, Resident, Residents
from juki_center.areas.residents.rules import after, cancelling_event
from juki_center.areas.residents.versions import follow_end, write_version
from juki_center.errors import Reason, Refusal

NOT_CANCELLABLE: Final = frozenset({ChangeReason.CODE_CHANGED})


class BookTx(OfMovesTx, Protocol):
    """What looking back in a book needs of a transaction."""

    @property
    def residents(self) -> Residents: ...


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


def what_stood_before(tx: BookTx, newest: Resident) -> Resident | None:
    """Return what a cancellation of the newest entry restores; None where it is not cancellable.

    What a move has written is taken back as a move, for all of its persons and in both books.
    """
    reason = newest.change.reason if newest.change else None
    before = next(iter(tx.residents.earlier(newest, 1)), None)
    if reason in NOT_CANCELLABLE or before is None or before.version != newest.version - 1:
        return None
    return None if is_of_a_move(tx, newest, before) else before


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
    before = what_stood_before(tx, newest)
    if before is None:
        raise Refusal(Reason.ENTRY_NOT_CANCELLABLE)
    change = change_of(desk, ChangeReason.CANCELLATION, civil_day(day_in_japan(desk.now)))
    change = replace(change, cancels=newest.version)
    written = write_version(tx, newest, replace(restored(newest, before), change=change))
    follow_end(tx, newest, written, caller_uri=desk.terminal.uri, now=desk.now)
    is_protection = newest.record.measure != before.record.measure
    return Written(
        (written,), event=Event.PROTECTION_CHANGED if is_protection else Event.RECORD_CHANGED
    )
