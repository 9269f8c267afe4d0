"""What may be asked about applications, and what is answered: the proto's messages as records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.application_rows import (
    Addressee,
    Application,
    ApplicationState,
    EndReason,
    Place,
)
from juki_center.areas.cards.numbers import ApplicationNumber, LetterNumber
from juki_center.areas.cards.register import Card, CardStyle
from juki_center.areas.cards.suspensions import LossReason
from juki_center.areas.evidence import IdentityDocument, LegalRepresentative
from juki_center.areas.residents.codes import ResidentCode


class LapsedCard(StrEnum):
    """What was answered to the question for a lapsed card."""

    NONE_HELD = "NONE_HELD"
    HANDED_IN = "HANDED_IN"


@dataclass(frozen=True, slots=True)
class ApplicationForm:
    """What the applicant asks for, and how the window has identified the applicant.

    `photo` is a JPEG that was checked, without metadata; `lapsed_card` is None where nobody asked.
    """

    code: ResidentCode
    style: CardStyle
    place: Place
    photo: bytes | None = field(default=None, repr=False)
    photo_taken_on: date | None = None
    documents: tuple[IdentityDocument, ...] = field(default=(), repr=False)
    representative: LegalRepresentative | None = field(default=None, repr=False)
    lapsed_card: LapsedCard | None = None


@dataclass(frozen=True, slots=True)
class SubmitApplication:
    """Command: take an application for a first card."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    form: ApplicationForm = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """The old card is lost. `police_report` is the number of the report, or empty."""

    reason: LossReason
    police_report: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """The old card is handed in: a finished CARD_CHECK session of the same terminal, 16 bytes."""

    session_id: bytes


@dataclass(frozen=True, slots=True)
class ReissueCard:
    """Command: end the old card, and apply for a new one in its place."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    form: ApplicationForm = field(repr=False)
    old_card: Lost | HandedIn


@dataclass(frozen=True, slots=True)
class RecordReply:
    """Command: this came back to an inquiry letter."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    application: ApplicationNumber
    letter: LetterNumber = field(repr=False)
    brought_by_applicant: bool
    documents: tuple[IdentityDocument, ...] = field(default=(), repr=False)
    oral_questions_answered: bool = False


@dataclass(frozen=True, slots=True)
class RejectApplication:
    """Command: end an application without a card."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    application: ApplicationNumber
    reason: EndReason


@dataclass(frozen=True, slots=True)
class GetApplication:
    """Command: an application, with its letter or notice where that is wanted."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    application: ApplicationNumber
    with_letter: bool = False


@dataclass(frozen=True, slots=True)
class ListApplications:
    """Command: a page of applications, oldest first. No states means those that have not ended."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    states: tuple[ApplicationState, ...] = ()
    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class InquiryLetter:
    """The letter to the registered address."""

    number: LetterNumber = field(repr=False)
    addressee: Addressee = field(repr=False)
    sent_on: date
    reply_until: date
    registered_mail: bool
    document_required: bool
    municipality_name: str


@dataclass(frozen=True, slots=True)
class IssueNotice:
    """The letter that tells the registered address of a card issued on the same day."""

    addressee: Addressee = field(repr=False)
    sent_on: date
    municipality_name: str


@dataclass(frozen=True, slots=True)
class Taken:
    """Answer: an application without its papers, and what is to be printed for it."""

    application: Application
    letter: InquiryLetter | None = field(default=None, repr=False)
    notice: IssueNotice | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reissued:
    """Answer: the application for the new card, and the old card."""

    taken: Taken = field(repr=False)
    old_card: Card


@dataclass(frozen=True, slots=True)
class ApplicationPage:
    """Answer: a page of applications; `next_page_token` is empty on the last page."""

    applications: tuple[Application, ...]
    next_page_token: str
