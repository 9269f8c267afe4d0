"""Which changes a client has asked the center for, written before they are sent.

One JSON line for each step, without personal data: request id, command, state. A change whose
outcome is unknown stays open, and the run that repeats it takes its request id, so that the center
acts once. How a change is made with it is in `changes`.
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

    def to_line(self) -> bytes:
        """Return the change as a line of the file."""
        fields = {
            "v": _FORMAT,
            "request": self.request_id,
            "command": self.command,
            "state": self.state.value,
            "at": self.at,
        }
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

    def open_change(self, command: str) -> Change | None:
        """Return the first change by this command whose outcome is unknown."""
        return next(iter(self.open_changes(command)), None)

    def open_changes(self, command: str) -> tuple[Change, ...]:
        """Return the changes by this command whose outcome is unknown, the oldest first."""
        changes = self._changes.values()
        return tuple(
            one for one in changes if one.command == command and one.state is ChangeState.ASKED
        )

    def write(self, command: str, request_id: str, state: ChangeState, now: datetime) -> None:
        """Write how far a change has come, synced; raise Problem JOURNAL_DAMAGED."""
        if self._file is None:
            raise ValueError("the journal is not open")
        change = Change(request_id, command, state, int(now.timestamp()))
        try:
            self._file.append(change.to_line())
        except OSError as error:
            raise self._damaged() from error
        self._changes[request_id] = change

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
