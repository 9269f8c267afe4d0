"""What was done to the PIN of a card at this terminal, written before the card can have heard it.

One JSON line for each step, without personal data and without any PIN: the card's number, the work,
how far it has come. The next run of the same command goes on from the last line about its card.
Changes at the center are in a journal of their own (`juki_client.change_journal`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from juki_client.line_journal import LineJournal, fields_of, to_line

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from typing import Self

_FORMAT: Final = 1


class Task(StrEnum):
    """What is done to the PIN."""

    HAND_OVER = "hand-over"
    UNLOCK_KEEP = "unlock-keep"
    UNLOCK_FORGOTTEN = "unlock-forgotten"


class Stage(StrEnum):
    """How far it has come."""

    BEGUN = "begun"
    """The PIN is as it was."""
    OPENED = "opened"
    """The window's command has run: the PIN has all its tries again, or is taken away."""
    SENT = "sent"
    """The holder's new PIN may be on the card."""
    REFUSED = "refused"
    """The transport PIN was refused: a right card has a PIN of its holder's."""
    SET = "set"
    """The holder's new PIN is on the card."""
    PROVED = "proved"
    """The card has proved its PIN in the session that is named."""
    ENDED = "ended"
    """The center knows, and so does whoever ran the command."""
    GIVEN_UP = "given-up"
    """The center does not have the work open."""


@dataclass(frozen=True, slots=True)
class Work:
    """Work on one card. `at` is in whole seconds since 1970."""

    card_number: str
    task: Task
    stage: Stage
    at: int = 0
    application: str = ""
    fee_yen: int = 0
    request_id: str = ""
    """The request that opened the unlocking."""
    unlock_id: bytes = b""
    session_id: bytes = b""
    """The session in which the card has proved its PIN."""

    def to_line(self) -> bytes:
        """Return the work as a line of the file."""
        fields = {
            "v": _FORMAT,
            "card": self.card_number,
            "task": self.task.value,
            "stage": self.stage.value,
            "at": self.at,
            "application": self.application,
            "fee": self.fee_yen,
            "request": self.request_id,
            "unlock": self.unlock_id.hex(),
            "session": self.session_id.hex(),
        }
        return to_line(fields)

    @classmethod
    def from_line(cls, line: bytes) -> Work:
        """Parse a line; raise ValueError, KeyError or TypeError where it is not one."""
        fields = fields_of(line, _FORMAT)
        return cls(
            card_number=str(fields["card"]),
            task=Task(fields["task"]),
            stage=Stage(fields["stage"]),
            at=int(fields["at"]),
            application=str(fields["application"]),
            fee_yen=int(fields["fee"]),
            request_id=str(fields["request"]),
            unlock_id=bytes.fromhex(fields["unlock"]),
            session_id=bytes.fromhex(fields["session"]),
        )


class CardWork:
    """The file, held by one process at a time; use it as a context manager.

    A second program waits for the first one, because there is one reader. Entering raises Problem
    JOURNAL_DAMAGED where the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._lines = LineJournal(path, Work.from_line)
        self._works: list[Work] = []

    def __enter__(self) -> Self:
        """Wait for the file and read it."""
        self._works = self._lines.open(wait=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Let the file go."""
        self._lines.close()

    def of_card(self, card_number: str) -> Work | None:
        """Return the last work on a card."""
        return next((w for w in reversed(self._works) if w.card_number == card_number), None)

    def of_application(self, application: str) -> Work | None:
        """Return the last hand-over by an application."""
        return next((w for w in reversed(self._works) if w.application == application), None)

    def proved(self, work: Work, session_id: bytes, now: datetime) -> None:
        """Write that the card has proved its PIN; raise Problem JOURNAL_DAMAGED."""
        self.write(replace(work, session_id=session_id), Stage.PROVED, now)

    def write(self, work: Work, stage: Stage, now: datetime) -> Work:
        """Write how far work has come, synced; raise Problem JOURNAL_DAMAGED."""
        written = replace(work, stage=stage, at=int(now.timestamp()))
        self._lines.append(written.to_line())
        self._works.append(written)
        return written
