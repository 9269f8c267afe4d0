"""Certificate copies at a window: asked for once, printed once, and finished after every crash.

The journal is written before each step; what follows a state is one function below, and the same
functions run for a new issue and for one that a crash left open. Nothing is printed that does not
name this terminal's own request and evidence, and that the audit log does not show by a receipt.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from juki_client.outcome import Problem
from juki_client.patience import OF_THE_LOG, Patience, send, send_once_only
from juki_terminal.journal import Entry, Journal, State
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from juki_terminal.application import CopyApplication
    from juki_terminal.channel import Center
    from juki_terminal.paper.envelope import SignedCopy
    from juki_terminal.printer import Printer

_EVENT: Final = "COPY_ISSUED"
IN_FLIGHT_SECONDS: Final = 30
"""For so long after it was sent, a request may still be carried out by the center."""


class Press(Protocol):
    """Reads signed content and makes a PDF of it; see `paper_press`."""

    def open(self, signed_content: bytes) -> SignedCopy:
        """Verify the signature and read the content; raise Problem COPY_NOT_FOR_REQUEST."""
        ...

    def render(self, signed: SignedCopy) -> bytes:
        """Return the PDF; raise Problem CHARACTER_NOT_PRINTABLE."""
        ...


class Tray(StrEnum):
    """What a clerk says after looking into the printer's tray."""

    PRINTED = "printed"
    """The copy is there and good."""
    EMPTY = "empty"
    """Nothing usable is there: print again under the same number."""
    GIVE_UP = "give-up"
    """Nothing usable is there, and nothing shall be printed any more."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_request_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class CopyDesk:
    """What it takes to issue copies at one terminal; clock, ids and patience can be set."""

    center: Center
    journal: Journal
    press: Press
    printer: Printer
    now: Callable[[], datetime] = _utc_now
    new_request_id: Callable[[], str] = _new_request_id
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class CopyStatus:
    """What became of an issue, without personal data.

    `state` is the journal's; `issue_number` is empty where nothing was issued.
    """

    request_id: str
    issue_number: str
    state: State
    attempt: int
    pdf_sha256: bytes
    open_because: str = ""
    """The reason for which the center does not know of the paper yet; empty where it does."""
    recalled_because: str = ""
    """Why the center has recalled a copy that was not printed; a paper of it is void."""

    @classmethod
    def of(cls, entry: Entry, open_because: str = "") -> CopyStatus:
        """Take the facts of a journal's entry."""
        return cls(
            request_id=entry.request_id,
            issue_number=entry.issue_number,
            state=entry.state,
            attempt=entry.attempt,
            pdf_sha256=entry.pdf_sha256,
            open_because=open_because,
        )


def issue_copy(desk: CopyDesk, application: CopyApplication) -> CopyStatus:
    """Ask for a copy, print it and report it; return the finished issue.

    Raises Problem with the center's reason where it refuses (nothing was issued),
    COPY_UNFINISHED where an earlier issue is open, OUTCOME_UNKNOWN where the center did not answer
    (ask by `resume`), COPY_NOT_FOR_REQUEST, CHARACTER_NOT_PRINTABLE, PRINTER_FAILED; and
    RECEIPT_MISSING, RECEIPT_INVALID, LOG_SHRANK, LOG_FORKED or LOG_NOT_TRUSTED where the audit log
    does not show the issue, which then stays open. Where only the report is missing, the issue is
    returned in state PRINTED.
    """
    desk.journal.require_none_open()
    if not application.is_by_card:
        # A card session has just shown that the center answers; without one, nobody has.
        desk.center.require_reachable()
    request_id = desk.new_request_id()
    entry = desk.journal.begin(
        Entry(
            request_id=request_id,
            state=State.PREPARED,
            at=int(desk.now().timestamp()),
            by_card=application.is_by_card,
            evidence=application.evidence(request_id),
            seen=desk.center.seen_tree_size,
        )
    )
    entry = _move(desk, entry, State.ASKED)
    answer = _ask(desk, entry, application.request(request_id))
    signed = _own(desk, entry, answer.signed_content, answer.issue.issue_number)
    entry = _move(desk, entry, State.ISSUED, answer.issue.issue_number)
    entry = _print(desk, entry, signed)
    try:
        entry = _report(desk, entry)
    except Problem as problem:
        # The paper is out and good; what is missing is only that the center hears of it.
        return CopyStatus.of(entry, problem.reason)
    return _finished(desk, entry)


def resume(desk: CopyDesk, key: str, look: Callable[[Entry], Tray]) -> CopyStatus:
    """Finish the issue with this request id or issue number, from wherever a crash left it.

    `look` asks the clerk what lies in the tray, where only a person can know. Raises what
    `issue_copy` raises, and ISSUE_NOT_FOUND where the journal has no such issue.
    """
    entry = desk.journal.find(key)
    if entry is None:
        raise Problem("ISSUE_NOT_FOUND", {"key": key})
    gives_up = False
    while entry.is_open:
        if entry.state is State.SENT:
            tray = look(entry)
            gives_up = tray is Tray.GIVE_UP
            entry = _due(desk, entry, State.PRINTED if tray is Tray.PRINTED else State.SPOILED)
        elif entry.state is State.ISSUED and gives_up:
            entry = _due(desk, entry, State.GIVING_UP)
        else:
            entry = _STEPS[entry.state](desk, entry)
    return _finished(desk, entry)


def _finished(desk: CopyDesk, entry: Entry) -> CopyStatus:
    """Return what became of a finished issue; ask why, where the center may have given it up."""
    status = CopyStatus.of(entry)
    if entry.state is not State.ABANDONED:
        return status
    request = copies_pb.GetIssueRequest(issue_number=entry.issue_number)
    with suppress(Problem):
        reason = desk.center.call(desk.center.copies.GetIssue, request).issue.recall_reason
        return replace(status, recalled_because=_RECALLED.get(reason, ""))
    return status


def _move(desk: CopyDesk, entry: Entry, state: State, issue_number: str = "") -> Entry:
    number = issue_number or entry.issue_number
    return desk.journal.advance(replace(entry, state=state, issue_number=number), desk.now())


def _due(desk: CopyDesk, entry: Entry, state: State) -> Entry:
    """Enter a state that ends with a report to the center, whose request id is made here."""
    report_id = desk.new_request_id()
    return desk.journal.advance(replace(entry, state=state, report_id=report_id), desk.now())


def _ask(
    desk: CopyDesk, entry: Entry, request: copies_pb.IssueCopyRequest
) -> copies_pb.IssueCopyResponse:
    """Send the request, the same one again while that may help."""
    try:
        method = desk.center.copies.IssueCopy
        return send_once_only(desk.center, method, request, desk.patience, seen=entry.seen)
    except Problem as problem:
        # A copy whose receipt does not count is issued all the same, and stays open.
        if problem.reason != "OUTCOME_UNKNOWN" and problem.reason not in OF_THE_LOG:
            _move(desk, entry, State.REFUSED)
        raise


def _own(desk: CopyDesk, entry: Entry, signed_content: bytes, issue_number: str) -> SignedCopy:
    """Open signed content that is for this entry; close the entry where it is not."""
    try:
        signed = desk.press.open(signed_content)
        _require_own(signed, entry, issue_number)
    except Problem:
        _move(desk, entry, State.REFUSED)
        raise
    return signed


def _require_own(signed: SignedCopy, entry: Entry, issue_number: str) -> None:
    content = signed.content
    checks = {
        "request_id": content.request_id == uuid.UUID(entry.request_id).bytes,
        "evidence": hmac.compare_digest(content.evidence, entry.evidence),
        "proof": (content.proof.value == "card") is entry.by_card,
        "issue_number": content.issue_number == issue_number,
    }
    for name, fits in checks.items():
        if not fits:
            raise Problem("COPY_NOT_FOR_REQUEST", {"field": name})


def _print(desk: CopyDesk, entry: Entry, signed: SignedCopy) -> Entry:
    try:
        pdf = desk.press.render(signed)
    except Problem:
        entry = _due(desk, entry, State.GIVING_UP)
        with suppress(Problem):
            _report(desk, entry)
        raise
    changed = replace(
        entry,
        state=State.SENT,
        attempt=entry.attempt + 1,
        pdf_sha256=hashlib.sha256(pdf).digest(),
    )
    entry = desk.journal.advance(changed, desk.now())
    desk.printer.print(pdf, entry.issue_number)
    return _due(desk, entry, State.PRINTED)


def _never_asked(desk: CopyDesk, entry: Entry) -> Entry:
    return _move(desk, entry, State.REFUSED)


def _find(desk: CopyDesk, entry: Entry) -> Entry:
    """Ask what became of a request whose answer was lost."""
    request = copies_pb.GetIssueRequest(request_id=entry.request_id)
    try:
        answer = desk.center.call(desk.center.copies.GetIssue, request)
    except Problem as problem:
        if problem.reason != "ISSUE_NOT_FOUND":
            raise
        wait = IN_FLIGHT_SECONDS - (int(desk.now().timestamp()) - entry.at)
        if wait > 0:
            facts = {"requestId": entry.request_id, "retryAfterSeconds": str(wait)}
            raise Problem("OUTCOME_UNKNOWN", facts) from problem
        return _move(desk, entry, State.REFUSED)
    return _move(desk, entry, State.ISSUED, answer.issue.issue_number)


def _print_again(desk: CopyDesk, entry: Entry) -> Entry:
    """Print from the content that the center keeps until the paper is confirmed."""
    request_id = uuid.UUID(entry.request_id).bytes
    issued = desk.center.receipts.act(_EVENT, request_id=request_id, seen=entry.seen)
    request = copies_pb.GetIssueRequest(issue_number=entry.issue_number)
    answer = desk.center.call(desk.center.copies.GetIssue, request)
    settled = _SETTLED.get(answer.issue.print_state)
    if settled is not None:
        return _move(desk, entry, settled)
    if not answer.signed_content:
        return _due(desk, entry, State.GIVING_UP)
    issued.require(answer, resource=entry.issue_number)
    signed = _own(desk, entry, answer.signed_content, answer.issue.issue_number)
    return _print(desk, entry, signed)


def _report(desk: CopyDesk, entry: Entry) -> Entry:
    """Tell the center what became of the paper, by the request id that the journal holds."""
    print_state, next_state = _REPORTS[entry.state]
    request = copies_pb.ConfirmPrintRequest(
        request_id=entry.report_id,
        issue_number=entry.issue_number,
        print_state=print_state,
        attempt=entry.attempt,
        pdf_sha256=entry.pdf_sha256 if entry.state is State.PRINTED else b"",
    )
    try:
        method = desk.center.copies.ConfirmPrint
        send(desk.center, method, request, desk.patience, seen=entry.seen)
    except Problem as problem:
        if problem.reason == "PRINT_STATE_CONFLICT":
            return _move(desk, entry, _settled_otherwise(desk, entry, problem))
        if problem.reason != "ANSWER_EXPIRED":
            raise
    return _move(desk, entry, next_state)


def _settled_otherwise(desk: CopyDesk, entry: Entry, conflict: Problem) -> State:
    """Take over what the center knows already, such as a copy that was given up there."""
    request = copies_pb.GetIssueRequest(issue_number=entry.issue_number)
    state = _SETTLED.get(desk.center.call(desk.center.copies.GetIssue, request).issue.print_state)
    if state is None:
        raise conflict
    return state


_SETTLED: Final[Mapping[int, State]] = {
    copies_pb.PRINT_STATE_PRINTED: State.CONFIRMED,
    copies_pb.PRINT_STATE_ABANDONED: State.ABANDONED,
}
_RECALLED: Final[Mapping[int, str]] = {
    number: name.removeprefix("RECALL_REASON_")
    for name, number in copies_pb.RecallCopyRequest.RecallReason.items()
    if number
}
_REPORTS: Final[Mapping[State, tuple[copies_pb.PrintState.ValueType, State]]] = {
    State.PRINTED: (copies_pb.PRINT_STATE_PRINTED, State.CONFIRMED),
    State.SPOILED: (copies_pb.PRINT_STATE_FAILED, State.ISSUED),
    State.GIVING_UP: (copies_pb.PRINT_STATE_ABANDONED, State.ABANDONED),
}
_STEPS: Final[Mapping[State, Callable[[CopyDesk, Entry], Entry]]] = {
    State.PREPARED: _never_asked,
    State.ASKED: _find,
    State.ISSUED: _print_again,
    State.PRINTED: _report,
    State.SPOILED: _report,
    State.GIVING_UP: _report,
}
