"""The windows of all municipalities: who stands there, what they hand over, and what came of it.

Every errand is done by the acts of the areas, as a window's service would call them. In place of a
chip in a reader stands the session that it would have finished (`record_session`); a made card is
known by 32 random bytes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import Card, CardSession, Purpose
from juki_center.areas.cards.sessions import RecordSession, record_session
from juki_center.areas.copies.policy import CopyPolicy
from juki_center.areas.evidence import DocumentKind, IdentityDocument
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.synthetic_draws import Draws
from juki_center.areas.residents.synthetic_places import Places
from juki_center.errors import Refusal
from juki_center.simulation.errands import Errand
from juki_center.simulation.people import People
from juki_center.storage.passing_store import PassingStore
from juki_center.storage.transaction import Transaction

Answer = TypeVar("Answer")

CLERK: Final = "窓口　担当"
_LICENCE = IdentityDocument(
    DocumentKind.DRIVING_LICENCE, b"\x11" * 32, b"\x22" * 16, chip_verified=True
)
_PENSION_BOOK = IdentityDocument(DocumentKind.PENSION_BOOK, b"\x33" * 32, b"\x44" * 16)
_READ_THE_CODE: Final = frozenset({Purpose.CERTIFICATE_COPY, Purpose.SPECIAL_MOVE_IN})
DOCUMENTS: Final = (_LICENCE, _PENSION_BOOK)


@dataclass(frozen=True, slots=True)
class Policies:
    """What the acts are given beside their commands."""

    registers: RegisterPolicy
    cards: CardPolicy
    moves: MovePolicy
    copies: CopyPolicy


class RestsOnNothing(Exception):
    """An errand goes on with something that was never begun: an earlier one was refused."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """An errand that did not end as the plan foresaw."""

    errand: Errand
    foreseen: str
    came: str

    def __str__(self) -> str:
        kind, day = type(self.errand).__name__, self.errand.at.date().isoformat()
        return f"{kind} on {day} at {self.errand.office}: {self.came}, not {self.foreseen}"


@dataclass(slots=True)
class Town:
    """What all windows share: the store, the policies, and whom the plan's numbers mean."""

    store: PassingStore
    policies: Policies
    people: People
    places: Places
    draws: Draws
    acts: Counter[str] = field(default_factory=Counter)

    def do(self, name: str, act: Callable[[Transaction], Answer]) -> Answer:
        """Run an act in the store, and count it by its name. Raises Refusal."""
        self.acts[name] += 1
        return self.store.do(act)

    def code(self, person: int) -> ResidentCode:
        """Return a person's resident code. Raises RestsOnNothing for a child never entered."""
        code = self.people.persons[person].code
        if not code:
            raise RestsOnNothing("birth")
        return ResidentCode(code)

    def request_id(self) -> UUID:
        """Draw a request's id."""
        return UUID(bytes=self.octets(16), version=4)

    def octets(self, count: int) -> bytes:
        """Draw octets; nothing here is secret."""
        return bytes(int(self.draws.random() * 256) for _ in range(count))

    def card_of(self, person: int) -> Card:
        """Return the newest card of a person, as it lies in the person's hand.

        Raises RestsOnNothing for who has none.
        """
        code = self.code(person)
        where = self.store.read(lambda tx: tx.residents.by_code(code))
        if where is None:
            raise RestsOnNothing("residence")
        holder = where.person
        cards = self.store.read(lambda tx: tx.cards.of_person(holder))
        if not cards:
            raise RestsOnNothing("card")
        return cards[0]

    def session(
        self, terminal: Terminal, purpose: Purpose, card: Card, errand: Errand, person: int
    ) -> CardSession:
        """Finish a card session at a window, as if the chip had answered. Raises Refusal."""
        reads_code = purpose in _READ_THE_CODE
        command = RecordSession(
            terminal=terminal,
            session_id=self.octets(16),
            purpose=purpose,
            card_serial=card.serial,
            resident_code=self.code(person) if reads_code else None,
            transcript_hash=hashlib.sha256(self.octets(16)).digest(),
        )

        return self.do("record_session", lambda tx: record_session(tx, command, errand.at))


def window(office: MunicipalityCode) -> Terminal:
    """Return the window of a municipality."""
    return Terminal(f"juki://municipality/{office}/terminal/01", office)


def came_of(errand: Errand, act: Callable[[], object]) -> Surprise | None:
    """Run an errand, and return what the plan did not foresee of it."""
    came = "accepted"
    try:
        act()
    except Refusal as refusal:
        facts = ", ".join(f"{key} {value}" for key, value in refusal.metadata.items())
        came = f"{refusal.reason} {facts}".rstrip()
    except RestsOnNothing as nothing:
        came = f"RESTS_ON_NOTHING {nothing}"
    foreseen = "accepted" if errand.foreseen is None else str(errand.foreseen)
    return None if came.split(" ")[0] == foreseen else Surprise(errand, foreseen, came)
