"""Copies of persons who move: what is not confirmed as printed is void, and printed no more.

The paper would show an address that is wrong on the day on which it is handed over. One that lies
in the tray counts as not printed until its terminal has said that it is: the center cannot see a
tray, so the copy is recalled, and its verdict says so to whoever holds the paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.copies.commands import PrintState, RecallReason
from juki_center.areas.copies.issues import IssueRow, Issues
from juki_center.areas.copies.prints import SETTLED, PrintTx
from juki_center.areas.copies.recall import recall_event
from juki_center.areas.requests.answers import KEPT_FOR
from juki_center.areas.residents.records import PersonID


def void_unprinted(tx: PrintTx, persons: Iterable[PersonID], now: datetime, caller_uri: str) -> int:
    """Recall the copies that show one of these persons and are not printed; return how many.

    They are given up in the same step, with their content wiped: a report that one was printed is
    refused (PRINT_STATE_CONFLICT with recallReason). `caller_uri` is whose act lets them move.
    Needs no municipality's key.
    """
    unprinted = [row for row in tx.issues.of_persons(persons) if _is_pending(row)]
    for row in unprinted:
        voided = replace(
            row,
            print_state=PrintState.ABANDONED,
            recalled_at=now,
            recall_reason=RecallReason.RESIDENT_MOVED,
        )
        tx.issues.update_paper(voided)
        tx.issues.update_recall(voided)
        tx.issues.forget_persons(row.number)
        tx.answers.wipe(row.terminal_uri, row.request_id)
        tx.audit.append(recall_event(voided, caller_uri, now))
    return len(unprinted)


def _is_pending(row: IssueRow) -> bool:
    return row.print_state not in SETTLED and row.recalled_at is None


class ForgetTx(Protocol):
    """What forgetting whom copies show needs of a transaction."""

    @property
    def issues(self) -> Issues: ...


def forget_persons_of_copies(tx: ForgetTx, now: datetime) -> None:
    """Act: forget whose entries copies show that can be printed no more, because they are old."""
    tx.issues.forget_persons_before(now - KEPT_FOR)
