"""The acts of looking: a record with its history, and a household. Each look is in the log.

A register shows its own book: of somebody who has moved to another municipality the deleted record,
and nothing that was written since.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from juki_center.areas.audit.events import Event
from juki_center.areas.residents.commands import (
    GetRecord,
    HouseholdRead,
    ListHousehold,
    RecordRead,
)
from juki_center.areas.residents.desk import (
    Desk,
    ReadTx,
    leaf,
    logged,
    refuse_abolished,
    refuse_unnamed,
)
from juki_center.areas.residents.guards import find_in_book
from juki_center.areas.residents.household_order import in_paper_order, living
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import Resident

EARLIER_VERSIONS: Final = 50
"""How many earlier versions one answer shows at most."""


def get_record(tx: ReadTx, command: GetRecord, now: datetime, policy: RegisterPolicy) -> RecordRead:
    """Return a person's record, with earlier versions where they are wanted.

    Raises Refusal: UNAUTHENTICATED, CLERK_NAME_REQUIRED, RESIDENT_NOT_FOUND, CODE_CHANGED,
    RESIDENCE_DISCONNECTED.
    """
    desk = Desk(command.terminal, command.clerk_name, now, policy)
    resident = _found(tx, desk, command)
    limit = EARLIER_VERSIONS if command.with_history else 0
    earlier = tuple(tx.residents.earlier(resident, limit)) if limit else ()
    tx.audit.append(leaf(desk, Event.RECORD_READ, (resident,)))
    return RecordRead(resident, earlier)


def list_household(
    tx: ReadTx, command: ListHousehold, now: datetime, policy: RegisterPolicy
) -> HouseholdRead:
    """Return the records of a person's household, in the order of its paper.

    Raises Refusal as `get_record` does.
    """
    desk = Desk(command.terminal, command.clerk_name, now, policy)
    resident = _found(tx, desk, command)
    members = tx.residents.household(resident.municipality, resident.household)
    shown = tuple(in_paper_order(members if command.with_deleted else living(members)))
    tx.audit.append(leaf(desk, Event.RECORD_READ, (resident, *shown)))
    return HouseholdRead(shown)


def _found(tx: ReadTx, desk: Desk, command: GetRecord | ListHousehold) -> Resident:
    refuse_abolished(desk)
    with logged(desk):
        refuse_unnamed(desk)
        return find_in_book(tx, desk, command.code)
