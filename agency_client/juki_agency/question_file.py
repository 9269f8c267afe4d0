"""A file of questions: UTF-8 CSV with a header line, one physical line a question.

The header names `code`, or attributes, or both in any order; another name is refused. The file is
read twice and never held: once to count its lines and to take its digest, once to ask. A line that
breaks a rule stays a line of the batch, with its error; no other line suffers from it.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from juki_agency import questions
from juki_client.outcome import Problem
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

MOST_LINES: Final = 100_000
LONGEST_LINE: Final = 8_192
_CHUNK: Final = 65_536
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Broken:
    """Why a line could not be read: its field, and the rule that it breaks."""

    field: str
    rule: str


Line: TypeAlias = "pb.ConfirmBatchRequest.Line | Broken"


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """A file whose header was read: how many questions it has, and the digest of its octets."""

    path: Path
    line_count: int
    digest: str
    columns: tuple[str, ...] = field(repr=False)

    @classmethod
    def examine(cls, path: Path) -> QuestionFile:
        """Read the header and count the lines.

        Raises Problem FILE_NOT_USABLE, which says what is wrong: no such file, not UTF-8, a header
        that is none, no lines or too many.
        """
        digest = hashlib.sha256()
        try:
            with path.open("rb") as stream:
                columns = _columns(_line(stream))
                count = 0
                stream.seek(0)
                for chunk in iter(lambda: stream.read(_CHUNK), b""):
                    digest.update(chunk)
                stream.seek(0)
                _line(stream)
                while _line(stream):
                    count += 1
        except OSError as error:
            raise _unusable(error.strerror or "it cannot be read") from error
        if not 1 <= count <= MOST_LINES:
            raise _unusable(f"{count} lines; a batch has 1 to {MOST_LINES}")
        return cls(path, count, digest.hexdigest(), columns)

    def lines(self, first: int) -> Iterator[Line]:
        """Return the questions from a line on; the first one below the header is 1."""
        with self.path.open("rb") as stream:
            for _ in range(first):
                _line(stream)
            while octets := _line(stream):
                yield self._question(octets)

    def _question(self, octets: bytes) -> Line:
        try:
            fields = _cells(octets)
        except _Unreadable as error:
            return Broken("line", error.rule)
        if len(fields) != len(self.columns):
            return Broken("line", f"{len(self.columns)} fields are wanted")
        try:
            return questions.question_of(dict(zip(self.columns, fields, strict=True)))
        except Problem as problem:
            return Broken(problem.metadata["field"], problem.metadata["rule"])


class _Unreadable(Exception):
    """A line is no line of CSV in UTF-8."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def _line(stream: BinaryIO) -> bytes:
    """Read one physical line; of one that is too long, its beginning, and the rest is passed by."""
    line = stream.readline(LONGEST_LINE + 2)
    rest = line
    while len(rest) == LONGEST_LINE + 2 and not rest.endswith(b"\n"):
        rest = stream.readline(LONGEST_LINE + 2)
    return line


def _cells(octets: bytes) -> list[str]:
    """Return the fields of a line; raise _Unreadable."""
    if len(octets.rstrip(b"\r\n")) > LONGEST_LINE:
        raise _Unreadable(f"at most {LONGEST_LINE} bytes")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise _Unreadable(_encoding_rule(octets)) from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise _Unreadable("an empty line")
    if "\r" in text or "\0" in text:
        raise _Unreadable("no control characters")
    try:
        (cells,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        raise _Unreadable("quotes are not closed") from None
    return cells


def _encoding_rule(octets: bytes) -> str:
    """Say what a text that is not UTF-8 seems to be."""
    for encoding, name in (("cp932", "Shift_JIS"), ("euc_jp", "EUC-JP")):
        try:
            octets.decode(encoding)
        except UnicodeDecodeError:
            continue
        return f"not UTF-8; it looks like {name}: save the file as UTF-8"
    return "not UTF-8: save the file as UTF-8"


def _columns(octets: bytes) -> tuple[str, ...]:
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unusable("not UTF-8; it looks like UTF-16: save the file as UTF-8")
    try:
        names = tuple(name.strip() for name in _cells(octets.removeprefix(_BOM)))
    except _Unreadable as error:
        raise _unusable(f"header: {error.rule}") from None
    for name in names:
        if name not in questions.FIELDS:
            # The header of a file without one would be a person's data: it is not repeated.
            known = ", ".join(questions.FIELDS)
            raise _unusable(f"header: column {names.index(name) + 1} is none of {known}")
    if len(set(names)) != len(names):
        raise _unusable("header: a column stands there twice")
    return names


def _unusable(problem: str) -> Problem:
    return Problem("FILE_NOT_USABLE", {"problem": problem})
