"""Notices to an office that wait in order while its register is closed, as the store keeps them.

While a queue stands, everything that the office is told of moves stands in it, so that nothing
overtakes what came before. A notice without entries says no more than an alert does; one with
entries is sealed so that only the register it is for opens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import AlertKind, Correction, MoveAlert
from juki_center.areas.residents.codes import MunicipalityCode

MOST_SHOWN: Final = 50
"""So many notices of a move are shown, of those that wait and of those that have ended."""


class NoticeQueueState(StrEnum):
    """What becomes of what waits."""

    CLOSED = "CLOSED"
    DELIVERING = "DELIVERING"


class NoticeFate(StrEnum):
    """What has become of a notice; the names of the proto's State without their prefix."""

    WAITS = "WAITS"
    SET_ASIDE = "SET_ASIDE"
    DELIVERED = "DELIVERED"
    OVERTAKEN = "OVERTAKEN"
    DROPPED = "DROPPED"


@dataclass(frozen=True, slots=True)
class NoticeQueue:
    """The queue of one office. `held` is how many were laid in and not taken out, by its own count.

    `waiting` and `set_aside` are how many there are, `oldest` when the first of them was sent.
    """

    municipality: MunicipalityCode
    state: NoticeQueueState
    at: datetime
    held: int = 0
    waiting: int = 0
    set_aside: int = 0
    oldest: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether none of what was laid in is missing."""
        return self.held == self.waiting + self.set_aside


@dataclass(frozen=True, slots=True)
class WaitingNotice:
    """A notice at its place; `has_entries` tells that it brings sealed ones.

    `set_aside` is why it was taken out of the order; empty for one that waits.
    """

    place: int
    alert: MoveAlert
    has_entries: bool = False
    set_aside: str = ""


@dataclass(frozen=True, slots=True)
class NoticeSent:
    """What an office can look up of a notice that waits or has waited."""

    municipality: MunicipalityCode
    kind: AlertKind
    at: datetime
    fate: NoticeFate
    ended_at: datetime | None = None


class Notices(Protocol):
    """What the store keeps of notices that wait."""

    def state_of(self, municipality: MunicipalityCode) -> NoticeQueueState | None:
        """Return the state of an office's queue; None where it is told at once."""

    def every(self) -> list[NoticeQueue]:
        """Return all queues, by municipality."""

    def delivering(self) -> list[MunicipalityCode]:
        """Return whose notices are being delivered."""

    def held(self, municipality: MunicipalityCode) -> int:
        """Return how many notices a queue holds."""

    def begin(self, municipality: MunicipalityCode, now: datetime) -> None:
        """Begin a queue. Raises Refusal(RESIDENCE_DISCONNECTED)."""

    def change(self, municipality: MunicipalityCode, state: NoticeQueueState) -> None:
        """Write a queue's state."""

    def end(self, municipality: MunicipalityCode) -> None:
        """End a queue that holds nothing; any other stays."""

    def put(self, alert: MoveAlert, correction: Correction | None = None) -> None:
        """Let a notice stand at the end of its office's queue, its entries sealed to it."""

    def first(self, municipality: MunicipalityCode) -> WaitingNotice | None:
        """Return what has waited longest, past what was set aside and what stands behind it.

        Behind a notice that was set aside stand the later ones of the same move.
        """

    def correction(self, notice: WaitingNotice) -> Correction:
        """Open the entries of a notice.

        Raises KeyUnusable, and Refusal: RESIDENCE_DISCONNECTED, and STORE_UNAVAILABLE where no
        entry of this office can be opened.
        """

    def take(self, notice: WaitingNotice, fate: NoticeFate, now: datetime) -> None:
        """Take a notice out of its queue, and keep what became of it."""

    def set_aside(self, notice: WaitingNotice, rule: str) -> None:
        """Take a notice out of the order without losing it."""

    def aside(self, municipality: MunicipalityCode) -> list[WaitingNotice]:
        """Return what was set aside, oldest first."""

    def retry(self, municipality: MunicipalityCode) -> int:
        """Put what was set aside back at its places; return how many there were."""

    def of_move(self, number: MoveNumber) -> list[NoticeSent]:
        """Return what waits and has waited of a move, as sent: the newest MOST_SHOWN of each."""

    def forget(self, before: datetime) -> None:
        """Forget what has become of notices that ended before a time."""
