"""The hotlist: cards a terminal must not take, nodes of the center it must not trust.

It shows no card number, no serial and no code: a card is an entry, the keyed hash of its serial,
and only who holds the card's own file can tell that an entry is meant for it. Terminals other
than the reader of the list are not in it: no terminal ever meets another one.

What this module makes is the content that is signed, octet by octet (docs/wire.md).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

import cbor2

from juki_center.areas.cards.register import CardStatus

CONTENT_TYPE: Final = "application/juki-hotlist+cbor"
LABEL: Final = "juki-hotlist"
VERSION: Final = 1
ENTRY_OCTETS: Final = 16
KEY_OCTETS: Final = 16
MOST_ENTRIES: Final = 2_000
"""In one document: it stays far below the limit of a message."""
MAX_AGE: Final = timedelta(minutes=10)


class CardState(IntEnum):
    """What a terminal is told of a card. FREE takes an entry off the list."""

    FREE = 0
    SUSPENDED = 1
    REVOKED = 2


_LISTED: Final = {
    CardStatus.HELD: CardState.SUSPENDED,
    CardStatus.SUSPENDED: CardState.SUSPENDED,
    CardStatus.REVOKED: CardState.REVOKED,
}


def state_of(status: CardStatus) -> CardState:
    """Return what a terminal is told of a card in a state."""
    return _LISTED.get(status, CardState.FREE)


def entry_of(key: bytes, serial: bytes) -> bytes:
    """Return the entry of a card: 16 octets of the HMAC-SHA-256 of its serial."""
    return hmac.digest(key, serial, hashlib.sha256)[:ENTRY_OCTETS]


@dataclass(frozen=True, slots=True)
class Nodes:
    """What of the center itself counts no more: certificates by SHA-256, nodes by URI; sorted."""

    certificates: tuple[bytes, ...] = ()
    uris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One signed piece of the list.

    A whole list comes in `parts` documents with one `cursor` and one `made_at`. Changes are one
    document: they hold the newest state of every card that changed after `since`, and may be
    applied to any list from `since` up to `cursor`.
    """

    is_whole: bool
    since: int
    cursor: int
    made_at: datetime
    max_age: timedelta
    part: int
    parts: int
    key: bytes = field(repr=False)
    cards: tuple[tuple[bytes, CardState], ...] = field(repr=False)
    nodes: Nodes

    def encode(self) -> bytes:
        """Return the octets that are signed: deterministic CBOR (RFC 8949, 4.2.1)."""
        content = [
            LABEL,
            VERSION,
            self.is_whole,
            self.since,
            self.cursor,
            int(self.made_at.timestamp()),
            self.max_age // timedelta(seconds=1),
            self.part,
            self.parts,
            self.key,
            [[entry, int(state)] for entry, state in self.cards],
            list(self.nodes.certificates),
            list(self.nodes.uris),
        ]
        return cbor2.dumps(content, canonical=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """From which state, and of which time, documents are made."""

    cursor: int
    made_at: datetime
    key: bytes = field(repr=False)
    nodes: Nodes = Nodes()
    max_age: timedelta = MAX_AGE


def whole(standing: Standing, cards: Mapping[bytes, CardState]) -> list[Document]:
    """Return the whole list, in as many documents as it takes; at least one."""
    listed = _sorted((entry, state) for entry, state in cards.items() if state)
    pieces = [
        listed[first : first + MOST_ENTRIES]
        for first in range(0, max(len(listed), 1), MOST_ENTRIES)
    ]
    return [
        _document(standing, piece, is_whole=True, since=0, part=number, parts=len(pieces))
        for number, piece in enumerate(pieces, start=1)
    ]


def changes(standing: Standing, since: int, cards: Mapping[bytes, CardState]) -> Document:
    """Return the newest states of the cards that changed after a cursor; none: it is fresh."""
    listed = _sorted(cards.items())
    return _document(standing, listed, is_whole=False, since=since, part=1, parts=1)


def _document(
    standing: Standing,
    cards: list[tuple[bytes, CardState]],
    *,
    is_whole: bool,
    since: int,
    part: int,
    parts: int,
) -> Document:
    return Document(
        is_whole=is_whole,
        since=since,
        cursor=standing.cursor,
        made_at=standing.made_at.astimezone(UTC),
        max_age=standing.max_age,
        part=part,
        parts=parts,
        key=standing.key,
        cards=tuple(cards),
        nodes=standing.nodes,
    )


def _sorted(cards: Iterable[tuple[bytes, CardState]]) -> list[tuple[bytes, CardState]]:
    return sorted(cards)
