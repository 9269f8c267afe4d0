"""The act of entering a newborn: into a household, with a code from the stock (article 30-3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from juki_center.areas.audit.events import Event
from juki_center.areas.residents.assignment import draw_code, is_low
from juki_center.areas.residents.commands import BirthRegistered, RegisterBirth
from juki_center.areas.residents.desk import Desk, RegisterTx, Written, once
from juki_center.areas.residents.entries import Entries, of_field
from juki_center.areas.residents.guards import find_person, refuse_future
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    Resident,
)
from juki_center.areas.residents.rules import ResidenceEvent, after, check_entries
from juki_center.areas.residents.versions import notify


def register_birth(
    tx: RegisterTx, command: RegisterBirth, now: datetime, policy: RegisterPolicy
) -> BirthRegistered:
    """Enter a child into a person's household. Name and sex may be blank, the birth date not.

    Raises Refusal with a reason that the proto's method lists.
    """
    desk = Desk(command.terminal, command.clerk_name, now, policy)
    written = once(
        tx,
        desk,
        command,
        request_id=command.request_id,
        find=lambda: (find_person(tx, desk, command.household_of),),
        write=lambda found: _write(tx, desk, command.entries, found[0]),
    )
    (child,), (is_stock_low,) = written.records, written.numbers
    return BirthRegistered(child, code_stock_is_low=bool(is_stock_low))


def _write(tx: RegisterTx, desk: Desk, entries: Entries, member: Resident) -> Written:
    state = after(member.state, ResidenceEvent.HOUSEHOLD_JOINED)
    placed = _at_home(entries, member)
    with of_field("entries"):
        # With the member's code in place of the child's: what breaks a rule draws no code.
        record = placed.of_new(member.record.code)
        check_entries(record)
        refuse_future(record.birth, desk.now, "date_of_birth")
        refuse_future(record.resident_since, desk.now, "resident_since")
    record = replace(record, code=draw_code(tx, desk.register))
    change = ChangeInformation(
        ChangeReason.BIRTH, record.birth, desk.now, clerk_name=desk.clerk_name
    )
    person = tx.residents.enter(member.municipality, member.household, record, state, change)
    child = tx.residents.resident(person)
    notify(tx, None, child)
    is_stock_low = is_low(tx.codes, desk.register, desk.policy.low_stock)
    return Written((child,), (int(is_stock_low),), Event.RECORD_ENTERED)


def _at_home(entries: Entries, member: Resident) -> Entries:
    if entries.address:
        return entries
    return replace(entries, address=member.record.address, building=member.record.building)
