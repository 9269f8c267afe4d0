"""The result of a batch: one CSV line for each question, appended, synced, never written twice."""

from __future__ import annotations

import csv
import fcntl
import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from juki_agency import answers
from juki_agency.batch_state import REFUSED
from juki_agency.kept import sync_folder, usable
from juki_agency.question_file import Broken
from juki_client.outcome import Language, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from io import FileIO
    from pathlib import Path

    from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

COLUMNS: Final = (
    "line", "outcome", "outcome_ja", "count", "varied",
    "name", "alias", "birth", "sex", "address", "code",
    "deletion_reason", "deletion_date", "subject_reference", "provision",
    "reason", "field", "rule",
)  # fmt: skip
_REFUSED_JA: Final = "エラー"


class ResultFile:
    """A result that is open for appending."""

    def __init__(self, path: Path, stream: FileIO) -> None:
        self._path = path
        self._stream = stream

    def require_empty(self) -> None:
        """Raise Problem FILE_NOT_USABLE where something stands in the result."""
        if self._stream.seek(0, os.SEEK_END):
            raise _unusable(f"{self._path.name} exists; name another --out, or move it away")

    def cut_to(self, octets: int) -> None:
        """Cut off what does not count; raise Problem FILE_NOT_USABLE where octets are missing."""
        if self._stream.seek(0, os.SEEK_END) < octets:
            raise _unusable(f"{self._path.name} is shorter than its state says")
        with usable(self._path):
            self._stream.truncate(octets)
            self._stream.seek(0, os.SEEK_END)

    def append(self, rows: Iterable[Mapping[str, str]]) -> int:
        """Append rows durably; return the length of the file."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
        writer.writerows(rows)
        return self._write(text.getvalue())

    def begin(self) -> int:
        """Write the header; return the length of the file."""
        return self._write(",".join(COLUMNS) + "\r\n")

    def _write(self, text: str) -> int:
        with usable(self._path):
            # Unbuffered: what a full disk did not take is not tried again at the end.
            octets = memoryview(text.encode())
            while octets:
                octets = octets[self._stream.write(octets) :]
            os.fsync(self._stream.fileno())
            return self._stream.tell()


@contextmanager
def opened_result(path: Path) -> Iterator[ResultFile]:
    """Open a result for this run alone, making it where there is none.

    Raises Problem FILE_NOT_USABLE where it cannot be opened, and where another run has it open.
    """
    with usable(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with open(descriptor, "r+b", buffering=0) as stream:  # noqa: PTH123  # a descriptor has no path
        _lock(stream, path)
        sync_folder(path.parent)
        yield ResultFile(path, stream)


def _lock(stream: FileIO, path: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise _unusable(f"{path.name} is being written by another run") from error


def _unusable(problem: str) -> Problem:
    return Problem("FILE_NOT_USABLE", {"problem": problem})


def row_of(result: pb.LineResult, broken: Broken | None) -> dict[str, str]:
    """Return the row of a line; of one that this side could not read, with what was wrong."""
    if result.WhichOneof("outcome") != "confirmation":
        return {"line": str(result.line), **_refused(result.error, broken)}
    confirmation = result.confirmation
    facts = answers.facts_of(confirmation)
    row = {name: str(facts[name]) for name in _PLAIN if name in facts}
    return {
        "line": str(result.line),
        **row,
        "outcome_ja": answers.outcome_label(row["outcome"], Language.JAPANESE),
        "varied": " ".join(answers.item_names(confirmation.varied)),
        **answers.information_of(confirmation),
    }


_PLAIN: Final = (
    "outcome", "count", "deletion_reason", "deletion_date", "subject_reference", "provision",
)  # fmt: skip


def _refused(error: pb.LineError, broken: Broken | None) -> dict[str, str]:
    field, rule = (error.field, error.rule) if broken is None else (broken.field, broken.rule)
    return {
        "outcome": REFUSED,
        "outcome_ja": _REFUSED_JA,
        "reason": error.reason,
        "field": field,
        "rule": rule,
    }
