"""A copy of a log in one file, line by line, which anybody can check offline.

Each line is a JSON object in UTF-8; octets are in base64 (RFC 4648, 4). The first line says what it
is and carries the signed head; then come blocks: one line with the leaf hashes of the block as the
center's tree has them, and the leaves, one a line. The last line says that the copy is whole.

    {"juki-audit-copy": 1, "size": 2, "checkpoint": "jukinet/log-…\\n2\\n…", "cosigned": ["…"]}
    {"hashes": 0, "octets": "…"}
    {"leaf": 0, "commitment": "…", "salt": "…", "content": "…"}
    {"leaf": 1, "commitment": "…"}
    {"end": 2}
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from juki_audit.errors import LogRefused
from juki_audit.rows import Row
from juki_audit.tree import HASH_OCTETS, Frontier

VERSION: Final = 1
BLOCK: Final = 1024
_HASHES: Final = b'{"hashes"'
_LEAF: Final = b'{"leaf"'
JSONLine = dict[str, object]


class CopyMalformed(LogRefused):
    """A line of a copy is none; `line` is its number, counted from 1."""

    def __init__(self, rule: str, line: int) -> None:
        super().__init__(rule, f"line {line}")
        self.line = line


def lines_of(
    checkpoint: bytes,
    size: int,
    rows: Iterable[Row],
    hashes: Iterable[tuple[int, bytes]],
    cosigned: Iterable[bytes] = (),
) -> Iterator[bytes]:
    """Yield the lines of a copy; `cosigned` are earlier heads with the lines of witnesses."""
    first: JSONLine = {"juki-audit-copy": VERSION, "size": size}
    first |= {"checkpoint": checkpoint.decode("utf-8")}
    yield _line(first | {"cosigned": [note.decode("utf-8") for note in cosigned]})
    left, kept = iter(rows), iter(hashes)
    while block := list(islice(left, BLOCK)):
        of_block = list(islice(kept, len(block)))
        if of_block:
            octets = b"".join(one for _, one in of_block)
            yield _line({"hashes": of_block[0][0], "octets": _text(octets)})
        yield from (_line(_leaf(row)) for row in block)
    yield _line({"end": size})


@dataclass(frozen=True, slots=True)
class LogCopy:
    """A copy as an examination reads it; `lines` begins to read its lines anew each time.

    Every method raises CopyMalformed for a line that is none. Where the end is missing, what is
    there is read all the same.
    """

    lines: Callable[[], Iterator[bytes]]
    size: int
    note: bytes
    keeps_tree: bool = False
    cosigned_notes: tuple[bytes, ...] = ()

    @classmethod
    def read(cls, lines: Callable[[], Iterator[bytes]]) -> LogCopy:
        """Read the first line of a copy; raises CopyMalformed where it is none."""
        first = _parsed(next(lines(), b""), 1)
        if first.get("juki-audit-copy") != VERSION:
            raise CopyMalformed("NOT_A_COPY", 1)
        size, note = first.get("size"), first.get("checkpoint")
        if not isinstance(size, int) or not isinstance(note, str):
            raise CopyMalformed("FIRST_LINE", 1)
        cosigned = first.get("cosigned", [])
        if not isinstance(cosigned, list) or not all(isinstance(one, str) for one in cosigned):
            raise CopyMalformed("FIRST_LINE", 1)
        return cls(
            lines, size, note.encode(), cosigned_notes=tuple(one.encode() for one in cosigned)
        )

    def cosigned(self) -> tuple[bytes, ...]:
        """Return the heads with lines of witnesses that the copy carries."""
        return self.cosigned_notes

    def checkpoint(self) -> bytes:
        """Return the signed head that the copy carries."""
        return self.note

    def frontier(self) -> Frontier | None:
        """Return None: a copy has no frontier beside its leaves."""
        return None

    def rows(self) -> Iterator[Row]:
        """Yield the leaves in the order of their lines."""
        for number, line in self._numbered():
            if line.startswith(_LEAF):
                yield _row(_parsed(line, number), number)
            elif not line.startswith(_HASHES) and line != self.end():
                raise CopyMalformed("LINE", number)

    def end(self) -> bytes:
        """Return the line that a whole copy ends with."""
        return _line({"end": self.size})

    def nodes(self, level: int) -> Iterator[tuple[int, bytes]]:
        """Yield the leaf hashes; a copy has no other nodes."""
        if level:
            return
        for number, line in self._numbered():
            if line.startswith(_HASHES):
                yield from _hashes(_parsed(line, number), number)

    def _numbered(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines behind the first one with their numbers, up to one that is cut off."""
        for number, line in islice(enumerate(self.lines(), 1), 1, None):
            if not line.endswith(b"\n"):
                return
            yield number, line


def _leaf(row: Row) -> JSONLine:
    leaf: JSONLine = {"leaf": row.index, "commitment": _text(row.commitment)}
    if row.salt is not None and row.content is not None:
        leaf |= {"salt": _text(row.salt), "content": _text(row.content)}
    return leaf


def _line(document: JSONLine) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(", ", ": ")).encode() + b"\n"


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _parsed(line: bytes, number: int) -> JSONLine:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise CopyMalformed("JSON", number) from None
    if not isinstance(document, dict):
        raise CopyMalformed("JSON", number)
    return document


def _row(line: JSONLine, number: int) -> Row:
    index = line.get("leaf")
    if not isinstance(index, int) or index < 0:
        raise CopyMalformed("LEAF_INDEX", number)
    committed = _octets(line, "commitment", number)
    if committed is None:
        raise CopyMalformed("COMMITMENT", number)
    return Row(index, committed, _octets(line, "salt", number), _octets(line, "content", number))


def _hashes(line: JSONLine, number: int) -> Iterator[tuple[int, bytes]]:
    first, octets = line.get("hashes"), _octets(line, "octets", number)
    if not isinstance(first, int) or first < 0 or octets is None or len(octets) % HASH_OCTETS:
        raise CopyMalformed("HASHES", number)
    starts = range(0, len(octets), HASH_OCTETS)
    for index, start in enumerate(starts, first):
        yield index, octets[start : start + HASH_OCTETS]


def _octets(line: JSONLine, key: str, number: int) -> bytes | None:
    text = line.get(key)
    if text is None:
        return None
    if not isinstance(text, str):
        raise CopyMalformed("BASE64", number)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CopyMalformed("BASE64", number) from None
