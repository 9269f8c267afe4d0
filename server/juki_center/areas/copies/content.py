"""What a copy says: the payload that is signed, in the one encoding that it has.

The payload is deterministic CBOR (RFC 8949, 4.2.1) of `doc` and its SHA-256. Only entries that a
wide-area copy may show are ever put into it (Residential Basic Book Act, article 12-4): registered
domicile and head of the family register have no place here, relationship and code only on request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import cbor2

from juki_center.areas.copies.commands import Item, Scope
from juki_center.areas.residents.municipalities import Municipality
from juki_center.areas.residents.records import ResidenceRecord, Resident, Sex

_VERSION = 1
_ITEM_KEYS = {Item.RELATIONSHIP: "relationship", Item.RESIDENT_CODE: "code"}
_SEX_TEXTS = {Sex.MALE: "男", Sex.FEMALE: "女", Sex.BLANK: ""}
# An unnamed newborn's name is blank on paper, and a paper's text is never empty.
_BLANK_NAME = "\u3000"


@dataclass(frozen=True, slots=True)
class CopyContent:
    """What a copy is made of. `evidence` is 32 bytes, `request_id` 16.

    `householder` is the householder's name, empty where the household has none.
    """

    number: str
    at: datetime
    issuing: Municipality
    residence: Municipality
    request_id: bytes
    by_card: bool
    evidence: bytes = field(repr=False)
    scope: Scope
    items: frozenset[Item]
    persons: Sequence[Resident] = field(repr=False)
    householder: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Payload:
    """The octets that are signed, and the digest of the document in them."""

    octets: bytes = field(repr=False)
    digest: bytes


def payload(content: CopyContent) -> Payload:
    """Return the payload of a copy."""
    document: dict[str, object] = {
        "v": _VERSION,
        "no": content.number,
        "at": int(content.at.timestamp()),
        "iss": str(content.issuing.code),
        "issn": content.issuing.full_name,
        "res": str(content.residence.code),
        "resn": content.residence.full_name,
        "req": content.request_id,
        "by": "card" if content.by_card else "photo",
        "ev": content.evidence,
        "scope": content.scope.lower(),
        "items": [key for item, key in _ITEM_KEYS.items() if item in content.items],
        "per": [_person(resident.record, content) for resident in content.persons],
    }
    digest = hashlib.sha256(_encode(document)).digest()
    return Payload(_encode({"doc": document, "sha": digest}), digest)


def content_proof(digest: bytes, signature: bytes) -> bytes:
    """Return what a copy shows to be known again: the document's digest and its signature.

    The digest alone could be guessed at by whoever guesses a document; the signature cannot.
    """
    return digest + signature


def _encode(value: object) -> bytes:
    # Sorted by length first (RFC 7049); for text keys shorter than 24 bytes the same order.
    return cbor2.dumps(value, canonical=True)


def _person(record: ResidenceRecord, content: CopyContent) -> dict[str, str]:
    entries = {
        "name": record.name or _BLANK_NAME,
        "birth": record.birth.paper_text,
        "addr": record.address + (f"\u3000{record.building}" if record.building else ""),
        "since": record.resident_since.paper_text,
        "kana": record.kana,
        "alias": record.alias,
        "addrs": record.address_since.paper_text if record.address_since else "",
        "notif": record.notified.paper_text if record.notified else "",
        "prev": record.previous_address,
    }
    if Item.RELATIONSHIP in content.items:
        entries |= {"head": content.householder, "rel": record.relationship}
    if Item.RESIDENT_CODE in content.items:
        entries["code"] = record.code.digits
    shown = {key: text for key, text in entries.items() if text}
    return {**shown, "sex": _SEX_TEXTS[record.sex]}
