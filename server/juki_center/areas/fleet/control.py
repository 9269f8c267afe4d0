"""Control events: what every serving process must know at once, and most terminals too.

An event is a row that its act writes in its own transaction. Rows are numbered in the order in
which their acts committed, without a gap, and the number is the cursor from which a reader goes
on. Whoever missed what was forgotten since begins again from the state as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

KEPT_FOR = timedelta(days=7)


class ControlKind(StrEnum):
    """What has happened."""

    CERTIFICATE_REVOKED = "CERTIFICATE_REVOKED"
    PEER_REVOKED = "PEER_REVOKED"
    CERTIFICATE_RETIRED = "CERTIFICATE_RETIRED"
    CARD_CHANGED = "CARD_CHANGED"
    DISCONNECTED = "DISCONNECTED"
    RECONNECTED = "RECONNECTED"
    DESCRIPTIONS_CHANGED = "DESCRIPTIONS_CHANGED"
    CONFIGURATION_CHANGED = "CONFIGURATION_CHANGED"


@dataclass(frozen=True, slots=True)
class ControlEvent:
    """Something that has happened, and to whom; `content` is what its kind says of it."""

    cursor: int
    at: datetime
    kind: ControlKind
    subject: str
    content: bytes = field(default=b"", repr=False)


class Control(Protocol):
    """What the store keeps of control events."""

    def append(self, kind: ControlKind, subject: str, at: datetime, content: bytes = b"") -> int:
        """Append an event in the act's own transaction, and return its cursor."""

    def newest(self) -> int:
        """Return the cursor of the newest event; 0 where there was none ever."""

    def oldest(self) -> int:
        """Return the cursor of the oldest event that is kept; 0 where none is."""

    def after(self, cursor: int, limit: int) -> list[ControlEvent]:
        """Return the events after a cursor, oldest first, at most `limit`."""

    def forget_before(self, moment: datetime) -> int:
        """Delete what is older, but never the newest event; return how many."""

    def hotlist_key(self) -> bytes:
        """Return the key of the hotlist's entries, 16 bytes: always the same one."""


class ControlTx(Protocol):
    """What forgetting control events needs of a transaction."""

    @property
    def control(self) -> Control: ...


def forget_old_events(tx: ControlTx, now: datetime) -> None:
    """Act: forget the events that nobody goes on from any more."""
    tx.control.forget_before(now - KEPT_FOR)
