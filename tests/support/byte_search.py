"""Search many texts at once, in every form in which a program could have laid one down.

The forms are the encodings of `renderings` and what `layers` unfolds. Each text is cut into the
words of four octets that can stand at an address divisible by four within it; so only every fourth
address is looked at, and no text of seven octets or more is missed.
"""

from __future__ import annotations

import sqlite3
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.support.layers import inflated, layers
from tests.support.renderings import SHORTEST, encoded

_WORD = 4
_WINDOW = 8 << 10
# SQLite keeps the first 1,002 octets of a row of an index on its page of 4,096, of others more.
_ON_ONE_PAGE = 900
_BETWEEN = b"\n\n"
_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A text that stands where it must not: the text, its form, the file."""

    text: str
    form: str
    place: str = ""


class ByteSearch:
    """Texts to be searched for."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._needles: dict[bytes, tuple[str, str]] = {}
        for text in texts:
            for encoding, octets in encoded(text):
                if len(octets) >= SHORTEST:
                    self._needles.setdefault(octets, (text, encoding))
        self._words = _betraying(self._needles)
        self._known = frozenset(self._words)

    def __len__(self) -> int:
        return len(self._needles)

    def hits(self, octets: bytes, place: str = "") -> set[Hit]:
        """Return what stands in the octets, or lies folded in them."""
        found = set()
        for layer, unfolded in layers(octets):
            for needle in self._plain(unfolded):
                text, encoding = self._needles[needle]
                found.add(Hit(text, f"{encoding} in {layer}" if layer else encoding, place))
        return found

    def hits_in(self, folders: Iterable[Path]) -> tuple[set[Hit], int]:
        """Search every file below the folders, and the long rows of each database once more.

        A row that is spread over pages stands in no file in one piece. Returns how many octets
        were searched, too.
        """
        found, searched = set[Hit](), 0
        for path in (p for folder in folders for p in sorted(folder.rglob("*")) if p.is_file()):
            octets = path.read_bytes()
            found |= self.hits(octets, str(path))
            searched += len(octets)
            if octets.startswith(_SQLITE):
                found |= self.hits(long_rows(path), f"{path}, long rows")
                found |= self.hits(inflated_values(path), f"{path}, inflated values")
        return found, searched

    def _plain(self, octets: bytes) -> Iterator[bytes]:
        view = memoryview(octets + bytes(-len(octets) % _WORD))
        for start in range(0, len(view), _WINDOW):
            window = view[start : start + _WINDOW].cast("I")
            if not self._known.isdisjoint(window):
                yield from self._checked(octets, window, start)

    def _checked(self, octets: bytes, window: memoryview[int], start: int) -> Iterator[bytes]:
        for index, word in enumerate(window):
            for offset, needle in self._words.get(word, ()):
                place = start + index * _WORD - offset
                if place >= 0 and octets.startswith(needle, place):
                    yield needle


def long_rows(path: Path) -> bytes:
    """Return the texts and blobs of every row that may not lie on one page, one after the other."""
    with closing(_opened(path)) as sql:
        values = (list(_octets(row)) for row in _rows(sql))
        return _BETWEEN.join(
            one for row in values if sum(map(len, row)) > _ON_ONE_PAGE for one in row
        )


def inflated_values(path: Path) -> bytes:
    """Return what comes out of each value that is a raw deflate stream, which has no header."""
    with closing(_opened(path)) as sql:
        values = (value for row in _rows(sql) for value in _octets(row))
        streams = (inflated(value, -zlib.MAX_WBITS) for value in values)
        return _BETWEEN.join(found for found in streams if len(found) >= SHORTEST)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _rows(sql: sqlite3.Connection) -> Iterator[tuple[object, ...]]:
    for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        yield from sql.execute(f'SELECT * FROM "{name}"')


def _octets(row: Iterable[object]) -> Iterator[bytes]:
    for value in row:
        if isinstance(value, str | bytes):
            yield value.encode() if isinstance(value, str) else value


def _betraying(needles: Iterable[bytes]) -> dict[int, list[tuple[int, bytes]]]:
    """Return the word by which each needle betrays itself at each alignment, with its place in it.

    It is the first whole one: names and addresses share their beginnings, and the fewer words there
    are the faster is the search. At one of its alignments a needle of six octets has no whole word:
    there, its first three octets follow any other.
    """
    found = defaultdict(list)
    short = defaultdict(list)
    for needle in needles:
        for place in range(_WORD):
            if place + _WORD <= len(needle):
                found[_word(needle[place : place + _WORD])].append((place, needle))
            else:
                short[needle[: _WORD - 1]].append((-1, needle))
    for head, followed in short.items():
        for before in range(256):
            found[_word(bytes([before]) + head)] += followed
    return found


def _word(octets: bytes) -> int:
    return int.from_bytes(octets, sys.byteorder)
