"""The hotlist's file: the signed pieces as they came, so that every reader verifies them again.

One program keeps it (`juki-terminal watch`), others read it. It is replaced as a whole, so that a
reader sees the old file or the new one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem
from juki_terminal.hotlist import Hotlist, Piece, assembled, read_piece
from juki_terminal.paper.errors import ContentRefused
from juki_terminal.paper.fields import decode_canonical, encode_canonical

if TYPE_CHECKING:
    from pathlib import Path

    from juki_terminal.paper.trust import CopySigners

_VERSION: Final = 1
_MOST_CHANGES: Final = 500


@dataclass(frozen=True, slots=True)
class KeptList:
    """A list with the pieces that it was made of, and the cursor to go on from."""

    cursor: int
    pieces: tuple[Piece, ...]
    hotlist: Hotlist

    @property
    def is_long(self) -> bool:
        """Whether so many changes have come that the whole list is the better beginning."""
        return len(self.pieces) - self.pieces[0].parts > _MOST_CHANGES

    def taking(self, piece: Piece) -> KeptList:
        """Return the list after the changes of a piece; raise Problem HOTLIST_NOT_TRUSTED."""
        hotlist = self.hotlist.changed(piece)
        pieces = self.pieces
        last = pieces[-1]
        if not last.is_whole and not last.cards and piece.since <= pieces[-2].cursor:
            # It said only that the list was fresh, which the newer one says too of what is
            # before it.
            pieces = pieces[:-1]
        return KeptList(self.cursor, (*pieces, piece), hotlist)

    def at(self, cursor: int) -> KeptList:
        """Return the list with another cursor to go on from."""
        return KeptList(cursor, self.pieces, self.hotlist)


def begun(pieces: list[Piece], cursor: int) -> KeptList | None:
    """Return a list from a whole one's pieces; None while some are still to come."""
    hotlist = assembled(pieces)
    return None if hotlist is None else KeptList(cursor, tuple(pieces), hotlist)


def load(path: Path, signers: CopySigners) -> KeptList | None:
    """Read the file, None where there is none; raise Problem HOTLIST_NOT_TRUSTED."""
    try:
        octets = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem("CONFIGURATION_INVALID", {"key": "hotlist.path"}) from error
    cursor, pieces = _pieces(octets, signers)
    whole = pieces[: pieces[0].parts]
    kept = begun(whole, cursor)
    if kept is None:
        raise _damaged()
    for piece in pieces[len(whole) :]:
        kept = kept.taking(piece)
    return kept.at(cursor)


def save(path: Path, kept: KeptList) -> None:
    """Replace the file, durably; raise OSError."""
    octets = encode_canonical([_VERSION, kept.cursor, [piece.octets for piece in kept.pieces]])
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(octets)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)


def _pieces(octets: bytes, signers: CopySigners) -> tuple[int, list[Piece]]:
    try:
        content = decode_canonical(octets, "file")
    except ContentRefused as error:
        raise _damaged() from error
    match content:
        case [int(version), int(cursor), list(found)] if version == _VERSION and found:
            pass
        case _:
            raise _damaged()
    if not all(isinstance(one, bytes) for one in found):
        raise _damaged()
    return cursor, [read_piece(one, signers) for one in found]


def _damaged() -> Problem:
    return Problem("HOTLIST_NOT_TRUSTED", {"rule": "FILE"})
