"""Applications that end without a window: by what happens to the person, and by time.

Nothing here opens what is sealed, so that a death counts whoever is disconnected.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.cards.application_rows import Application, Applications, EndReason
from juki_center.areas.cards.application_rules import ApplicationEvent, after
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.records import PersonID

_REASONS: Final = {
    ApplicationEvent.HOLDER_GONE: EndReason.HOLDER_GONE,
    ApplicationEvent.CODE_CHANGED: EndReason.CODE_CHANGED,
    ApplicationEvent.REPLY_OVERDUE: EndReason.REPLY_TOO_LATE,
}


class EndTx(Protocol):
    """What ending applications needs of a transaction."""

    @property
    def applications(self) -> Applications: ...

    @property
    def audit(self) -> AuditLog: ...


def cancel_open(
    tx: EndTx, person: PersonID, event: ApplicationEvent, *, caller_uri: str, now: datetime
) -> int:
    """Cancel the applications of a person who is gone or has another code; return how many."""
    concerned = tx.applications.open_of_person(person)
    for application in concerned:
        _end(tx, application, event, caller_uri=caller_uri, now=now)
    return len(concerned)


def end_overdue(tx: EndTx, now: datetime, *, caller_uri: str, limit: int) -> int:
    """Act: reject applications whose replies no longer count; return how many, at most `limit`."""
    concerned = tx.applications.overdue(day_in_japan(now), limit)
    for application in concerned:
        _end(tx, application, ApplicationEvent.REPLY_OVERDUE, caller_uri=caller_uri, now=now)
    return len(concerned)


def _end(
    tx: EndTx,
    application: Application,
    event: ApplicationEvent,
    *,
    caller_uri: str,
    now: datetime,
) -> None:
    state, reason = after(application.state, event), _REASONS[event]
    tx.applications.set_state(application.number, state, ended_at=now, end_reason=reason)
    tx.audit.append(
        AuditEvent(
            event=Event.APPLICATION_ENDED,
            at=now,
            caller_uri=caller_uri,
            residence=application.municipality,
            subjects=(application.person,),
            resource=application.number,
            details=(
                ("kind", application.kind),
                ("state", state),
                ("end_reason", reason),
            ),
        )
    )
