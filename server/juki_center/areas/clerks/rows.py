"""What the store keeps of clerks: who they are, their rights, their sign-ins, what is stopped.

A clerk is known by an id of the municipality's own; the name is sealed under the municipality's
key. What follows from a row stands in `rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from juki_center.areas.cards.register import Card
from juki_center.areas.residents.codes import MunicipalityCode


class Right(StrEnum):
    """What a clerk may be allowed to do; the names of the proto's Right without their prefix."""

    COPIES = "COPIES"
    CARDS = "CARDS"
    MOVES = "MOVES"
    REGISTER = "REGISTER"
    PROTECTION = "PROTECTION"
    DISCLOSURE = "DISCLOSURE"
    ADMINISTRATION = "ADMINISTRATION"


class ClerkState(StrEnum):
    """The state of a clerk. STOPPED comes back by hand, WITHDRAWN never."""

    ACTIVE = "ACTIVE"
    STOPPED = "STOPPED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Clerk:
    """A clerk of a municipality. `clerk_id` is its code and a running number, "131016-0003"."""

    clerk_id: str
    municipality: MunicipalityCode
    card_serial: bytes
    state: ClerkState


@dataclass(frozen=True, slots=True)
class Grant:
    """A right and the days on which it holds, both included."""

    right: Right
    first_day: date
    last_day: date

    def holds_on(self, day: date) -> bool:
        """Return whether the right holds on a day in Japan."""
        return self.first_day <= day <= self.last_day


@dataclass(frozen=True, slots=True)
class SignIn:
    """A clerk at a terminal. `ends_at` is the latest end, `used_at` when it was last used."""

    terminal_uri: str
    sign_in_id: bytes
    clerk_id: str
    began_at: datetime
    ends_at: datetime
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with the clerk at a terminal: all that says whether an act may go on.

    `grant` is the one of the right that was asked about, None where the clerk has never had it.
    """

    sign_in: SignIn
    clerk: Clerk
    card: Card
    grant: Grant | None


@dataclass(frozen=True, slots=True)
class NewClerk:
    """A clerk with the name, as they are entered."""

    clerk: Clerk
    name: str = field(repr=False)


class Clerks(Protocol):
    """What the store keeps of clerks and their sign-ins."""

    def clerk(self, clerk_id: str) -> Clerk | None:
        """Return the clerk with this id."""

    def by_card(self, card_serial: bytes) -> Clerk | None:
        """Return the clerk whose card this is."""

    def of_municipality(self, municipality: MunicipalityCode | None) -> list[Clerk]:
        """Return a municipality's clerks in the order of their ids; None: those of all."""

    def name(self, clerk: Clerk) -> str:
        """Open a clerk's name. Raises Refusal(RESIDENCE_DISCONNECTED)."""

    def next_number(self, municipality: MunicipalityCode) -> int:
        """Return the number of a municipality's next clerk; the first is 1."""

    def add(self, new: NewClerk) -> None:
        """Enter a clerk; id and card are new. Raises Refusal(RESIDENCE_DISCONNECTED)."""

    def set_state(self, clerk_id: str, state: ClerkState) -> None:
        """Write a clerk's state."""

    def grants(self, clerk_id: str) -> list[Grant]:
        """Return all rights of a clerk, those that are over too."""

    def put_grant(self, clerk_id: str, grant: Grant) -> None:
        """Give a right, or give it other days."""

    def remove_grant(self, clerk_id: str, right: Right) -> None:
        """Take a right away; nothing happens where the clerk has it not."""

    def standing(self, terminal_uri: str, right: Right | None) -> Standing | None:
        """Return who is signed in at a terminal, with the grant of a right; None: nobody."""

    def put_sign_in(self, sign_in: SignIn) -> None:
        """Enter a sign-in in place of whoever was signed in at the terminal."""

    def touch_sign_in(self, terminal_uri: str, used_at: datetime) -> None:
        """Write when the sign-in at a terminal was last used."""

    def remove_sign_in(self, terminal_uri: str) -> None:
        """Sign out whoever is signed in at a terminal."""

    def remove_sign_ins_of(self, clerk_id: str) -> None:
        """Sign a clerk out at every terminal."""

    def add_failure(self, subject: str, at: datetime) -> None:
        """Count a failed sign-in of a card or at a terminal."""

    def failures(self, subject: str, since: datetime) -> int:
        """Return how many sign-ins have failed since a time."""

    def forget_failures(self, *, subject: str = "", before: datetime | None = None) -> None:
        """Delete the failures of a subject, or all of before a time."""

    def stop(self, subject: str, at: datetime) -> None:
        """Stop a terminal's sign-ins."""

    def is_stopped(self, subject: str) -> bool:
        """Return whether a terminal's sign-ins are stopped."""

    def stopped(self) -> list[tuple[str, datetime]]:
        """Return the terminals whose sign-ins are stopped, and since when."""

    def lift(self, subject: str) -> None:
        """Let sign-ins at a terminal go on."""
