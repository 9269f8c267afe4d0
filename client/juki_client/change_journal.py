"""Which changes a client has asked the center for, written before they are sent.

One JSON line for each step, without personal data: request id, command, state; where it matters
also the number of the card, the application or the move, the card session that the request names,
and the transfer that an answer gave. A change whose outcome is unknown stays open, and the run that
repeats it takes its request id, so that the center acts once. How a change is made with it is in
`changes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from juki_client.line_journal import LineJournal, fields_of, to_line

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from typing import Self

_FORMAT: Final = 1


class ChangeState(StrEnum):
    """How far a change has come."""

    ASKED = "asked"
    """It was, or is about to be, sent; its outcome is unknown."""
    DONE = "done"
    """The center has acted."""
    REFUSED = "refused"
    """The center has refused; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `at` is in whole seconds since 1970."""

    request_id: str
    command: str
    state: ChangeState
    at: int
    subject: str = ""
    """The number of the card, application or move; empty where a person is named by code."""
    session_id: bytes = b""
    """The card session that the request names."""
    transfer_id: bytes = b""
    """By what a move in names the information that was fetched for it."""
    seen: int = 0
    """The size of the audit log's tree that was known when the request was sent first."""

    def to_line(self) -> bytes:
        """Return the change as a line of the file; what is empty is left out."""
        fields: dict[str, object] = {
            "v": _FORMAT,
            "request": self.request_id,
            "command": self.command,
            "state": self.state.value,
            "at": self.at,
        }
        if self.subject:
            fields["subject"] = self.subject
        if self.session_id:
            fields["session"] = self.session_id.hex()
        if self.transfer_id:
            fields["transfer"] = self.transfer_id.hex()
        if self.seen:
            fields["seen"] = self.seen
        return to_line(fields)

    @classmethod
    def from_line(cls, line: bytes) -> Change:
        """Parse a line; raise ValueError, KeyError or TypeError where it is not one."""
        fields = fields_of(line, _FORMAT)
        return cls(
            request_id=str(fields["request"]),
            command=str(fields["command"]),
            state=ChangeState(fields["state"]),
            at=int(fields["at"]),
            subject=str(fields.get("subject", "")),
            session_id=bytes.fromhex(fields.get("session", "")),
            transfer_id=bytes.fromhex(fields.get("transfer", "")),
            seen=int(fields.get("seen", 0)),
        )


class ChangeJournal:
    """The file, held by one process at a time; use it as a context manager.

    A second program waits for the first one. Entering raises Problem JOURNAL_DAMAGED where the file
    cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._lines = LineJournal(path, Change.from_line)
        self._changes: dict[str, Change] = {}

    def __enter__(self) -> Self:
        """Wait for the file and read it."""
        self._changes = {one.request_id: one for one in self._lines.open(wait=True)}
        return self

    def __exit__(self, *_: object) -> None:
        """Let the file go."""
        self._lines.close()

    def open_change(self, command: str, subject: str = "") -> Change | None:
        """Return the first change by this command, of this subject, whose outcome is unknown."""
        return next(iter(self.open_changes(command, subject)), None)

    def open_changes(self, command: str, subject: str = "") -> tuple[Change, ...]:
        """Return the changes by this command whose outcome is unknown, the oldest first."""
        wanted = (command, subject, ChangeState.ASKED)
        changes = self._changes.values()
        return tuple(one for one in changes if (one.command, one.subject, one.state) == wanted)

    def open_subjects(self, command: str) -> tuple[str, ...]:
        """Return the subjects of the changes by this command whose outcome is unknown."""
        changes = self._changes.values()
        wanted = (command, ChangeState.ASKED)
        return tuple(one.subject for one in changes if (one.command, one.state) == wanted)

    def last_change(self, command: str, subject: str) -> Change | None:
        """Return the newest change by this command, of this subject, however it ended."""
        changes = reversed(self._changes.values())
        return next(
            (one for one in changes if (one.command, one.subject) == (command, subject)), None
        )

    def write(self, command: str, request_id: str, state: ChangeState, now: datetime) -> None:
        """Write how far a change has come, synced; raise Problem JOURNAL_DAMAGED."""
        self.record(Change(request_id, command, state, int(now.timestamp())))

    def record(self, change: Change) -> None:
        """Write a change as it stands now, synced; raise Problem JOURNAL_DAMAGED."""
        self._lines.append(change.to_line())
        self._changes[change.request_id] = change
