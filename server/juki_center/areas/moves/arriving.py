"""Who has come to the destination, what is entered of them there, and what the clerk must know.

Received entries win, except for the name of somebody who comes back: where the destination's own
old record has the same name in another form of characters, that form is kept (STD-4.1.1.2). A
person of the same name and birth date with another code is told of and never merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from juki_center.areas.moves.commands import (
    Arrival,
    Place,
)
from juki_center.areas.moves.grounds import Ground
from juki_center.areas.moves.previous_addresses import with_place
from juki_center.areas.moves.rows import AlertKind, MoveMember
from juki_center.areas.moves.window import MoveWindow
from juki_center.areas.residents.desk import ReadTx
from juki_center.areas.residents.entries import of_field
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.guards import (
    find_person,
    live_lock,
    locked,
    refuse_before_birth,
)
from juki_center.areas.residents.household_order import HOUSEHOLDER
from juki_center.areas.residents.locks import EditLocks
from juki_center.areas.residents.name_keys import name_key
from juki_center.areas.residents.records import (
    HouseholdID,
    PersonID,
    ResidenceRecord,
    ResidenceState,
    Resident,
)
from juki_center.areas.residents.rules import ResidenceEvent, after, check_entries
from juki_center.errors import Reason, Refusal, RuleBroken

MOST_ARRIVALS: Final = 20


class LockTx(Protocol):
    """What looking at edit locks needs of a transaction."""

    @property
    def locks(self) -> EditLocks: ...


class ArrivingTx(ReadTx, LockTx, Protocol):
    """What finding out who has come needs of a transaction."""


@dataclass(frozen=True, slots=True)
class Comer:
    """A person who has come: the record in the origin's book, and what is entered here."""

    member: MoveMember
    before: Resident
    record: ResidenceRecord = field(repr=False)
    alerts: frozenset[AlertKind] = frozenset()


def find_comers(
    tx: ArrivingTx,
    here: MoveWindow,
    ground: Ground,
    arrivals: Sequence[Arrival],
    place: Place,
) -> tuple[Comer, ...]:
    """Return who has come, in the order in which they were ticked.

    Raises RuleBroken for entries, and Refusal: NOT_OF_THE_MOVE, CARD_HOLDER_NOT_MOVING,
    TRANSFER_OUTDATED, RECORD_LOCKED.
    """
    members = _ticked(tx, ground, arrivals)
    residents = [tx.residents.resident(one.person) for one in members]
    if ground.is_by_card:
        for member, resident, arrival in zip(members, residents, arrivals, strict=True):
            _refuse_outdated(tx, member, resident, arrival)
    refuse_any_lock(tx, here, ground.move.moving)
    persons = frozenset(one.person for one in members)
    return tuple(
        _comer(tx, here, ground, member, _New(resident, arrival, place, persons))
        for member, resident, arrival in zip(members, residents, arrivals, strict=True)
    )


def find_household(
    tx: ArrivingTx, here: MoveWindow, arrivals: Sequence[Arrival], place: Place
) -> HouseholdID:
    """Return the household that the persons join, or a new one that exactly one of them heads.

    Raises RuleBroken, ONE_HEAD; NotAllowed; and Refusal: RESIDENT_NOT_FOUND, CODE_CHANGED.
    """
    if place.household_of is not None:
        member = find_person(tx, here, place.household_of)
        after(member.state, ResidenceEvent.HOUSEHOLD_JOINED)
        return member.household
    if sum(one.relationship == HOUSEHOLDER for one in arrivals) != 1:
        raise RuleBroken("ONE_HEAD", "arrivals")
    return tx.residents.new_household()


def refuse_any_lock(tx: LockTx, here: MoveWindow, persons: Iterable[PersonID]) -> None:
    """Raise Refusal(RECORD_LOCKED) for a record that anybody edits, at whichever office."""
    for person in persons:
        lock = live_lock(tx.locks, person, here.window.now)
        if lock is not None:
            raise locked(lock)


@dataclass(frozen=True, slots=True)
class _New:
    """What is known of one who has come; `group` are all who have come together."""

    before: Resident
    arrival: Arrival
    place: Place
    group: frozenset[PersonID]


def _ticked(tx: ArrivingTx, ground: Ground, arrivals: Sequence[Arrival]) -> tuple[MoveMember, ...]:
    if not 1 <= len(arrivals) <= MOST_ARRIVALS:
        raise RuleBroken(f"RANGE_1_{MOST_ARRIVALS}", "arrivals")
    moving = frozenset(ground.move.moving)
    by_person = {one.person: one for one in ground.move.members if one.person in moving}
    members = tuple(_member(tx, by_person, one) for one in arrivals)
    persons = [one.person for one in members]
    if len(set(persons)) != len(persons):
        raise RuleBroken("TWICE", "arrivals")
    if ground.is_by_card and ground.holder not in persons:
        raise Refusal(Reason.CARD_HOLDER_NOT_MOVING)
    return members


def _member(tx: ArrivingTx, by_person: dict[PersonID, MoveMember], arrival: Arrival) -> MoveMember:
    """Return who is meant by a code, which on an older paper may be a former one."""
    holder = tx.residents.by_any_code(arrival.code)
    if holder is None or holder.where.person not in by_person:
        raise Refusal(Reason.NOT_OF_THE_MOVE)
    return by_person[holder.where.person]


def _refuse_outdated(
    tx: ArrivingTx, member: MoveMember, resident: Resident, arrival: Arrival
) -> None:
    """Refuse entries that are not the newest; that the planned day has come changed none.

    What a municipality's own system writes when somebody leaves may change some.
    """
    fetched = arrival.expected_version
    if fetched == resident.version:
        return
    has_left_since = fetched == resident.version - 1 and member.left_version == resident.version
    if not has_left_since or tx.residents.version(member.person, fetched).record != resident.record:
        raise Refusal(Reason.TRANSFER_OUTDATED)


def _comer(
    tx: ArrivingTx, here: MoveWindow, ground: Ground, member: MoveMember, new: _New
) -> Comer:
    record = _entered(here, ground, new)
    alerts: set[AlertKind] = set()
    own = tx.residents.own_last(member.person, here.register)
    if own is not None and _is_other_form(own.record.name, record.name):
        record = replace(record, name=own.record.name)
        alerts.add(AlertKind.NAME_FORM_KEPT)
    if _has_look_alike(tx, here, record, new.group):
        alerts.add(AlertKind.SAME_NAME_OTHER_CODE)
    with of_field("place"):
        check_entries(record)
    return Comer(member, new.before, record, frozenset(alerts))


def _entered(here: MoveWindow, ground: Ground, new: _New) -> ResidenceRecord:
    old, today = new.before.record, here.window.today
    moved = civil_day(ground.moved_on)
    refuse_before_birth(moved, old.birth, "moved_date")
    origin = here.policy.office_on(ground.move.origin, today)
    return replace(
        old,
        address=new.place.address,
        building=new.place.building,
        relationship=new.arrival.relationship,
        resident_since=moved,
        address_since=None,
        notified=civil_day(today),
        previous_address=with_place(origin, old.address, old.building),
    )


def _is_other_form(own: str, received: str) -> bool:
    return own != received and name_key(own) == name_key(received)


def _has_look_alike(
    tx: ArrivingTx, here: MoveWindow, record: ResidenceRecord, group: frozenset[PersonID]
) -> bool:
    """Tell whether the register has, or had, somebody else of this name and birth date."""
    if not record.name:
        return False
    key = name_key(record.name)
    return any(
        one.person not in group
        and one.state is not ResidenceState.DECEASED
        and name_key(one.record.name) == key
        and one.record.birth.is_same_day(record.birth)
        for one in tx.residents.by_attributes(here.register, record.name, record.birth)
    )
