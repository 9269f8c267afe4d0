"""What this terminal knows of its issues, written and synced before each step is taken.

The journal is a file of JSON lines without personal data: request id, evidence hash, issue number,
state, attempt. A line that a crash tore at the end of the file is dropped; damage anywhere else is
reported. Which step follows which is the table below; how an open issue is finished is in
`copies`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from juki_client.line_journal import LineJournal, fields_of, to_line
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path
    from typing import Self

_FORMAT: Final = 1


class State(StrEnum):
    """How far an issue has come."""

    PREPARED = "prepared"
    """The request id is written; nothing was sent."""
    ASKED = "asked"
    """The request was, or is about to be, sent to the center; its outcome is unknown."""
    ISSUED = "issued"
    """The center has issued; no paper is at the printer."""
    SENT = "sent"
    """The paper was, or is about to be, sent to the printer; a person must say what came out."""
    PRINTED = "printed"
    """The paper came out; the center does not know yet."""
    SPOILED = "spoiled"
    """No usable paper came out; the center does not know yet."""
    GIVING_UP = "giving_up"
    """The copy will not be printed; the center does not know yet."""
    CONFIRMED = "confirmed"
    """The center knows that the paper was printed."""
    ABANDONED = "abandoned"
    """The center knows that nothing will be printed."""
    REFUSED = "refused"
    """Nothing was issued to this terminal that it may print."""


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.PREPARED: frozenset((State.ASKED, State.REFUSED)),
    State.ASKED: frozenset((State.ISSUED, State.REFUSED)),
    State.ISSUED: frozenset(
        (State.SENT, State.GIVING_UP, State.CONFIRMED, State.ABANDONED, State.REFUSED)
    ),
    State.SENT: frozenset((State.PRINTED, State.SPOILED)),
    State.PRINTED: frozenset((State.CONFIRMED, State.ABANDONED)),
    State.SPOILED: frozenset((State.ISSUED, State.CONFIRMED, State.ABANDONED)),
    State.GIVING_UP: frozenset((State.CONFIRMED, State.ABANDONED)),
    State.CONFIRMED: frozenset(),
    State.ABANDONED: frozenset(),
    State.REFUSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One issue.

    `evidence` is the hash that the signed content must name: of the card session's transcript, or
    of the photo document. `attempt` counts papers sent to the printer. `report_id` is the request
    id of the report to the center that is due. `seen` is the size of the audit log's tree that was
    known when the copy was asked for. `at` is in whole seconds since 1970.
    """

    request_id: str
    state: State
    at: int
    by_card: bool
    evidence: bytes
    issue_number: str = ""
    attempt: int = 0
    report_id: str = ""
    pdf_sha256: bytes = b""
    seen: int = 0

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return bool(TRANSITIONS[self.state])

    def to_line(self) -> bytes:
        """Return the entry as a line of the file."""
        fields = {
            "v": _FORMAT,
            "request": self.request_id,
            "state": self.state.value,
            "at": self.at,
            "by": "card" if self.by_card else "photo",
            "evidence": self.evidence.hex(),
            "issue": self.issue_number,
            "attempt": self.attempt,
            "report": self.report_id,
            "pdf": self.pdf_sha256.hex(),
            "seen": self.seen,
        }
        return to_line(fields)

    @classmethod
    def from_line(cls, line: bytes) -> Entry:
        """Parse a line; raise ValueError, KeyError or TypeError where it is not one."""
        fields = fields_of(line, _FORMAT)
        return cls(
            request_id=str(fields["request"]),
            state=State(fields["state"]),
            at=int(fields["at"]),
            by_card=fields["by"] == "card",
            evidence=bytes.fromhex(fields["evidence"]),
            issue_number=str(fields["issue"]),
            attempt=int(fields["attempt"]),
            report_id=str(fields["report"]),
            pdf_sha256=bytes.fromhex(fields["pdf"]),
            seen=int(fields.get("seen", 0)),
        )


class Journal:
    """The file, held by one process at a time; use it as a context manager.

    Entering raises Problem JOURNAL_DAMAGED where the file cannot be read or written, and
    COPY_UNFINISHED where another program of this terminal holds it.
    """

    def __init__(self, path: Path) -> None:
        self._lines = LineJournal(path, Entry.from_line)
        self._entries: dict[str, Entry] = {}

    def __enter__(self) -> Self:
        """Lock and read the file; drop a torn last line."""
        try:
            entries = self._lines.open(wait=False)
        except BlockingIOError as error:
            raise Problem("COPY_UNFINISHED", {"state": "in another program"}) from error
        self._entries = {one.request_id: one for one in entries}
        return self

    def __exit__(self, *_: object) -> None:
        """Let the file go."""
        self._lines.close()

    def open_entry(self) -> Entry | None:
        """Return the issue that is not finished; there is never more than one."""
        return next((entry for entry in self._entries.values() if entry.is_open), None)

    def entries(self) -> tuple[Entry, ...]:
        """Return all issues, each as it is now, the oldest first."""
        return tuple(self._entries.values())

    def find(self, key: str) -> Entry | None:
        """Return the issue with this request id or issue number."""
        by_number = (e for e in self._entries.values() if e.issue_number == key and key)
        return self._entries.get(key) or next(by_number, None)

    def require_none_open(self) -> None:
        """Raise Problem COPY_UNFINISHED where an issue is not finished."""
        entry = self.open_entry()
        if entry is not None:
            raise Problem(
                "COPY_UNFINISHED",
                {
                    "requestId": entry.request_id,
                    "state": entry.state.value,
                    "issueNumber": entry.issue_number,
                },
            )

    def begin(self, entry: Entry) -> Entry:
        """Write a new issue; raise Problem COPY_UNFINISHED where one is open."""
        self.require_none_open()
        return self._write(entry)

    def advance(self, changed: Entry, now: datetime) -> Entry:
        """Write the changed issue, whose new state must follow; the step is taken after this."""
        before = self._entries[changed.request_id].state
        if changed.state not in TRANSITIONS[before]:
            raise ValueError(f"{before} does not lead to {changed.state}")
        return self._write(replace(changed, at=int(now.timestamp())))

    def _write(self, entry: Entry) -> Entry:
        self._lines.append(entry.to_line())
        self._entries[entry.request_id] = entry
        return entry
