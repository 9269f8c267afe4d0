"""Who has looked at a person: every leaf that names the person, and one more for the question."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from juki_audit.leaf import Leaf
from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.audit.rows import LogRows
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import Residents
from juki_center.errors import Reason, Refusal

_AT_ONCE: Final = 1_000


class TraceTx(Protocol):
    """What looking for the leaves of a person needs of a transaction."""

    @property
    def audit(self) -> LogRows: ...

    @property
    def residents(self) -> Residents: ...


def trace_person(
    tx: TraceTx, code: ResidentCode, now: datetime, caller_uri: str
) -> list[tuple[int, Leaf]]:
    """Act: return the leaves that name a person, as far as their content is kept, oldest first.

    No record is opened. The search is itself in the log, with the person. Raises
    Refusal(RESIDENT_NOT_FOUND).
    """
    holder = tx.residents.by_any_code(code)
    if holder is None:
        raise Refusal(Reason.RESIDENT_NOT_FOUND)
    person, first = holder.where.person, 0
    found: list[tuple[int, Leaf]] = []
    while rows := tx.audit.of_subject(person, first, _AT_ONCE):
        found += [(row.index, Leaf.decode(row.content)) for row in rows if row.content is not None]
        first = rows[-1].index + 1
    tx.audit.append(AuditEvent(Event.PERSON_TRACED, now, caller_uri, subjects=(person,)))
    return found
