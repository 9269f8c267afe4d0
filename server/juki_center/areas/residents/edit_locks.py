"""The acts of taking and giving back the exclusive edit lock of a record."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from juki_center.areas.ports import Chance
from juki_center.areas.residents.commands import LockRecord, RecordLocked, UnlockRecord
from juki_center.areas.residents.desk import Desk, ReadTx, logged, refuse_abolished, refuse_unnamed
from juki_center.areas.residents.guards import find_person, live_lock, locked
from juki_center.areas.residents.locks import LOCK_ID_OCTETS, LOCKED_FOR, EditLock, EditLocks
from juki_center.areas.residents.policy import RegisterPolicy


class GiveBackTx(Protocol):
    """What giving a lock back needs of a transaction."""

    @property
    def locks(self) -> EditLocks: ...


class LockTx(ReadTx, GiveBackTx, Protocol):
    """What taking a lock needs of a transaction."""

    @property
    def chance(self) -> Chance: ...


def lock_record(
    tx: LockTx, command: LockRecord, now: datetime, policy: RegisterPolicy
) -> RecordLocked:
    """Take the lock of a record for ten minutes; who holds it renews it and keeps its id.

    Raises Refusal: UNAUTHENTICATED, CLERK_NAME_REQUIRED, RESIDENT_NOT_FOUND, CODE_CHANGED,
    RECORD_LOCKED, RESIDENCE_DISCONNECTED.
    """
    desk = Desk(command.terminal, command.clerk_name, now, policy)
    refuse_abolished(desk)
    with logged(desk):
        refuse_unnamed(desk)
        resident = find_person(tx, desk, command.code)
    held = live_lock(tx.locks, resident.person, now)
    holder = (command.terminal.uri, command.clerk_name)
    with logged(desk, (resident,)):
        if held is not None and (held.holder_uri, held.clerk_name) != holder:
            raise locked(held)
    lock = EditLock(
        person=resident.person,
        lock_id=held.lock_id if held is not None else tx.chance.octets(LOCK_ID_OCTETS),
        holder_uri=command.terminal.uri,
        clerk_name=command.clerk_name,
        until=now + LOCKED_FOR,
    )
    tx.locks.put(lock)
    return RecordLocked(lock.lock_id, lock.until, resident.version)


def forget_old_locks(tx: GiveBackTx, now: datetime) -> None:
    """Act: remove the locks that have run out, and with them who held them."""
    tx.locks.remove_before(now)


def unlock_record(tx: GiveBackTx, command: UnlockRecord) -> None:
    """Give a lock back; nothing happens where the terminal holds no such lock."""
    tx.locks.remove(command.lock_id, command.terminal.uri)
