"""A leaf of the log: the salted commitment that stays for good, and the content that it opens to.

The content is deterministic CBOR (RFC 8949, 4.2.1) of the map below, keys that do not apply absent;
the commitment is SHA-256("juki-audit-leaf-1" || 00 || salt, 32 bytes || content). The content can
be deleted when its retention ends; the commitment stays.

    "v"    1
    "ev"   the event, a text of the center's catalogue
    "at"   microseconds since 1970-01-01T00:00Z
    "by"   the caller's URI
    "out"  "DONE", the reason that the caller was told, or the true cause where they differ
    "req"  the request's id, 16 bytes; of acts that a request asked for
    "clk"  the id of the clerk who was signed in
    "iss"  issuing municipality, 6 digits
    "res"  municipality of residence, 6 digits
    "who"  subjects: keyed hashes of the persons, 32 bytes each; they survive code changes
    "what" items shown beyond the usual ones
    "id"   the resource: an issue number, a session id or a card serial
    "more" further facts, text to text
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import cbor2

from juki_audit.errors import LogMalformed

VERSION: Final = 1
DONE: Final = "DONE"
SALT_OCTETS: Final = 32
SUBJECT_OCTETS: Final = 32
REQUEST_OCTETS: Final = 16
MAX_OCTETS: Final = 64 * 1024
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LABEL: Final = b"juki-audit-leaf-1\0"
_MAX_MICROS: Final = 253_402_300_800_000_000
_KNOWN: Final = frozenset(
    ("v", "ev", "at", "by", "out", "req", "clk", "iss", "res", "who", "what", "id", "more")
)
_OPTIONAL: Final = ("id", "clk", "iss", "req", "res", "who", "more", "what")


# An event names the same few facts each time.
@lru_cache(maxsize=1024)
def _in_order(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return keys in the order of a canonical map."""
    return tuple(sorted(keys, key=lambda key: (len(octets := key.encode()), octets)))


def commitment(salt: bytes, content: bytes) -> bytes:
    """Return what enters the log for good: 32 bytes."""
    return hashlib.sha256(_LABEL + salt + content).digest()


@dataclass(frozen=True, slots=True)
class Leaf:
    """The content of one leaf. Nothing in it is a name, an address or a resident code."""

    event: str
    at: datetime
    caller_uri: str
    outcome: str
    request_id: bytes = b""
    clerk: str = ""
    issuing: str = ""
    residence: str = ""
    subjects: tuple[bytes, ...] = ()
    items: tuple[str, ...] = ()
    resource: str = ""
    details: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the content's octets."""
        # In canonical order (RFC 8949, 4.2.3: the shorter key first), which the encoder would
        # otherwise look for in every map again, at twice the cost of the leaf.
        leaf: dict[str, object] = {
            "v": VERSION,
            "at": (self.at - EPOCH) // timedelta(microseconds=1),
            "by": self.caller_uri,
            "ev": self.event,
            "id": self.resource,
            "clk": self.clerk,
            "iss": self.issuing,
            "out": self.outcome,
            "req": self.request_id,
            "res": self.residence,
            "who": self.subjects,
            "more": {key: self.details[key] for key in _in_order(tuple(self.details))},
            "what": self.items,
        }
        for key in _OPTIONAL:
            if not leaf[key]:
                del leaf[key]
        return cbor2.dumps(leaf)

    @classmethod
    def decode(cls, octets: bytes) -> Leaf:
        """Read a content; raises LogMalformed for anything that `encode` does not write."""
        table = _Table.read(octets)
        leaf = cls(
            event=table.text("ev"),
            at=table.moment("at"),
            caller_uri=table.text("by"),
            outcome=table.text("out"),
            request_id=table.octets("req", REQUEST_OCTETS),
            clerk=table.text("clk", ""),
            issuing=table.text("iss", ""),
            residence=table.text("res", ""),
            subjects=table.subjects("who"),
            items=table.texts("what"),
            resource=table.text("id", ""),
            details=table.details("more"),
        )
        if leaf.encode() != octets:
            raise LogMalformed("LEAF_NOT_CANONICAL")
        return leaf


@dataclass(frozen=True, slots=True)
class _Table:
    """The map of a content, read key by key. Every method raises LogMalformed."""

    entries: Mapping[object, object]

    @classmethod
    def read(cls, octets: bytes) -> _Table:
        if len(octets) > MAX_OCTETS:
            raise LogMalformed("LEAF_LENGTH")
        try:
            value = cbor2.loads(octets)
        except (cbor2.CBORDecodeError, ValueError, OverflowError, RecursionError) as error:
            raise LogMalformed("LEAF_CBOR") from error
        if not isinstance(value, dict) or not set(value) <= _KNOWN:
            raise LogMalformed("LEAF_KEYS")
        if value.get("v") != VERSION:
            raise LogMalformed("LEAF_VERSION")
        return cls(value)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.entries.get(key, default)
        if not isinstance(value, str):
            raise LogMalformed(f"LEAF_{key}")
        return value

    def moment(self, key: str) -> datetime:
        value = self.entries.get(key)
        if not isinstance(value, int) or not 0 <= value < _MAX_MICROS:
            raise LogMalformed(f"LEAF_{key}")
        return EPOCH + timedelta(microseconds=value)

    def octets(self, key: str, length: int) -> bytes:
        value = self.entries.get(key, b"")
        if not isinstance(value, bytes) or len(value) not in {0, length}:
            raise LogMalformed(f"LEAF_{key}")
        return value

    def subjects(self, key: str) -> tuple[bytes, ...]:
        value = self.entries.get(key, [])
        if not isinstance(value, list):
            raise LogMalformed(f"LEAF_{key}")
        found = tuple(one for one in value if isinstance(one, bytes) and len(one) == SUBJECT_OCTETS)
        if len(found) != len(value):
            raise LogMalformed(f"LEAF_{key}")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.entries.get(key, [])
        if not isinstance(value, list):
            raise LogMalformed(f"LEAF_{key}")
        found = tuple(one for one in value if isinstance(one, str))
        if len(found) != len(value):
            raise LogMalformed(f"LEAF_{key}")
        return found

    def details(self, key: str) -> dict[str, str]:
        value = self.entries.get(key, {})
        if not isinstance(value, dict):
            raise LogMalformed(f"LEAF_{key}")
        found = {
            name: fact
            for name, fact in value.items()
            if isinstance(name, str) and isinstance(fact, str)
        }
        if len(found) != len(value):
            raise LogMalformed(f"LEAF_{key}")
        return found
