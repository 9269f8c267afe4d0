"""Reading issues: what became of one, and which there are. Nothing is changed here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from juki_center.areas.callers import Operator
from juki_center.areas.clerks.policy import ClerkPolicy
from juki_center.areas.clerks.rows import Clerks, Right
from juki_center.areas.clerks.rules import require_right, require_signed_in
from juki_center.areas.copies.answer_codec import decode_copy
from juki_center.areas.copies.commands import (
    GetIssue,
    IssuedCopy,
    IssuePage,
    ListIssues,
    PrintState,
)
from juki_center.areas.copies.issues import IssueRow, Issues
from juki_center.areas.requests.answers import KEPT_FOR, Answers
from juki_center.areas.requests.page_tokens import cursor_of
from juki_center.errors import Reason, Refusal

OVERDUE_AFTER = timedelta(minutes=15)
_PAGE_SIZE = 50
_MAY_STILL_PRINT = frozenset({PrintState.UNCONFIRMED, PrintState.FAILED})


class FindTx(Protocol):
    """What reading issues needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def clerks(self) -> Clerks: ...

    @property
    def issues(self) -> Issues: ...


def get_issue(tx: FindTx, command: GetIssue, now: datetime, policy: ClerkPolicy) -> IssuedCopy:
    """Return an issue of the calling terminal, with its content while that may still be printed.

    The content of a copy that photo identification led to is a clerk's matter, as its issue was.
    Raises Refusal: ISSUE_NOT_FOUND; CLERK_SIGN_IN_REQUIRED, CLERK_STOPPED, CLERK_RIGHT_MISSING for
    such a content without the clerk; RESIDENCE_DISCONNECTED where the content cannot be opened.
    """
    row = _row(tx, command)
    if row is None or row.terminal_uri != command.terminal.uri:
        raise Refusal(Reason.ISSUE_NOT_FOUND)
    if not _may_print(row, now):
        return IssuedCopy(row.issue, b"")
    if not row.by_card:
        standing = tx.clerks.standing(row.terminal_uri, Right.COPIES)
        require_right(require_signed_in(standing, now, policy), Right.COPIES, now)
    kept = tx.answers.answer_of(row.terminal_uri, row.request_id)
    return IssuedCopy(row.issue, decode_copy(kept).signed_content if kept else b"")


def list_issues(tx: FindTx, command: ListIssues, now: datetime) -> IssuePage:
    """Return a page of the caller's municipality's issues, of all for an operator.

    Raises Refusal(FIELD_INVALID) for a page token that this center did not make.
    """
    caller = command.caller
    limit = command.page_size or _PAGE_SIZE
    found = tx.issues.page(
        issuing=None if isinstance(caller, Operator) else caller.municipality,
        before=cursor_of(command.page_token) or None,
        limit=limit + 1,
        unconfirmed_since=now - OVERDUE_AFTER if command.only_overdue else None,
    )
    shown = found[:limit]
    token = str(shown[-1][0]) if len(found) > limit else ""
    return IssuePage(tuple(row.issue for _, row in shown), token)


def _row(tx: FindTx, command: GetIssue) -> IssueRow | None:
    if isinstance(command.key, UUID):
        return tx.issues.by_request(command.terminal.uri, command.key)
    return tx.issues.by_number(command.key)


def _may_print(row: IssueRow, now: datetime) -> bool:
    is_fresh = now - row.issued_at <= KEPT_FOR
    return is_fresh and row.recalled_at is None and row.print_state in _MAY_STILL_PRINT
