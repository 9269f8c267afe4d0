"""What may be asked about moves: the proto's messages as records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.moves.numbers import MoveNumber, VerificationCode
from juki_center.areas.moves.rows import Channel, Filer, Selection
from juki_center.areas.moves.states import MoveKind
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.entries import Entries


@dataclass(frozen=True, slots=True)
class AtWindow:
    """What every changing request names: the terminal, its own id, and who acts."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Look:
    """What every request names that changes nothing."""

    terminal: Terminal
    clerk_name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notification:
    """How a notice was made. `notified_on` None means today."""

    channel: Channel
    filer: Filer
    notified_on: date | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to and when. `destination` None means abroad."""

    destination: MunicipalityCode | None
    planned_on: date
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Mover:
    """A person who moves out; `lock_id` is 16 bytes, or None."""

    code: ResidentCode
    expected_version: int
    lock_id: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A person at the destination. `expected_version` 0 with a paper, which shows none."""

    code: ResidentCode
    expected_version: int
    relationship: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """The new place. `household_of` None means a new household, which one of the persons heads."""

    address: str = field(repr=False)
    building: str = field(default="", repr=False)
    household_of: ResidentCode | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FileMoveOut:
    """Command: enter a move-out notice."""

    at: AtWindow
    kind: MoveKind
    notification: Notification
    plan: Plan
    movers: tuple[Mover, ...]


@dataclass(frozen=True, slots=True)
class ChangeMoveOut:
    """Command: the notice as it is to stand from now on."""

    at: AtWindow
    number: MoveNumber
    expected_version: int
    plan: Plan
    movers: tuple[Mover, ...]


@dataclass(frozen=True, slots=True)
class CancelMoveOut:
    """Command: everybody stays."""

    at: AtWindow
    number: MoveNumber


@dataclass(frozen=True, slots=True)
class IssueCertificate:
    """Command: a certificate of moving out, first or again."""

    at: AtWindow
    number: MoveNumber
    give_up_special: bool = False


@dataclass(frozen=True, slots=True)
class CorrectMoveOut:
    """Command: send a person's corrected entries after the information was fetched."""

    at: AtWindow
    number: MoveNumber
    code: ResidentCode
    entries: Entries = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecordArrival:
    """Command: an arrival notice has come another way."""

    at: AtWindow
    number: MoveNumber
    destination: MunicipalityCode
    moved_on: date


@dataclass(frozen=True, slots=True)
class ByCard:
    """Ground of a fetch: the holder's card session, 16 bytes, and the actual day of the move."""

    session_id: bytes
    moved_on: date


@dataclass(frozen=True, slots=True)
class FetchTransfer:
    """Command: fetch the information; a MoveNumber looks beforehand at an expected move."""

    at: AtWindow
    by: ByCard | MoveNumber


@dataclass(frozen=True, slots=True)
class Fetched:
    """Ground of a move in: information that was fetched. `transfer_id` is 16 bytes."""

    transfer_id: bytes
    notice_version: int


@dataclass(frozen=True, slots=True)
class Paper:
    """Ground of a move in: a certificate of moving out."""

    number: MoveNumber
    code: VerificationCode
    moved_on: date
    late_reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RegisterMoveIn:
    """Command: these persons of a notice have come to live here."""

    at: AtWindow
    ground: Fetched | Paper
    arrivals: tuple[Arrival, ...]
    place: Place
    handed_in: tuple[CardNumber, ...] = ()
    by_agent: bool = False


@dataclass(frozen=True, slots=True)
class AbandonMoveIn:
    """Command: give fetched information back. `transfer_id` is 16 bytes."""

    at: AtWindow
    transfer_id: bytes


@dataclass(frozen=True, slots=True)
class CancelMoveIn:
    """Command: take a completed move back; `moved` are all who moved, as the clerk saw them."""

    at: AtWindow
    number: MoveNumber
    moved: tuple[Arrival, ...]


@dataclass(frozen=True, slots=True)
class AcceptCorrection:
    """Command: enter a correction that the origin has sent."""

    at: AtWindow
    number: MoveNumber
    code: ResidentCode
    expected_version: int


@dataclass(frozen=True, slots=True)
class ContinueCard:
    """Command: continue the use of a card here; `session_id`, 16 bytes, has proved its PIN."""

    at: AtWindow
    session_id: bytes
    back_written: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """A person who moves within the municipality."""

    code: ResidentCode
    expected_version: int
    relationship: str = field(repr=False)
    lock_id: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RegisterMoveWithin:
    """Command: these persons of one household live elsewhere in the municipality.

    With `same_household` the whole household moves and stays what it is.
    """

    at: AtWindow
    movers: tuple[Within, ...]
    place: Place
    moved_on: date
    same_household: bool = False
    late_reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class GetMove:
    """Command: a move of this municipality, from it or to it."""

    by: Look
    number: MoveNumber


@dataclass(frozen=True, slots=True)
class ListMoves:
    """Command: moves of this municipality; MISSING lists the missing arrivals."""

    by: Look
    selection: Selection
    page_size: int = 50
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class ListAlerts:
    """Command: what this municipality must know."""

    by: Look
    with_seen: bool = False
    page_size: int = 50
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class SeeAlert:
    """Command: a clerk has seen an alert; `alert_id` is 16 bytes."""

    by: Look
    alert_id: bytes
