"""The next version of a record: what it replaces, the notice that it makes, what it ends.

Nothing of a register is ever overwritten: an entry is a further version, and so is its
cancellation.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import AuditLog
from juki_center.areas.cards.application_rows import Applications
from juki_center.areas.cards.register import Cards
from juki_center.areas.moves.ends import EndTx, RecordEnd, follow_record
from juki_center.areas.residents.changes import Changes, notice_of
from juki_center.areas.residents.records import Resident, Residents


class WriteTx(Protocol):
    """What writing a version needs of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def applications(self) -> Applications: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def changes(self) -> Changes: ...

    @property
    def residents(self) -> Residents: ...


class FollowTx(WriteTx, EndTx, Protocol):
    """What letting cards and notices follow a version needs of a transaction."""


def write_version(tx: WriteTx, before: Resident, after: Resident) -> Resident:
    """Write `after` as the version that follows `before`, and return it as written."""
    tx.residents.replace(replace(after, version=before.version))
    written = replace(after, version=before.version + 1)
    notify(tx, before, written)
    return written


def notify(tx: WriteTx, before: Resident | None, written: Resident) -> None:
    """Append the change notice of a version, where one is due."""
    notice = notice_of(before, written)
    if notice is not None:
        tx.changes.append(notice)


def follow_end(
    tx: FollowTx, before: Resident, written: Resident, *, caller_uri: str, now: datetime
) -> int:
    """Let cards and an open notice follow a record that was deleted, or holds again.

    Returns how many cards have ended. Entries that a move makes itself do not come here.
    """
    if before.state is written.state:
        return 0
    return follow_record(tx, RecordEnd(before, written, caller_uri, now))
