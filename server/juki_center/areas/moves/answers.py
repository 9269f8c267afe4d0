"""What is answered about moves: the proto's messages as records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from juki_center.areas.cards.register import Card
from juki_center.areas.moves.answer_codec import decode_answer
from juki_center.areas.moves.numbers import MoveNumber, VerificationCode
from juki_center.areas.moves.rows import Document, Move, MoveAlert
from juki_center.areas.moves.waiting_rows import NoticeSent
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import ResidenceRecord, Resident


class SpecialRefusal(StrEnum):
    """Why an asked special case became an ordinary move; the proto's names without prefix."""

    NO_USABLE_CARD = "NO_USABLE_CARD"
    NOTIFIED_LATE = "NOTIFIED_LATE"
    DESTINATION_NOT_ON_NETWORK = "DESTINATION_NOT_ON_NETWORK"


@dataclass(frozen=True, slots=True)
class MovingPerson:
    """One person of a notice with the entries in the origin's book.

    `returns` tells that the destination has had the person before; False on a paper.
    """

    version: int
    record: ResidenceRecord = field(repr=False)
    returns: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of moving out, as it is printed; names of municipalities as on paper."""

    number: MoveNumber
    code: VerificationCode
    count: int
    document: Document
    origin_name: str
    destination_name: str
    destination_address: str = field(repr=False)
    planned_on: date
    notified_on: date
    issued_on: date
    persons: tuple[MovingPerson, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class MoveFiled:
    """Answer: the notice as it was entered."""

    move: Move
    refused_because: SpecialRefusal | None = None
    certificate: Certificate | None = field(default=None, repr=False)
    household_needs_head: bool = False


@dataclass(frozen=True, slots=True)
class MoveChanged:
    """Answer: the notice, with the paper that takes the former one's place."""

    move: Move
    certificate: Certificate | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MoveCancelled:
    """Answer: the withdrawn notice; how many deleted records hold again."""

    move: Move
    restored: int = 0


@dataclass(frozen=True, slots=True)
class TransferFetched:
    """Answer: the information. `transfer_id` and `last_day` are empty for a look beforehand."""

    move: Move
    origin_name: str
    destination_address: str = field(repr=False)
    persons: tuple[MovingPerson, ...] = field(repr=False)
    transfer_id: bytes = b""
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A record that a move has written, and what the clerk must know about it."""

    record: Resident
    lapsed_cards: int = 0
    continue_until: date | None = None
    card_faces: int = 0


@dataclass(frozen=True, slots=True)
class MovedIn:
    """Answer: the persons' records here, in the order of the request."""

    move: Move
    registered: tuple[Registered, ...]
    alerts: tuple[MoveAlert, ...] = ()
    household_needs_head: bool = False


@dataclass(frozen=True, slots=True)
class CardContinued:
    """Answer: the card, of this municipality now."""

    card: Card


@dataclass(frozen=True, slots=True)
class CorrectionAccepted:
    """Answer: the corrected record."""

    record: Resident


@dataclass(frozen=True, slots=True)
class MovedWithin:
    """Answer: the records in the order of the request."""

    registered: tuple[Registered, ...]
    household_needs_head: bool = False
    registered_late: bool = False


@dataclass(frozen=True, slots=True)
class WaitingCorrection:
    """A correction that waits at the destination, with the code that the origin knows."""

    record: ResidenceRecord = field(repr=False)
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class NoticeGiven:
    """Answer: a move of which another office is told; `waits` while that one is cut off."""

    move: Move
    waits: bool = False


def notice_given(octets: bytes) -> NoticeGiven:
    """Decode an answer that tells whether a notice waits.

    One that was given before notices could wait is the move alone.
    """
    try:
        return decode_answer(octets, NoticeGiven)
    except KeyError:
        return NoticeGiven(decode_answer(octets, Move))


@dataclass(frozen=True, slots=True)
class MoveRead:
    """Answer: a move; to the origin with codes, to the destination with corrections.

    `notices` are those to the other office that wait or have waited.
    """

    move: Move
    codes: tuple[ResidentCode, ...] = field(default=(), repr=False)
    reissue_certificate: bool = False
    corrections: tuple[WaitingCorrection, ...] = field(default=(), repr=False)
    notices: tuple[NoticeSent, ...] = ()


@dataclass(frozen=True, slots=True)
class MovePage:
    """Answer: moves, oldest first; an empty token on the last page."""

    moves: tuple[Move, ...]
    next_page_token: str = ""


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Answer: alerts, oldest first; an empty token on the last page."""

    alerts: tuple[MoveAlert, ...]
    next_page_token: str = ""
