"""The act of reporting what became of the paper, and how a paper's state may change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.copies.answer_codec import decode_copy, encode_issue
from juki_center.areas.copies.commands import ConfirmPrint, Issue, PrintState
from juki_center.areas.copies.issues import IssueRow, Issues
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.errors import Reason, Refusal

# What may be reported of a paper in a state. What was handed over or given up stays so.
REPORTS: Final = {
    PrintState.UNCONFIRMED: {PrintState.PRINTED, PrintState.FAILED, PrintState.ABANDONED},
    PrintState.FAILED: {PrintState.PRINTED, PrintState.FAILED, PrintState.ABANDONED},
    PrintState.PRINTED: set[PrintState](),
    PrintState.ABANDONED: set[PrintState](),
}
SETTLED: Final = frozenset(state for state, reports in REPORTS.items() if not reports)
"""The states in which nothing is printed any more under a number."""


class PrintTx(Protocol):
    """What a report needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def issues(self) -> Issues: ...


def confirm_print(tx: PrintTx, command: ConfirmPrint, now: datetime) -> Issue:
    """Record what became of the paper; the content of one that was given up is wiped.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, ISSUE_NOT_FOUND, PRINT_STATE_CONFLICT.
    """
    request = Request(command.terminal.uri, command.request_id, canonical(command))
    earlier = first_answer(tx.answers, request, now)
    if earlier is not None:
        return decode_copy(earlier).issue
    row = tx.issues.by_number(command.issue_number)
    if row is None or row.terminal_uri != command.terminal.uri:
        raise Refusal(Reason.ISSUE_NOT_FOUND)
    reported = reported_row(row, command)
    tx.issues.update_paper(reported)
    if reported.print_state in SETTLED:
        tx.issues.forget_persons(row.number)
    if reported.print_state is PrintState.ABANDONED:
        tx.answers.wipe(row.terminal_uri, row.request_id)
    tx.answers.put(
        request, encode_issue(reported.issue), resource=row.number, sealed_for=None, now=now
    )
    tx.audit.append(_event(reported, now))
    return reported.issue


def reported_row(row: IssueRow, command: ConfirmPrint) -> IssueRow:
    """Return the issue after a report. Raises Refusal(PRINT_STATE_CONFLICT)."""
    is_new_attempt = command.attempt > row.print_attempts
    is_given_up = (
        command.print_state is PrintState.ABANDONED and command.attempt == row.print_attempts
    )
    if command.print_state not in REPORTS[row.print_state] or not (is_new_attempt or is_given_up):
        recalled = {"recallReason": row.recall_reason} if row.recall_reason else {}
        raise Refusal(Reason.PRINT_STATE_CONFLICT, printState=row.print_state, **recalled)
    return replace(
        row,
        print_state=command.print_state,
        print_attempts=command.attempt,
        pdf_sha256=command.pdf_sha256,
    )


def _event(row: IssueRow, now: datetime) -> AuditEvent:
    paper = (("pdf", row.pdf_sha256.hex()),) if row.pdf_sha256 else ()
    return AuditEvent(
        event=Event.COPY_PRINT_CONFIRMED,
        at=now,
        caller_uri=row.terminal_uri,
        issuing=row.issuing,
        residence=row.residence,
        resource=row.number,
        details=(("state", row.print_state), ("attempt", str(row.print_attempts)), *paper),
    )
