"""What must hold before a record is touched: whose it is, which version, and nobody else's lock.

A person of another municipality is not found, exactly as one whom nobody knows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from juki_center.areas.callers import Terminal
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.desk import ReadTx
from juki_center.areas.residents.locks import EditLock, EditLocks
from juki_center.areas.residents.records import NOBODY, PersonID, Resident
from juki_center.errors import Reason, Refusal, RuleBroken


class AtRegister(Protocol):
    """A place at which one register is kept: a desk, a window."""

    @property
    def register(self) -> MunicipalityCode: ...


class AtTerminal(Protocol):
    """A terminal at which something is done, and when."""

    @property
    def terminal(self) -> Terminal: ...

    @property
    def now(self) -> datetime: ...


class LockTx(Protocol):
    """What looking at edit locks needs of a transaction."""

    @property
    def locks(self) -> EditLocks: ...


def find_person(tx: ReadTx, desk: AtRegister, code: ResidentCode) -> Resident:
    """Return the record of a person of the desk's own register.

    Raises Refusal: RESIDENT_NOT_FOUND, CODE_CHANGED, RESIDENCE_DISCONNECTED.
    """
    # The same is asked for every code, so that the work says nothing about whose it is.
    holder = tx.residents.by_any_code(code)
    if holder is None or holder.where.municipality != desk.register:
        raise Refusal(Reason.RESIDENT_NOT_FOUND)
    if holder.is_former:
        raise Refusal(Reason.CODE_CHANGED)
    return tx.residents.resident(holder.where.person)


def find_in_book(tx: ReadTx, desk: AtRegister, code: ResidentCode) -> Resident:
    """Return the newest record of a person in the desk's own book, to be looked at only.

    Of somebody who lives elsewhere now it is the deleted one, found by the code that stands in it:
    a code that was given since is nobody's here. Raises Refusal as `find_person` does.
    """
    # The same is asked for every code, so that the work says nothing about whose it is.
    holder = tx.residents.by_any_code(code)
    person = holder.where.person if holder is not None else NOBODY
    resident = tx.residents.own_last(person, desk.register)
    if resident is None or code not in {resident.record.code, *resident.record.former_codes}:
        raise Refusal(Reason.RESIDENT_NOT_FOUND)
    if code != resident.record.code:
        raise Refusal(Reason.CODE_CHANGED)
    return resident


def refuse_changed(resident: Resident, expected: int) -> None:
    """Raise Refusal(RECORD_CHANGED) for a version that the clerk has not seen."""
    if expected != resident.version:
        raise Refusal(Reason.RECORD_CHANGED, version=str(resident.version))


def refuse_locked(tx: LockTx, place: AtTerminal, person: PersonID, lock_id: bytes | None) -> None:
    """Raise Refusal(RECORD_LOCKED) for a record under a lock that the caller does not hold."""
    lock = live_lock(tx.locks, person, place.now)
    if lock is not None and (lock.holder_uri, lock.lock_id) != (place.terminal.uri, lock_id):
        raise locked(lock)


def live_lock(locks: EditLocks, person: PersonID, now: datetime) -> EditLock | None:
    """Return the lock of a record, unless it has run out. Nobody needs one where none is held."""
    lock = locks.of_person(person)
    return lock if lock is not None and now < lock.until else None


def locked(lock: EditLock) -> Refusal:
    """Return the refusal of a record that another clerk edits."""
    return Refusal(Reason.RECORD_LOCKED, until=lock.until.isoformat())


def refuse_future(date: CivilDate, now: datetime, field: str) -> None:
    """Raise RuleBroken, FUTURE, for a date all of which lies in the future (STD-4.0.3)."""
    today = day_in_japan(now)
    if date.sort_from > today.year * 10_000 + today.month * 100 + today.day:
        raise RuleBroken("FUTURE", field)


def refuse_before_birth(date: CivilDate, birth: CivilDate, field: str) -> None:
    """Raise RuleBroken, BEFORE_BIRTH, for a date all of which lies before the person's birth."""
    if date.sort_to < birth.sort_from:
        raise RuleBroken("BEFORE_BIRTH", field)
