"""The final encoding of an audit leaf: canonical content, and the salted commitment to it.

The content can be deleted when its retention ends; the commitment stays in the log. Layout:
content is deterministic CBOR (RFC 8949, 4.2.1) of the map below, keys that do not apply absent;
the commitment is SHA-256("juki-audit-leaf-1" || 00 || salt, 32 bytes || content).

    "v"    1
    "ev"   the event, a text of the catalogue
    "at"   microseconds since 1970-01-01T00:00Z
    "by"   the caller's URI
    "out"  "DONE", the reason that the caller was told, or the true cause where they differ
    "iss"  issuing municipality, 6 digits
    "res"  municipality of residence, 6 digits
    "who"  subjects: keyed hashes of the persons, 32 bytes each; they survive code changes
    "what" items shown beyond the usual ones
    "id"   the resource: an issue number, a session id or a card serial
    "more" further facts, text to text
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import cbor2

from juki_center.areas.audit.events import AuditEvent
from juki_center.areas.residents.records import PersonID

_LABEL = b"juki-audit-leaf-1\0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SALT_OCTETS = 32


def content(event: AuditEvent, subject: Callable[[PersonID], bytes]) -> bytes:
    """Return the leaf's content; `subject` is the keyed hash of a person."""
    leaf: dict[str, object] = {
        "v": 1,
        "ev": str(event.event),
        "at": (event.at - _EPOCH) // timedelta(microseconds=1),
        "by": event.caller_uri,
        "out": str(event.cause),
    }
    optional: dict[str, object] = {
        "iss": str(event.issuing or ""),
        "res": str(event.residence or ""),
        "who": [subject(person) for person in event.subjects],
        "what": [str(item) for item in event.items],
        "id": event.resource,
        "more": {key: str(value) for key, value in event.details},
    }
    leaf |= {key: value for key, value in optional.items() if value}
    return cbor2.dumps(leaf, canonical=True)


def commitment(salt: bytes, leaf_content: bytes) -> bytes:
    """Return what enters the log for good: 32 bytes."""
    return hashlib.sha256(_LABEL + salt + leaf_content).digest()
