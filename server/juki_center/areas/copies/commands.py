"""What may be asked about copies, and what is answered: the proto's messages as records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from juki_center.areas.callers import Caller, Terminal
from juki_center.areas.evidence import DocumentKind
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode


class Scope(StrEnum):
    """Whose entries a copy shows."""

    SELF = "SELF"
    LISTED = "LISTED"
    HOUSEHOLD = "HOUSEHOLD"


class Item(StrEnum):
    """Items that are on a copy only if asked for, or never."""

    RELATIONSHIP = "RELATIONSHIP"
    RESIDENT_CODE = "RESIDENT_CODE"
    REGISTERED_DOMICILE = "REGISTERED_DOMICILE"


class PrintState(StrEnum):
    """What is known of the paper of an issue."""

    UNCONFIRMED = "UNCONFIRMED"
    PRINTED = "PRINTED"
    FAILED = "FAILED"
    ABANDONED = "ABANDONED"


class RecallReason(StrEnum):
    """Why a copy is recalled."""

    WRONG_PERSON = "WRONG_PERSON"
    ISSUED_IN_ERROR = "ISSUED_IN_ERROR"
    PAPER_LOST = "PAPER_LOST"
    RESIDENT_MOVED = "RESIDENT_MOVED"


class Verdict(StrEnum):
    """What a copy that somebody holds is worth."""

    VALID = "VALID"
    ALTERED = "ALTERED"
    UNKNOWN_SIGNER = "UNKNOWN_SIGNER"
    RECALLED = "RECALLED"
    NOT_ISSUED = "NOT_ISSUED"


@dataclass(frozen=True, slots=True)
class CardProof:
    """A finished card session of the same terminal; 16 bytes."""

    session_id: bytes


@dataclass(frozen=True, slots=True)
class PhotoProof:
    """A photo document that a clerk has compared with the applicant's face.

    `number_hash` is 32 bytes: SHA-256 of `number_salt`, 16 bytes, and the number. `clerk_name` may
    be empty here: the act refuses that by its reason.
    """

    kind: DocumentKind
    number_hash: bytes = field(repr=False)
    name: str = field(repr=False)
    birth_date: CivilDate = field(repr=False)
    address: str = field(repr=False)
    municipality: MunicipalityCode = field(repr=False)
    clerk_name: str = field(repr=False)
    number_salt: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subject:
    """A person of the applicant's household, as the applicant names them."""

    name: str = field(repr=False)
    birth_date: CivilDate = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssueCopy:
    """Command: issue a copy. `subjects` is empty unless the scope is LISTED; fee in yen."""

    terminal: Terminal
    request_id: UUID
    proof: CardProof | PhotoProof
    scope: Scope
    fee_yen: int
    subjects: tuple[Subject, ...] = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfirmPrint:
    """Command: what became of the paper. `pdf_sha256` is 32 bytes, or None."""

    terminal: Terminal
    request_id: UUID
    issue_number: str
    print_state: PrintState
    attempt: int
    pdf_sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class GetIssue:
    """Command: what became of an issue, by the request's id or by its number."""

    terminal: Terminal
    key: UUID | str


@dataclass(frozen=True, slots=True)
class RecallCopy:
    """Command: from now on the copy verifies as recalled."""

    caller: Caller
    request_id: UUID
    issue_number: str
    recall_reason: RecallReason


@dataclass(frozen=True, slots=True)
class ListIssues:
    """Command: a page of issues, newest first. `page_size` 0 lets the center choose."""

    caller: Caller
    page_size: int = 0
    page_token: str = ""
    only_overdue: bool = False


@dataclass(frozen=True, slots=True)
class SignedContent:
    """Evidence: the COSE_Sign1 that is attached to a PDF."""

    cose: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class QRText:
    """Evidence: the text of the QR code."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifyCopy:
    """Command: is this copy ours, unaltered, and does it stand?"""

    evidence: SignedContent | QRText


@dataclass(frozen=True, slots=True)
class Issue:
    """An issued copy, without personal data."""

    issue_number: str
    issued_at: datetime
    issuing_municipality: MunicipalityCode
    print_state: PrintState
    print_attempts: int
    recalled_at: datetime | None
    recall_reason: RecallReason | None = None


@dataclass(frozen=True, slots=True)
class IssuedCopy:
    """Answer: the issue and its signed content; `signed_content` is empty once it may not print."""

    issue: Issue
    signed_content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuePage:
    """Answer: a page of issues; `next_page_token` is empty on the last page."""

    issues: tuple[Issue, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class Verification:
    """Answer: the verdict; the issue only with VALID and RECALLED."""

    verdict: Verdict
    issue: Issue | None
