"""The act of recalling a copy: the paper stays what it is, its verdict changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.callers import Caller, Operator
from juki_center.areas.copies.answer_codec import decode_copy, encode_issue
from juki_center.areas.copies.commands import Issue, RecallCopy
from juki_center.areas.copies.issues import IssueRow
from juki_center.areas.copies.prints import PrintTx
from juki_center.areas.requests.answers import Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.errors import Reason, Refusal


def recall_copy(tx: PrintTx, command: RecallCopy, now: datetime) -> Issue:
    """Recall a copy; its content is wiped, so that it is not printed any more.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, ISSUE_NOT_FOUND, ALREADY_RECALLED.
    """
    request = Request(command.caller.uri, command.request_id, canonical(command))
    earlier = first_answer(tx.answers, request, now)
    if earlier is not None:
        return decode_copy(earlier).issue
    row = tx.issues.by_number(command.issue_number)
    if row is None or not may_recall(command.caller, row):
        raise Refusal(Reason.ISSUE_NOT_FOUND)
    if row.recalled_at is not None:
        raise Refusal(Reason.ALREADY_RECALLED)
    recalled = replace(row, recalled_at=now, recall_reason=command.recall_reason)
    tx.issues.update_recall(recalled)
    tx.issues.forget_persons(row.number)
    tx.answers.wipe(row.terminal_uri, row.request_id)
    tx.answers.put(
        request, encode_issue(recalled.issue), resource=row.number, sealed_for=None, now=now
    )
    tx.audit.append(recall_event(recalled, command.caller.uri, now))
    return recalled.issue


def may_recall(caller: Caller, row: IssueRow) -> bool:
    """Tell whether a caller may recall an issue: its municipality, or an operator."""
    return isinstance(caller, Operator) or caller.municipality == row.issuing


def recall_event(row: IssueRow, caller_uri: str, now: datetime) -> AuditEvent:
    """Return what the log says of a recall."""
    return AuditEvent(
        event=Event.COPY_RECALLED,
        at=now,
        caller_uri=caller_uri,
        issuing=row.issuing,
        residence=row.residence,
        resource=row.number,
        details=(("reason", row.recall_reason or ""),),
    )
