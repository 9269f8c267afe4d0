"""The card register's rows: which chip belongs to whom, of which kind, in which state.

A card is known by the hash of its Chip Authentication key, never by a resident code. Which state
follows which stands in `rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from juki_center.areas.cards.batches import Origin
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID


class CardKind(StrEnum):
    """What a card is for: a resident's own, or a clerk's."""

    RESIDENT = "RESIDENT"
    CLERK = "CLERK"


class CardStatus(StrEnum):
    """The state of a card. A locked PIN is no state of it: that counter lives in the chip.

    HELD is a made card that was reported lost before it was handed over. Callers are told
    SUSPENDED; the register tells the two apart, because a card that was never handed over comes
    back as MADE.
    """

    MAKING = "MAKING"
    MADE = "MADE"
    HELD = "HELD"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    LAPSED = "LAPSED"
    RETURNED = "RETURNED"
    VOID = "VOID"


class CardStyle(StrEnum):
    """The look of a card's face: the name alone, or photo, name, birth date, sex and address."""

    STYLE_1 = "STYLE_1"
    STYLE_2 = "STYLE_2"


class Purpose(StrEnum):
    """What a card session is for; the names of the proto's Purpose without their prefix."""

    CERTIFICATE_COPY = "CERTIFICATE_COPY"
    PIN_PROOF = "PIN_PROOF"
    CARD_CHECK = "CARD_CHECK"
    PIN_UNLOCK = "PIN_UNLOCK"
    CLERK_SIGN_IN = "CLERK_SIGN_IN"
    SPECIAL_MOVE_IN = "SPECIAL_MOVE_IN"
    OWN_DISCLOSURE = "OWN_DISCLOSURE"


@dataclass(frozen=True, slots=True)
class Card:
    """A row of the register. `serial` is 32 bytes; `valid_until` is the last good day in Japan.

    `pin_pending` tells that a window has touched the PIN and the card has not proved it since.
    `continue_until` is the last day on which its use may be continued at the holder's new
    residence, where the holder has moved with it and it was not continued yet; `municipality` is
    the former one until then. It stays on a card that has ended meanwhile. `is_cut_off` tells that
    the card is of a batch that is disconnected now; it is read with the row and never written.
    """

    serial: bytes
    person: PersonID
    kind: CardKind
    status: CardStatus
    municipality: MunicipalityCode
    valid_until: date
    number: CardNumber
    made_on: date
    style: CardStyle = CardStyle.STYLE_1
    pin_pending: bool = False
    returned_at: datetime | None = None
    continue_until: date | None = None
    is_cut_off: bool = False


@dataclass(frozen=True, slots=True)
class CardSession:
    """A finished card session: usable once, by one terminal, until `usable_until` inclusive."""

    session_id: bytes
    terminal_uri: str
    purpose: Purpose
    person: PersonID
    card_serial: bytes
    transcript_hash: bytes
    usable_until: datetime
    is_used: bool = False


class Cards(Protocol):
    """What the store keeps of cards and their sessions."""

    def card(self, serial: bytes) -> Card | None:
        """Return the card with this serial."""

    def of_person(self, person: PersonID) -> list[Card]:
        """Return all cards that a person has or had, newest first."""

    def by_number(self, number: CardNumber) -> Card | None:
        """Return the card with this number on its face."""

    def add_card(self, card: Card) -> None:
        """Enter a card; its serial is new."""

    def set_status(self, serial: bytes, status: CardStatus) -> None:
        """Write a card's state."""

    def stopped(self, day: date) -> list[tuple[bytes, CardStatus]]:
        """Return the serials of cards that no terminal may take, unless they have expired."""

    def in_cut_off_batches(self, day: date) -> list[bytes]:
        """Return the serials of cards in use or in the making whose batch is cut off."""

    def origin(self, card: Card) -> Origin:
        """Return where a card comes from."""

    def set_pin_pending(self, serial: bytes, *, pending: bool) -> None:
        """Write whether a card still has to prove its PIN."""

    def set_returned(self, serial: bytes, returned_at: datetime) -> None:
        """Write when a card was handed in."""

    def set_continuation(
        self, serial: bytes, municipality: MunicipalityCode, until: date | None
    ) -> None:
        """Write whose card it is, and until when its use may be continued; None: it is in use."""

    def not_continued(self, day: date, limit: int) -> list[Card]:
        """Return cards that have not ended and whose use could be continued before `day` only."""

    def session(self, session_id: bytes) -> CardSession | None:
        """Return a finished session."""

    def add_session(self, session: CardSession) -> None:
        """Enter a finished session; its id is new."""

    def mark_used(self, session_id: bytes) -> None:
        """Consume a session."""

    def use_up_sessions(self, card_serial: bytes, purposes: frozenset[Purpose]) -> None:
        """Consume all sessions that a card has finished for one of the purposes."""

    def remove_sessions_before(self, moment: datetime) -> None:
        """Remove the sessions, used or not, whose time was over before `moment`."""
