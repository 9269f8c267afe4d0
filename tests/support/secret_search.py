"""Searches for what `byte_search` cannot tell from chance: numbers of few digits, and pictures.

A number of five or six digits counts where it stands alone: neither within another number, nor as
the fraction of a second. A picture counts by any of some stretches of its compressed rows, which no
change of its metadata touches; one of them lies in one piece also where a page of a database ends.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_STRETCH = 48
_ENCODINGS = ("ascii", "utf-16-le", "utf-16-be")


class SecretSearch:
    """Numbers and pictures to be searched for; what is found is told by its kind, never itself."""

    def __init__(self, numbers: Iterable[str], pictures: Iterable[bytes]) -> None:
        self._numbers = sorted(set(numbers))
        self._stretches = [
            form
            for picture in pictures
            for stretch in _stretches(picture)
            for form in _forms(stretch)
        ]
        self._patterns = [_pattern(self._numbers, encoding) for encoding in _ENCODINGS]

    def __len__(self) -> int:
        return len(self._numbers) * len(_ENCODINGS) + len(self._stretches)

    def hits(self, octets: bytes) -> set[str]:
        """Return what kinds of things stand in the octets."""
        found = {"picture" for stretch in self._stretches if stretch in octets}
        if self._numbers:
            found |= {"number" for pattern in self._patterns if pattern.search(octets)}
        return found

    def hits_in(self, folders: Iterable[Path]) -> tuple[set[tuple[str, str]], int]:
        """Search every file below the folders; return kinds with file names, and the octets."""
        found, searched = set[tuple[str, str]](), 0
        for path in (p for folder in folders for p in sorted(folder.rglob("*")) if p.is_file()):
            octets = path.read_bytes()
            searched += len(octets)
            found |= {(kind, path.name) for kind in self.hits(octets)}
        return found, searched


def _stretches(picture: bytes) -> Iterator[bytes]:
    for quarter in (1, 2, 3):
        place = len(picture) * quarter // 4
        yield picture[place : place + _STRETCH]


def _forms(octets: bytes) -> Iterator[bytes]:
    yield octets
    yield octets.hex().encode()
    yield octets.hex().upper().encode()
    for shift in range(3):
        # What stands before and behind changes the outermost digits only.
        yield base64.b64encode(bytes(shift) + octets)[4:-4]


def _pattern(numbers: list[str], encoding: str) -> re.Pattern[bytes]:
    alone = b"|".join(re.escape(number.encode(encoding)) for number in numbers)
    digit = b"|".join(re.escape(str(d).encode(encoding)) for d in range(10))
    point = re.escape(".".encode(encoding))
    return re.compile(b"(?<!%s)(?<!%s)(?:%s)(?!%s)" % (digit, point, alone, digit))
