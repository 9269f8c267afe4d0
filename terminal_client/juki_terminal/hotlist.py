"""The hotlist at a terminal: cards that it refuses early, nodes of the center it does not trust.

It is read from signed pieces and nothing else; what each octet means is in docs/wire.md. The
center stays the judge: a card that is not on the list may be stopped all the same. Only a fresh
list speaks of cards. A node that was once revoked stays so, however old the list is.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import cbor2
from cwt import COSE
from cwt.exceptions import CWTError

from juki_client.outcome import Problem
from juki_terminal.paper.errors import ContentRefused, SignerUnknown
from juki_terminal.paper.fields import decode_canonical, encode_canonical

if TYPE_CHECKING:
    from juki_terminal.paper.trust import CopySigners

MAX_OCTETS: Final = 128 * 1024
CONTENT_TYPE: Final = "application/juki-hotlist+cbor"
_LABEL: Final = "juki-hotlist"
_VERSION: Final = 1
_FIELDS: Final = 13
_COSE_SIGN1: Final = 18
_ES256: Final = -7
_ENTRY_OCTETS: Final = 16
_KEY_OCTETS: Final = 16
_KEY_ID_OCTETS: Final = 16
_DIGEST_OCTETS: Final = 32
_MOST_ENTRIES: Final = 2_000
_MOST_PARTS: Final = 1_000
_MOST_NUMBER: Final = 2**63 - 1
_MOST_AGE_SECONDS: Final = 86_400
_REASONS: Final = {1: "CARD_SUSPENDED", 2: "CARD_REVOKED"}
_FREE: Final = 0
# Clocks of a terminal and of the center may differ by this much.
_SKEW: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Piece:
    """One signed piece of a list, verified; `octets` is the whole COSE_Sign1."""

    octets: bytes = field(repr=False)
    is_whole: bool
    since: int
    cursor: int
    made_at: datetime
    max_age: timedelta
    part: int
    parts: int
    key: bytes = field(repr=False)
    cards: Mapping[bytes, int] = field(repr=False)
    node_certificates: frozenset[bytes]
    node_uris: frozenset[str]


@dataclass(frozen=True, slots=True)
class Hotlist:
    """A list that is complete up to its cursor."""

    cursor: int
    made_at: datetime
    max_age: timedelta
    key: bytes = field(repr=False)
    cards: Mapping[bytes, int] = field(repr=False)
    node_certificates: frozenset[bytes]
    node_uris: frozenset[str]

    def is_fresh(self, now: datetime) -> bool:
        """Whether the list is young enough to speak of cards; one of the future is not."""
        return -_SKEW <= now - self.made_at <= self.max_age

    def require_fresh(self, now: datetime) -> None:
        """Raise Problem HOTLIST_TOO_OLD for a list that must not be gone by."""
        if not self.is_fresh(now):
            facts = {
                "madeTime": self.made_at.isoformat(),
                "maxAgeSeconds": str(self.max_age // timedelta(seconds=1)),
            }
            raise Problem("HOTLIST_TOO_OLD", facts)

    def refuse(self, serial: bytes, now: datetime) -> None:
        """Raise Problem CARD_SUSPENDED or CARD_REVOKED for a card on a fresh list."""
        entry = hmac.digest(self.key, serial, hashlib.sha256)[:_ENTRY_OCTETS]
        reason = _REASONS.get(self.cards.get(entry, _FREE))
        if reason is not None and self.is_fresh(now):
            raise Problem(reason, {"by": "hotlist"})

    def changed(self, piece: Piece) -> Hotlist:
        """Return the list after the changes of a piece; raise HOTLIST_NOT_TRUSTED for a gap."""
        if piece.is_whole or not piece.since <= self.cursor <= piece.cursor:
            raise _refused("GAP")
        if piece.key != self.key or piece.made_at < self.made_at:
            raise _refused("NOT_OF_THIS_LIST")
        cards = {**self.cards, **piece.cards}
        return replace(
            self,
            cursor=piece.cursor,
            made_at=piece.made_at,
            max_age=piece.max_age,
            cards={entry: state for entry, state in cards.items() if state != _FREE},
            node_certificates=self.node_certificates | piece.node_certificates,
            node_uris=self.node_uris | piece.node_uris,
        )


def assembled(pieces: list[Piece]) -> Hotlist | None:
    """Return the list of a whole one's pieces; None while some are still to come.

    Raises Problem HOTLIST_NOT_TRUSTED where they are not of one list, or not in order.
    """
    first = pieces[0]
    for number, piece in enumerate(pieces, start=1):
        of_one = (piece.cursor, piece.made_at, piece.key, piece.parts)
        if not piece.is_whole or piece.part != number:
            raise _refused("ORDER")
        if of_one != (first.cursor, first.made_at, first.key, first.parts):
            raise _refused("NOT_OF_THIS_LIST")
    if len(pieces) < first.parts:
        return None
    cards: dict[bytes, int] = {}
    for piece in pieces:
        cards.update(piece.cards)
    return Hotlist(
        first.cursor,
        first.made_at,
        first.max_age,
        first.key,
        cards,
        first.node_certificates,
        first.node_uris,
    )


def read_piece(octets: bytes, signers: CopySigners) -> Piece:
    """Read and verify one piece; raise Problem HOTLIST_NOT_TRUSTED (RFC 9052, 4.4)."""
    try:
        key_id, payload = _envelope(octets)
        piece = _content(octets, payload)
        key = signers.key(key_id, at=piece.made_at)
        COSE.new().decode(octets, keys=[key])
    except ContentRefused as error:
        raise _refused("CONTENT") from error
    except SignerUnknown as error:
        raise _refused("SIGNER_UNKNOWN") from error
    except (CWTError, ValueError) as error:
        raise _refused("SIGNATURE") from error
    return piece


def _envelope(octets: bytes) -> tuple[bytes, bytes]:
    """Return the signer's key id and the payload."""
    if len(octets) > MAX_OCTETS:
        raise ContentRefused("hotlist", f"is longer than {MAX_OCTETS} bytes")
    tagged = decode_canonical(octets, "hotlist")
    if not isinstance(tagged, cbor2.CBORTag) or tagged.tag != _COSE_SIGN1:
        raise ContentRefused("hotlist", "is no COSE_Sign1")
    match tagged.value:
        case [bytes(protected), dict(unprotected), bytes(payload), bytes()] if not unprotected:
            pass
        case _:
            raise ContentRefused("hotlist", "is no COSE_Sign1")
    match decode_canonical(protected, "protected header"):
        case {4: bytes(key_id)} if len(key_id) == _KEY_ID_OCTETS:
            pass
        case _:
            raise ContentRefused("protected header", "has no kid")
    if protected != encode_canonical({1: _ES256, 3: CONTENT_TYPE, 4: key_id}):
        raise ContentRefused("protected header", "is not {alg: ES256, content type, kid}")
    return key_id, payload


def _content(octets: bytes, payload: bytes) -> Piece:
    value = decode_canonical(payload, "payload")
    if (
        not isinstance(value, list) or len(value) != 13 or value[:2] != [_LABEL, _VERSION]
    ):  # docs/wire.md
        raise ContentRefused("payload", "is no hotlist of this version")
    is_whole, (since, cursor, made_at) = value[2], _numbers(value[3:6], _MOST_NUMBER)
    (max_age,), (part, parts) = (
        _numbers(value[6:7], _MOST_AGE_SECONDS),
        _numbers(value[7:9], _MOST_PARTS),
    )
    if not isinstance(is_whole, bool) or since > cursor or not 1 <= part <= parts:
        raise ContentRefused("payload", "has numbers that do not fit each other")
    return Piece(
        octets=octets,
        is_whole=is_whole,
        since=since,
        cursor=cursor,
        made_at=_moment(made_at),
        max_age=timedelta(seconds=max_age),
        part=part,
        parts=parts,
        key=_octets(value[9], _KEY_OCTETS),
        cards=_cards(value[10], is_whole=is_whole),
        node_certificates=frozenset(_octets(one, _DIGEST_OCTETS) for one in _entries(value[11])),
        node_uris=frozenset(_uri(one) for one in _entries(value[12])),
    )


def _numbers(values: list[object], most: int) -> list[int]:
    numbers = [one for one in values if type(one) is int and 0 <= one <= most]
    if len(numbers) != len(values):
        raise ContentRefused("payload", "has a number out of range")
    return numbers


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise ContentRefused("payload", "has a time out of range") from error


def _cards(value: object, *, is_whole: bool) -> dict[bytes, int]:
    cards: dict[bytes, int] = {}
    least = 1 if is_whole else _FREE
    for one in _entries(value):
        match one:
            case [bytes(entry), int(state)] if len(entry) == _ENTRY_OCTETS and type(state) is int:
                pass
            case _:
                raise ContentRefused("cards", "has an entry of another form")
        if not least <= state <= max(_REASONS) or entry in cards:
            raise ContentRefused("cards", "has an entry twice, or of an unknown state")
        cards[entry] = state
    return cards


def _entries(value: object) -> list[object]:
    if not isinstance(value, list) or len(value) > _MOST_ENTRIES:
        raise ContentRefused("payload", f"has no list of at most {_MOST_ENTRIES} entries")
    return value


def _octets(value: object, size: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise ContentRefused("payload", f"has no {size} bytes where they belong")
    return value


def _uri(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("juki://center/"):
        raise ContentRefused("nodes", "has no URI of a node of the center")
    return value


def _refused(rule: str) -> Problem:
    return Problem("HOTLIST_NOT_TRUSTED", {"rule": rule})
