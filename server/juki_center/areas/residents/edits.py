"""The change of one record: found, looked at by version and lock, and written as a new version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.commands import Edit
from juki_center.areas.residents.desk import Desk, RegisterTx, Written, once
from juki_center.areas.residents.guards import find_person, refuse_changed, refuse_locked
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import ChangeInformation, ChangeReason, Resident


def desk_of(edit: Edit, now: datetime, policy: RegisterPolicy) -> Desk:
    """Return the desk at which an edit is made."""
    return Desk(edit.terminal, edit.clerk_name, now, policy)


def edit_once(
    tx: RegisterTx,
    desk: Desk,
    edit: Edit,
    command: object,
    write: Callable[[Resident], Written],
    refuse_version: Callable[[Resident, int], None] = refuse_changed,
) -> Written:
    """Do the change of one record once for its request.

    `write` is called with the record, which the clerk has seen as it is and nobody else edits.
    Raises Refusal as `once`, `find_person`, `refuse_version` and `refuse_locked` do.
    """

    def guarded(found: tuple[Resident, ...]) -> Written:
        (resident,) = found
        refuse_version(resident, edit.expected_version)
        refuse_locked(tx, desk, resident.person, edit.lock_id)
        return write(resident)

    return once(
        tx,
        desk,
        command,
        request_id=edit.request_id,
        find=lambda: (find_person(tx, desk, edit.code),),
        write=guarded,
    )


def change_of(desk: Desk, reason: ChangeReason, date: CivilDate) -> ChangeInformation:
    """Return the change information of an entry that is made at a desk now."""
    return ChangeInformation(reason, date, desk.now, clerk_name=desk.clerk_name)
