"""Moves as the store keeps them: rows without personal data, papers sealed for one municipality.

What the origin knows is sealed under the origin's key, what the destination knows under its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from juki_center.areas.moves.numbers import MoveNumber, VerificationCode
from juki_center.areas.moves.states import OPEN, MemberState, MoveEvent, MoveKind, MoveState, after
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import PersonID, ResidenceRecord


class Channel(StrEnum):
    """Which way a notice came."""

    COUNTER = "COUNTER"
    POST = "POST"


class Filer(StrEnum):
    """Who makes a notice (article 26)."""

    SELF = "SELF"
    HOUSEHOLDER = "HOUSEHOLDER"
    HOUSEHOLD_MEMBER = "HOUSEHOLD_MEMBER"
    AGENT = "AGENT"


class Document(StrEnum):
    """What kind of paper a move goes by."""

    CERTIFICATE = "CERTIFICATE"
    EQUIVALENT = "EQUIVALENT"


@dataclass(frozen=True, slots=True)
class MoveMember:
    """One person of a notice, in its order.

    `left_version` is the version of the record that ended it in the origin's book, and
    `arrived_version` the one that began it in the destination's; 0 before that.
    """

    person: PersonID
    state: MemberState = MemberState.MOVING
    left_version: int = 0
    arrived_version: int = 0


@dataclass(frozen=True, slots=True)
class Transfer:
    """A destination's claim: by which card, for which actual day. `transfer_id` is 16 bytes."""

    transfer_id: bytes
    municipality: MunicipalityCode
    terminal_uri: str
    card_serial: bytes
    moved_on: date
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """A move. `origin` is whose register is left; `destination` the planned office, None abroad.

    `last_day` is the last day for the move-in by card, rolled to an open one; None by paper.
    `departed` tells that the planned day has come and ended the records. `arrived_in` is whose
    register was entered; `certificate_version` the notice that the newest paper shows.
    """

    number: MoveNumber
    origin: MunicipalityCode
    destination: MunicipalityCode | None
    kind: MoveKind
    state: MoveState
    version: int
    planned_on: date
    notified_on: date
    filed_at: datetime
    members: tuple[MoveMember, ...]
    last_day: date | None = None
    departed: bool = False
    transfer: Transfer | None = None
    arrived_in: MunicipalityCode | None = None
    moved_on: date | None = None
    registered_late: bool = False
    ended_at: datetime | None = None
    certificates: int = 0
    certificate_version: int = 0
    missing_since: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether its persons can be named in no other notice."""
        return self.state in OPEN

    @property
    def moving(self) -> tuple[PersonID, ...]:
        """The persons who are still to move."""
        return tuple(one.person for one in self.members if one.state is MemberState.MOVING)

    @property
    def persons(self) -> tuple[PersonID, ...]:
        """Everybody whom the notice names."""
        return tuple(one.person for one in self.members)

    def after(self, event: MoveEvent) -> Move:
        """Return the move in the state after an event. Raises NotAllowed."""
        return replace(self, state=after(self.state, event))


@dataclass(frozen=True, slots=True)
class MovePapers:
    """What the origin keeps sealed: the plan's address, who made the notice, what opens a paper.

    `printed_codes` are the persons' codes as the newest paper shows them.
    """

    clerk_name: str = field(repr=False)
    channel: Channel
    filer: Filer
    destination_address: str = field(default="", repr=False)
    document: Document = Document.CERTIFICATE
    verification_code: VerificationCode | None = field(default=None, repr=False)
    printed_codes: tuple[ResidentCode, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ArrivalPapers:
    """What the destination keeps sealed of a move in."""

    clerk_name: str = field(repr=False)
    by_agent: bool = False
    late_reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Correction:
    """A record as the origin has corrected it after it was sent.

    `municipality` is for whom it is sealed: the origin until the persons have arrived, then the
    destination.
    """

    number: MoveNumber
    person: PersonID
    municipality: MunicipalityCode
    sent_at: datetime
    record: ResidenceRecord = field(repr=False)


class AlertKind(StrEnum):
    """What an office must know; the names of the proto's Kind without their prefix."""

    ARRIVED = "ARRIVED"
    ARRIVAL_MISSING = "ARRIVAL_MISSING"
    LAPSED = "LAPSED"
    CANCELLED_AFTER = "CANCELLED_AFTER"
    CORRECTION = "CORRECTION"
    SAME_NAME_OTHER_CODE = "SAME_NAME_OTHER_CODE"
    NAME_FORM_KEPT = "NAME_FORM_KEPT"
    TRANSFER_GIVEN_BACK = "TRANSFER_GIVEN_BACK"
    MEMBER_STAYED = "MEMBER_STAYED"
    EXPECTED = "EXPECTED"
    NO_LONGER_EXPECTED = "NO_LONGER_EXPECTED"


@dataclass(frozen=True, slots=True)
class MoveAlert:
    """One alert to one municipality's office. `alert_id` is 16 random bytes."""

    alert_id: bytes
    municipality: MunicipalityCode
    number: MoveNumber
    kind: AlertKind
    at: datetime
    seen_at: datetime | None = None


class Selection(StrEnum):
    """Which moves are listed; the names of the proto's Selection without their prefix."""

    OUT_OPEN = "OUT_OPEN"
    OUT_ALL = "OUT_ALL"
    IN_OPEN = "IN_OPEN"
    IN_DONE = "IN_DONE"
    EXPECTED = "EXPECTED"
    LAPSED = "LAPSED"
    MISSING = "MISSING"


class Moves(Protocol):
    """What the store keeps of moves. Rows can be read and written whatever is disconnected.

    What opens or seals papers raises Refusal(RESIDENCE_DISCONNECTED) for the municipality that is.
    """

    def move(self, number: MoveNumber) -> Move | None:
        """Return the move with this number."""

    def open_of_person(self, person: PersonID) -> Move | None:
        """Return the open move that names a person who is still to move."""

    def newest_of_person(self, person: PersonID) -> Move | None:
        """Return the move that named a person last, open or not."""

    def newest_arrival_of(self, person: PersonID) -> Move | None:
        """Return the move by which a person has come to a register last; a later notice is none."""

    def away_on(self, day: date, persons: Collection[PersonID]) -> frozenset[PersonID]:
        """Return which of these persons are still to move, were to do so by a day, and have not
        departed: whose record says ACTIVE although it counts no more.
        """

    def has_written(self, person: PersonID, version: int) -> bool:
        """Tell whether a move made this version of a person's record."""

    def by_transfer(self, transfer_id: bytes) -> Move | None:
        """Return the move that a destination has claimed under this id."""

    def add(self, move: Move, papers: MovePapers) -> None:
        """Enter a move; its number is new, and nobody of it is in another open one."""

    def update(self, move: Move) -> None:
        """Write everything but number and origin; members that are left out are removed."""

    def papers(self, move: Move) -> MovePapers:
        """Open what the origin keeps."""

    def put_papers(self, move: Move, papers: MovePapers) -> None:
        """Write what the origin keeps."""

    def arrival(self, move: Move) -> ArrivalPapers | None:
        """Open what the destination keeps; None before an arrival here."""

    def put_arrival(self, move: Move, papers: ArrivalPapers) -> None:
        """Write what the destination keeps; the move has arrived."""

    def corrections(self, move: Move) -> list[Correction]:
        """Open the corrections that wait at the destination, oldest first."""

    def put_correction(self, correction: Correction) -> None:
        """Keep a correction, in place of an earlier one of the same person."""

    def take_correction(self, number: MoveNumber, person: PersonID) -> None:
        """Remove a correction that was entered."""

    def page(
        self, municipality: MunicipalityCode, selection: Selection, *, after: int, limit: int
    ) -> list[tuple[int, Move]]:
        """Return moves behind a cursor, oldest first."""

    def departing(self, day: date, *, after: int, limit: int) -> list[tuple[int, Move]]:
        """Return open moves planned for `day` or earlier that have not departed.

        This and the next three: behind a cursor, oldest first.
        """

    def overdue(self, day: date, *, after: int, limit: int) -> list[tuple[int, Move]]:
        """Return NOTIFIED moves whose last day lies before `day`."""

    def stale(self, fetched_before: datetime, *, after: int, limit: int) -> list[tuple[int, Move]]:
        """Return TRANSFERRED moves that were fetched before a time."""

    def unarrived(self, day: date, *, after: int, limit: int) -> list[tuple[int, Move]]:
        """Return departed open moves, planned and notified before `day`, that nobody was told of.

        Nobody arrives from a move abroad: it is none of them.
        """

    def add_alerts(self, alerts: Iterable[MoveAlert]) -> None:
        """Enter alerts; their ids are new."""

    def alert(self, alert_id: bytes) -> MoveAlert | None:
        """Return an alert."""

    def see_alert(self, alert_id: bytes, at: datetime) -> None:
        """Write when an alert was acknowledged."""

    def expecting(self, number: MoveNumber) -> MunicipalityCode | None:
        """Return whom alerts have told to expect a move, and not yet to expect it no more."""

    def alerts(
        self, municipality: MunicipalityCode, *, with_seen: bool, after: int, limit: int
    ) -> list[tuple[int, MoveAlert]]:
        """Return a municipality's alerts behind a cursor, oldest first."""
