"""Which changes a client has asked the center for, written before they are sent.

One JSON line for each step, without personal data: request id, command, state; where it matters
also the number of the card or the application, and the card session that the request names. A
change whose outcome is unknown stays open, and the run that repeats it takes its request id, so
that the center acts once. How a change is made with it is in `changes`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from juki_client.line_file import LineFile
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType
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
    """The number of the card or the application; empty where a person is named by code."""
    session_id: bytes = b""
    """The card session that the request names."""

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
        return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Change:
        """Parse a line; raise ValueError where it is not one."""
        fields = json.loads(line)
        if not isinstance(fields, dict) or fields.get("v") != _FORMAT:
            raise ValueError("not a line of this journal")
        try:
            return cls(
                request_id=str(fields["request"]),
                command=str(fields["command"]),
                state=ChangeState(fields["state"]),
                at=int(fields["at"]),
                subject=str(fields.get("subject", "")),
                session_id=bytes.fromhex(fields.get("session", "")),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("a field is missing or of another type") from error


class ChangeJournal:
    """The file, held by one process at a time; use it as a context manager.

    A second program waits for the first one. Entering raises Problem JOURNAL_DAMAGED where the file
    cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: LineFile | None = None
        self._changes: dict[str, Change] = {}

    def __enter__(self) -> Self:
        """Wait for the file and read it."""
        try:
            file = LineFile(self._path)
        except OSError as error:
            raise self._damaged() from error
        try:
            file.lock(wait=True)
            self._changes = self._read(file)
        except BaseException:
            file.close()
            raise
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def open_change(self, command: str, subject: str = "") -> Change | None:
        """Return the first change by this command, of this subject, whose outcome is unknown."""
        return next(iter(self.open_changes(command, subject)), None)

    def open_changes(self, command: str, subject: str = "") -> tuple[Change, ...]:
        """Return the changes by this command whose outcome is unknown, the oldest first."""
        wanted = (command, subject, ChangeState.ASKED)
        changes = self._changes.values()
        return tuple(one for one in changes if (one.command, one.subject, one.state) == wanted)

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
        if self._file is None:
            raise ValueError("the journal is not open")
        try:
            self._file.append(change.to_line())
        except OSError as error:
            raise self._damaged() from error
        self._changes[change.request_id] = change

    def _read(self, file: LineFile) -> dict[str, Change]:
        changes: dict[str, Change] = {}
        for number, line in enumerate(file.lines(), start=1):
            try:
                change = Change.from_line(line)
            except ValueError as error:
                raise self._damaged(line=str(number)) from error
            changes[change.request_id] = change
        return changes

    def _damaged(self, **facts: str) -> Problem:
        return Problem("JOURNAL_DAMAGED", {"file": self._path.name, **facts})
