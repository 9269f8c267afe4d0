"""The next version of a record: what it replaces, the notice that it makes, the cards that it ends.

Nothing of a register is ever overwritten: an entry is a further version, and so is its
cancellation.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import AuditLog
from juki_center.areas.cards.application_rows import Applications
from juki_center.areas.cards.holders import end_cards
from juki_center.areas.cards.register import Cards
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.residents.changes import Changes, notice_of
from juki_center.areas.residents.records import ResidenceState, Resident, Residents


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


def end_cards_of_gone(
    tx: WriteTx, before: Resident, written: Resident, *, caller_uri: str, now: datetime
) -> int:
    """Let the cards of a person lapse whose record this version deletes; return how many."""
    if before.state is not ResidenceState.ACTIVE or written.state is ResidenceState.ACTIVE:
        return 0
    return end_cards(tx, written.person, CardEvent.HOLDER_GONE, caller_uri=caller_uri, now=now)
