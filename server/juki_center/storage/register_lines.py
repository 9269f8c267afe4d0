"""The lines of a register file: read in bounded memory, from any line's end on.

A line is at most 64 KiB; a longer one, be it a gigabyte, is read past and said to be too long.
What the lines mean stands in `areas.residents.register_file`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from juki_center.areas.residents.register_encoding import BYTE_ORDER_MARK, check_encoding

LONGEST_LINE: Final = 65_536
"""Octets, without the line's end."""
_SAMPLE: Final = 65_536


class Octets(Protocol):
    """A file that is open for reading."""

    def readline(self, limit: int, /) -> bytes: ...

    def read(self, limit: int, /) -> bytes: ...

    def seek(self, offset: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Line:
    """A line by its number, and where in the file it ends.

    `broken` is the rule that the line breaks as a line: LINE_TOO_LONG, NOT_UTF_8, or
    LAST_LINE_UNFINISHED where the file ends without a line's end, as one does that was cut off.
    """

    number: int
    end: int
    text: str = field(default="", repr=False)
    broken: str = ""


def check_beginning(file: Octets) -> None:
    """Look at the file's beginning. Raises RuleBroken where it is empty or not UTF-8."""
    file.seek(0)
    check_encoding(file.read(_SAMPLE))
    file.seek(0)


def lines(file: Octets, *, after: int = 0, offset: int = 0) -> Iterator[Line]:
    """Give the lines that follow line `after`, which ends at `offset`.

    A byte order mark in front of the first line is dropped.
    """
    file.seek(offset)
    number = after
    while octets := file.readline(LONGEST_LINE + 2):
        number += 1
        offset += len(octets)
        if octets.endswith(b"\n"):
            if number == 1:
                octets = octets.removeprefix(BYTE_ORDER_MARK)
            yield _line(number, offset, octets[:-1].removesuffix(b"\r"))
        elif len(octets) < LONGEST_LINE + 2:
            yield Line(number, offset, broken="LAST_LINE_UNFINISHED")
        else:
            offset += _skip_to_end(file)
            yield Line(number, offset, broken="LINE_TOO_LONG")


def _skip_to_end(file: Octets) -> int:
    """Read to the end of the line or of the file, and return how many octets that were."""
    skipped = 0
    while octets := file.readline(LONGEST_LINE):
        skipped += len(octets)
        if octets.endswith(b"\n"):
            break
    return skipped


def _line(number: int, end: int, octets: bytes) -> Line:
    if len(octets) > LONGEST_LINE:
        return Line(number, end, broken="LINE_TOO_LONG")
    try:
        return Line(number, end, octets.decode())
    except UnicodeDecodeError:
        return Line(number, end, broken="NOT_UTF_8")
