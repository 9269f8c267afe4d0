"""A journal: entries as JSON lines in a file that one process holds at a time.

What the entries are, and what follows from them, is told by the journals that stand on this one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from juki_client.line_file import LineFile
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Entry = TypeVar("Entry")


def to_line(fields: Mapping[str, object]) -> bytes:
    """Return the fields of an entry as a line of the file."""
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def fields_of(line: bytes, form: int) -> Mapping[str, Any]:  # JSON has any type
    """Return the fields of a line; raise ValueError where it is not of this form."""
    fields = json.loads(line)
    if not isinstance(fields, dict) or fields.get("v") != form:
        raise ValueError("not a line of this journal")
    return fields


class LineJournal(Generic[Entry]):
    """The file and how its lines are read."""

    def __init__(self, path: Path, parse: Callable[[bytes], Entry]) -> None:
        """`parse` raises ValueError, KeyError or TypeError where a line is no entry."""
        self._path = path
        self._parse = parse
        self._file: LineFile | None = None

    def open(self, *, wait: bool) -> list[Entry]:
        """Hold the file, drop a torn last line, and return all entries, the oldest first.

        Raises Problem JOURNAL_DAMAGED where the file cannot be read or written, and BlockingIOError
        where another program holds it and there is no waiting.
        """
        try:
            file = LineFile(self._path)
        except OSError as error:
            raise self._damaged() from error
        try:
            file.lock(wait=wait)
            entries = [self._entry(n, line) for n, line in enumerate(file.lines(), start=1)]
        except BaseException:
            file.close()
            raise
        self._file = file
        return entries

    def append(self, line: bytes) -> None:
        """Write a line, synced; raise Problem JOURNAL_DAMAGED."""
        if self._file is None:
            raise ValueError("the journal is not open")
        try:
            self._file.append(line)
        except OSError as error:
            raise self._damaged() from error

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _entry(self, number: int, line: bytes) -> Entry:
        try:
            return self._parse(line)
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(line=str(number)) from error

    def _damaged(self, **facts: str) -> Problem:
        return Problem("JOURNAL_DAMAGED", {"file": self._path.name, **facts})
