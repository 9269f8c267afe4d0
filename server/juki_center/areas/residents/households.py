"""The act of changing households: to another one, to a new one, or another head (article 25).

Who heads a household is what the clerk says. Where nobody does, or more than one, the answer says
so, and nothing is invented.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from juki_center.areas.residents.commands import ChangeHousehold, HouseholdChanged, Member
from juki_center.areas.residents.desk import Desk, RegisterTx, Written, once
from juki_center.areas.residents.edits import change_of
from juki_center.areas.residents.entries import of_field
from juki_center.areas.residents.guards import (
    find_person,
    refuse_changed,
    refuse_future,
    refuse_locked,
)
from juki_center.areas.residents.household_order import HOUSEHOLDER, needs_head
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import ChangeReason, HouseholdID, Resident
from juki_center.areas.residents.rules import ResidenceEvent, after, check_entries
from juki_center.areas.residents.versions import write_version
from juki_center.errors import RuleBroken

MOST_MEMBERS: Final = 20


def change_household(
    tx: RegisterTx, command: ChangeHousehold, now: datetime, policy: RegisterPolicy
) -> HouseholdChanged:
    """Move persons to another household, or give them another place in theirs.

    Raises Refusal with a reason that the proto's method lists.
    """
    desk = Desk(command.terminal, command.clerk_name, now, policy)
    written = once(
        tx,
        desk,
        command,
        request_id=command.request_id,
        find=lambda: _find(tx, desk, command),
        write=lambda found: _write(tx, desk, command, found),
    )
    (is_headless,) = written.numbers
    return HouseholdChanged(written.records, household_needs_head=bool(is_headless))


def _find(tx: RegisterTx, desk: Desk, command: ChangeHousehold) -> tuple[Resident, ...]:
    """Return the members in the order of the command, and after them whose household it is."""
    codes = [one.code for one in command.members]
    if not 1 <= len(codes) <= MOST_MEMBERS:
        raise RuleBroken(f"RANGE_1_{MOST_MEMBERS}", "members")
    if len(set(codes)) != len(codes):
        raise RuleBroken("TWICE", "members")
    if command.household_of is not None:
        codes.append(command.household_of)
    return tuple(find_person(tx, desk, code) for code in codes)


def _write(
    tx: RegisterTx, desk: Desk, command: ChangeHousehold, found: tuple[Resident, ...]
) -> Written:
    members = found[: len(command.members)]
    target = _target(tx, command, found)
    refuse_future(command.change_date, desk.now, "change_date")
    change = change_of(desk, ChangeReason.HOUSEHOLD_CHANGE, command.change_date)
    moved = [
        replace(_placed(tx, desk, member, place, target), change=change)
        for member, place in zip(members, command.members, strict=True)
    ]
    written = tuple(write_version(tx, *pair) for pair in zip(members, moved, strict=True))
    return Written(written, (int(_is_headless(tx, desk, members, target)),))


def _target(tx: RegisterTx, command: ChangeHousehold, found: tuple[Resident, ...]) -> HouseholdID:
    if command.household_of is not None:
        after(found[-1].state, ResidenceEvent.HOUSEHOLD_JOINED)
        return found[-1].household
    if sum(one.relationship == HOUSEHOLDER for one in command.members) != 1:
        raise RuleBroken("ONE_HEAD", "members")
    return tx.residents.new_household()


def _placed(
    tx: RegisterTx, desk: Desk, resident: Resident, place: Member, target: HouseholdID
) -> Resident:
    refuse_changed(resident, place.expected_version)
    refuse_locked(tx, desk, resident.person, place.lock_id)
    state = after(resident.state, ResidenceEvent.HOUSEHOLD_CHANGED)
    record = replace(resident.record, relationship=place.relationship)
    with of_field("members"):
        check_entries(record)
    if (record, target) == (resident.record, resident.household):
        raise RuleBroken("NOTHING_CHANGED", "members")
    return replace(resident, household=target, state=state, record=record)


def _is_headless(
    tx: RegisterTx, desk: Desk, members: tuple[Resident, ...], target: HouseholdID
) -> bool:
    concerned = {target, *(one.household for one in members)}
    return any(needs_head(tx.residents.household(desk.register, one)) for one in concerned)
