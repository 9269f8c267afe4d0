"""Certificate copies between the wire and the areas: protos in, commands out, and back.

Every field is checked here, once. What a request may do is decided by the acts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.copies import commands
from juki_center.areas.evidence import DocumentKind
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.names import accept_address, accept_name
from juki_center.areas.residents.records import Nationality
from juki_center.rpc import fields
from juki_center.rpc.civil_dates import required_date
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb

if TYPE_CHECKING:
    from datetime import datetime

    from google.protobuf.timestamp_pb2 import Timestamp

    from juki_center.areas.callers import Caller, Terminal

_SUBJECTS: Final = 20
_PAGE: Final = 200
_FEE_YEN: Final = 10_000
_ATTEMPTS: Final = 1_000
_CLERK_NAME: Final = 50
_ISSUE_NUMBER: Final = 40
_PAGE_TOKEN: Final = 200
_QR_TEXT: Final = 4_000


def issue_copy(request: pb.IssueCopyRequest, sender: Terminal) -> commands.IssueCopy:
    """Check and translate a request for a copy."""
    scope = fields.choice(
        "scope", request.scope, pb.IssueCopyRequest.Scope.DESCRIPTOR, commands.Scope
    )
    return commands.IssueCopy(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        proof=_proof(request),
        scope=scope,
        fee_yen=fields.number("fee_yen", request.fee_yen, least=0, most=_FEE_YEN),
        subjects=_subjects(request, scope),
        items=_items(request),
    )


def _proof(request: pb.IssueCopyRequest) -> commands.CardProof | commands.PhotoProof:
    match request.WhichOneof("proof"):
        case "card_session_id":
            session_id = fields.octets("card_session_id", request.card_session_id, size=16)
            return commands.CardProof(session_id)
        case "photo_identification":
            return _photo(request.photo_identification)
        case _:
            raise fields.invalid("proof", "REQUIRED")


def _photo(photo: pb.PhotoIdentification) -> commands.PhotoProof:
    path = "photo_identification"
    birth = required_date(photo, "birth_date", f"{path}.birth_date")
    with fields.field(f"{path}.municipality"):
        municipality = MunicipalityCode(photo.municipality)
    return commands.PhotoProof(
        kind=fields.choice(
            f"{path}.kind",
            photo.kind,
            pb.PhotoIdentification.Kind.DESCRIPTOR,
            DocumentKind,
        ),
        number_hash=fields.octets(f"{path}.number_hash", photo.number_hash, size=32),
        name=_name(f"{path}.name", photo.name),
        birth_date=birth,
        address=_address(f"{path}.address", photo.address),
        municipality=municipality,
        # Absent is for the act to refuse: it has a reason of its own.
        clerk_name=fields.text(
            f"{path}.clerk_name", photo.clerk_name, longest=_CLERK_NAME, may_be_empty=True
        ),
        number_salt=fields.octets(f"{path}.number_salt", photo.number_salt, size=16),
    )


def _subjects(request: pb.IssueCopyRequest, scope: commands.Scope) -> tuple[commands.Subject, ...]:
    if scope is not commands.Scope.LISTED:
        if request.subjects:
            raise fields.invalid("subjects", "ONLY_WITH_SCOPE_LISTED")
        return ()
    fields.number("subjects", len(request.subjects), least=1, most=_SUBJECTS)
    return tuple(
        _subject(f"subjects[{index}]", subject) for index, subject in enumerate(request.subjects)
    )


def _subject(path: str, subject: pb.Subject) -> commands.Subject:
    birth = required_date(subject, "birth_date", f"{path}.birth_date")
    return commands.Subject(
        name=_name(f"{path}.name", subject.name),
        birth_date=birth,
    )


def _name(path: str, text: str) -> str:
    """Return a name as registers hold it, with or without the letters of foreign residents."""
    fields.required(path, text)
    with fields.field(path):
        return accept_name(text, Nationality.FOREIGN)


def _address(path: str, text: str) -> str:
    fields.required(path, text)
    with fields.field(path):
        return accept_address(text)


def _items(request: pb.IssueCopyRequest) -> tuple[commands.Item, ...]:
    items = tuple(
        fields.choice("items", item, pb.IssueCopyRequest.Item.DESCRIPTOR, commands.Item)
        for item in request.items
    )
    if len(set(items)) != len(items):
        raise fields.invalid("items", "EACH_AT_MOST_ONCE")
    return items


def confirm_print(request: pb.ConfirmPrintRequest, sender: Terminal) -> commands.ConfirmPrint:
    """Check and translate a report about the paper."""
    state = fields.choice(
        "print_state", request.print_state, pb.PrintState.DESCRIPTOR, commands.PrintState
    )
    if state is commands.PrintState.UNCONFIRMED:
        raise fields.invalid("print_state", "PRINTED_FAILED_OR_ABANDONED")
    digest = None
    if request.pdf_sha256:
        digest = fields.octets("pdf_sha256", request.pdf_sha256, size=32)
    least = 0 if state is commands.PrintState.ABANDONED else 1
    return commands.ConfirmPrint(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        issue_number=_issue_number(request.issue_number),
        print_state=state,
        attempt=fields.number("attempt", request.attempt, least=least, most=_ATTEMPTS),
        pdf_sha256=digest,
    )


def get_issue(request: pb.GetIssueRequest, sender: Terminal) -> commands.GetIssue:
    """Check and translate a question about an issue."""
    match request.WhichOneof("key"):
        case "request_id":
            return commands.GetIssue(sender, fields.uuid4("request_id", request.request_id))
        case "issue_number":
            return commands.GetIssue(sender, _issue_number(request.issue_number))
        case _:
            raise fields.invalid("key", "REQUIRED")


def verify_copy(request: pb.VerifyCopyRequest) -> commands.VerifyCopy:
    """Check and translate a question about a copy that somebody holds."""
    match request.WhichOneof("evidence"):
        case "signed_content" if request.signed_content:
            return commands.VerifyCopy(commands.SignedContent(request.signed_content))
        case "qr_text":
            text = fields.text("qr_text", request.qr_text, longest=_QR_TEXT)
            return commands.VerifyCopy(commands.QRText(text))
        case _:
            raise fields.invalid("evidence", "REQUIRED")


def recall_copy(request: pb.RecallCopyRequest, sender: Caller) -> commands.RecallCopy:
    """Check and translate a recall."""
    reason = fields.choice(
        "recall_reason",
        request.recall_reason,
        pb.RecallCopyRequest.RecallReason.DESCRIPTOR,
        commands.RecallReason,
    )
    if reason is commands.RecallReason.RESIDENT_MOVED:
        raise fields.invalid("recall_reason", "BY_THE_CENTER_ONLY")
    return commands.RecallCopy(
        caller=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        issue_number=_issue_number(request.issue_number),
        recall_reason=reason,
    )


def list_issues(request: pb.ListIssuesRequest, sender: Caller) -> commands.ListIssues:
    """Check and translate a request for a page."""
    return commands.ListIssues(
        caller=sender,
        page_size=fields.number("page_size", request.page_size, least=0, most=_PAGE),
        page_token=fields.text(
            "page_token", request.page_token, longest=_PAGE_TOKEN, may_be_empty=True
        ),
        only_overdue=request.only_overdue,
    )


def _issue_number(text: str) -> str:
    return fields.text("issue_number", text, longest=_ISSUE_NUMBER)


def issue_message(issue: commands.Issue) -> pb.Issue:
    """Translate an issue for the wire."""
    message = pb.Issue(
        issue_number=issue.issue_number,
        issuing_municipality=str(issue.issuing_municipality),
        print_state=_print_state(issue.print_state),
        print_attempts=issue.print_attempts,
    )
    _set_time(message.issued_at, issue.issued_at)
    if issue.recalled_at is not None:
        _set_time(message.recalled_at, issue.recalled_at)
    if issue.recall_reason is not None:
        reason = pb.RecallCopyRequest.RecallReason
        name = fields.proto_name(issue.recall_reason, reason.DESCRIPTOR)
        message.recall_reason = reason.Value(name)
    return message


def _print_state(state: commands.PrintState) -> pb.PrintState.ValueType:
    return pb.PrintState.Value(fields.proto_name(state, pb.PrintState.DESCRIPTOR))


def _set_time(stamp: Timestamp, moment: datetime) -> None:
    stamp.FromDatetime(moment)


def verification_message(answer: commands.Verification) -> pb.VerifyCopyResponse:
    """Translate a verdict for the wire."""
    verdict = pb.VerifyCopyResponse.Verdict
    return pb.VerifyCopyResponse(
        verdict=verdict.Value(fields.proto_name(answer.verdict, verdict.DESCRIPTOR)),
        issue=issue_message(answer.issue) if answer.issue is not None else None,
    )


def page_message(page: commands.IssuePage) -> pb.ListIssuesResponse:
    """Translate a page for the wire."""
    return pb.ListIssuesResponse(
        issues=[issue_message(issue) for issue in page.issues],
        next_page_token=page.next_page_token,
    )
