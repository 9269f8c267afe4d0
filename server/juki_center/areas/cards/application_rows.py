"""Applications for a card as the store keeps them: state in columns, everything personal sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from juki_center.areas.cards.holdings import Holding
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber, LetterNumber
from juki_center.areas.cards.register import CardStyle
from juki_center.areas.evidence import IdentityDocument, LegalRepresentative
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID


class ApplicationState(StrEnum):
    """How far an application has come."""

    INQUIRY_SENT = "INQUIRY_SENT"
    APPROVED = "APPROVED"
    READY = "READY"
    DELIVERED = "DELIVERED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class ApplicationKind(StrEnum):
    """Why an application is made."""

    FIRST = "FIRST"
    REISSUE = "REISSUE"
    RENEWAL = "RENEWAL"


class Place(StrEnum):
    """Where an application is made."""

    COUNTER = "COUNTER"
    BRANCH = "BRANCH"


class EndReason(StrEnum):
    """Why an application ended without a card."""

    LETTER_RETURNED = "LETTER_RETURNED"
    NOT_THE_PERSON = "NOT_THE_PERSON"
    WITHDRAWN = "WITHDRAWN"
    NOT_COLLECTED = "NOT_COLLECTED"
    LETTER_NUMBER_WRONG = "LETTER_NUMBER_WRONG"
    REPLY_TOO_LATE = "REPLY_TOO_LATE"
    HOLDER_GONE = "HOLDER_GONE"
    CODE_CHANGED = "CODE_CHANGED"


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a letter was sent to, as the register had name and address on that day."""

    name: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApplicationPapers:
    """What is sealed of an application: what was shown and written at the window.

    `letter_number`, `letter_sent_on` and `letter_sent_to` are None on the same-day way.
    """

    clerk_name: str = field(repr=False)
    place: Place
    documents: tuple[IdentityDocument, ...] = field(default=(), repr=False)
    representative: LegalRepresentative | None = field(default=None, repr=False)
    letter_number: LetterNumber | None = field(default=None, repr=False)
    letter_sent_on: date | None = None
    letter_sent_to: Addressee | None = field(default=None, repr=False)
    reply_documents: tuple[IdentityDocument, ...] = field(default=(), repr=False)
    reply_clerk_name: str = field(default="", repr=False)
    oral_questions_answered: bool = False
    lapsed_card: str = ""
    photo_taken_on: date | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """One application. `papers` is None once the retention rule has deleted them.

    `reply_until` is the last day, in Japan, on which a reply to its letter counts.
    """

    number: ApplicationNumber
    municipality: MunicipalityCode
    person: PersonID
    state: ApplicationState
    kind: ApplicationKind
    style: CardStyle
    submitted_at: datetime
    papers: ApplicationPapers | None = field(repr=False)
    reply_until: date | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    card_number: CardNumber | None = None


class Applications(Protocol):
    """What the store keeps of applications, their photos, and the fees.

    Whatever opens or writes papers or photos raises Refusal(RESIDENCE_DISCONNECTED) where the
    municipality is disconnected.
    """

    def application(self, number: ApplicationNumber) -> Application | None:
        """Return an application with its papers."""

    def municipality_of(self, number: ApplicationNumber) -> MunicipalityCode | None:
        """Say whose application it is, without opening anything; None where there is none."""

    def open_of_person(self, person: PersonID) -> list[Application]:
        """Return a person's applications that have not ended, without their papers."""

    def overdue(self, day: date, limit: int) -> list[Application]:
        """Return applications whose replies counted until before a day, without their papers."""

    def page(
        self,
        municipality: MunicipalityCode,
        states: tuple[ApplicationState, ...],
        *,
        after: int,
        limit: int,
    ) -> list[tuple[int, Application]]:
        """Return applications of a municipality behind a cursor, oldest first, without papers."""

    def add(self, application: Application, photo: bytes | None) -> None:
        """Enter an application; its number is new."""

    def update(self, application: Application) -> None:
        """Write state, end, card and reply; and the papers unless they are None."""

    def set_state(
        self,
        number: ApplicationNumber,
        state: ApplicationState,
        *,
        ended_at: datetime | None,
        end_reason: EndReason | None,
    ) -> None:
        """Write the state alone: also while the municipality is disconnected."""

    def photo(self, number: ApplicationNumber) -> bytes | None:
        """Return the photo; None where there is none, or none any more."""

    def forget_photos(
        self, *, delivered_before: datetime, refused_before: datetime, limit: int
    ) -> int:
        """Delete photos of applications that ended before these times; return how many."""

    def forget_papers(self, *, ended_before: datetime, limit: int) -> int:
        """Delete the papers of applications that ended before a time; return how many."""

    def photos_held(self, *, delivered_before: datetime, refused_before: datetime) -> Holding:
        """Count the photos, and those whose applications ended before these times."""

    def papers_held(self, *, ended_before: datetime) -> Holding:
        """Count the papers, and those whose applications ended before a time."""

    def add_fee(self, fee: Fee) -> None:
        """Enter a fee into the ledger; the application has none yet."""

    def fees(self, municipality: MunicipalityCode, first: date, last: date) -> list[Fee]:
        """Return the fees of a municipality between two days in Japan, both included."""


@dataclass(frozen=True, slots=True)
class Fee:
    """A line of the ledger: what was taken for a card, in yen, and on which day in Japan."""

    application: ApplicationNumber
    municipality: MunicipalityCode
    card_number: CardNumber
    kind: ApplicationKind
    amount_yen: int
    taken_on: date
    taken_at: datetime
    terminal_uri: str
