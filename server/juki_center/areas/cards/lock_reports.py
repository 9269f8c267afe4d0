"""The act of reporting that some card at a terminal has a locked PIN: when, where, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.window import WindowTx
from juki_center.areas.requests.answers import Request, first_answer
from juki_center.areas.requests.encoding import canonical


@dataclass(frozen=True, slots=True)
class ReportLock:
    """Command: a card has answered that its PIN is locked. Which card it is, nobody knows."""

    terminal: Terminal
    request_id: UUID


def report_lock(tx: WindowTx, command: ReportLock, now: datetime) -> bool:
    """Write a lock into the log; return whether the report is a new one.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED.
    """
    request = Request(command.terminal.uri, command.request_id, canonical(command))
    if first_answer(tx.answers, request, now) is not None:
        return False
    resource = str(command.request_id)
    tx.answers.put(request, b"\0", resource=resource, sealed_for=None, now=now)
    tx.audit.append(
        AuditEvent(
            event=Event.LOCK_REPORTED,
            at=now,
            caller_uri=command.terminal.uri,
            issuing=command.terminal.municipality,
        )
    )
    return True
