"""The exclusive edit lock of a record: one clerk edits, the others wait or are told until when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from juki_center.areas.residents.records import PersonID

LOCKED_FOR: Final = timedelta(minutes=10)
LOCK_ID_OCTETS: Final = 16


@dataclass(frozen=True, slots=True)
class EditLock:
    """A lock: whose record, which terminal and clerk hold it, until when (exclusive)."""

    person: PersonID
    lock_id: bytes = field(repr=False)
    holder_uri: str
    clerk_name: str = field(repr=False)
    until: datetime


class EditLocks(Protocol):
    """What the store keeps of edit locks."""

    def of_person(self, person: PersonID) -> EditLock | None:
        """Return the lock of a record, also one that has run out."""

    def put(self, lock: EditLock) -> None:
        """Write the lock of a record in place of an earlier one."""

    def remove_before(self, moment: datetime) -> None:
        """Remove the locks that ran out before a time."""

    def remove(self, lock_id: bytes, holder_uri: str) -> None:
        """Remove a lock; nothing happens where this terminal has no such lock."""
