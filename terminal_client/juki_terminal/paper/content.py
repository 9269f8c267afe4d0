"""What a copy says: the payload of the signed content, read strictly.

The layout is that of docs/wire.md: deterministic CBOR (RFC 8949, 4.2.1) of `doc` and its digest.
Every departure from it is refused, so that two terminals can never read one copy differently.
The signature around the payload is in `envelope`, the paper made from it in `render`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from juki_terminal.paper.errors import ContentRefused
from juki_terminal.paper.fields import Fields, decode_canonical, encode_canonical

VERSION: Final = 1
MAX_PERSONS: Final = 50
EARLIEST: Final = 1_061_737_200  # 2003-08-25 00:00 JST, the first day of wide-area issue.
LATEST: Final = 4_102_412_400  # 2100-01-01 00:00 JST; a later time is a broken clock.
ADDRESS: Final = 401  # The address and the building's part, 200 code points each, a space between.
ISSUE_NUMBER: Final = re.compile(r"[0-9A-Z](?:-?[0-9A-Z]){7,47}")
MUNICIPALITY: Final = re.compile(r"[0-9]{6}")
RESIDENT_CODE: Final = re.compile(r"[0-9]{11}")


class Proof(StrEnum):
    """How the applicant was identified."""

    CARD = "card"
    PHOTO = "photo"


class Scope(StrEnum):
    """Whose entries the copy shows."""

    SELF = "self"
    LISTED = "listed"
    HOUSEHOLD = "household"


class Item(StrEnum):
    """Items that are on a copy only if asked for."""

    RELATIONSHIP = "relationship"
    RESIDENT_CODE = "code"


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality: its 6-digit code and its name with the prefecture's, `東京都千代田区`."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """One person's entry, in the words of the register; None = not on this copy."""

    name: str
    kana: str | None
    alias: str | None
    birth: str
    sex: str
    address: str
    resident_since: str
    address_since: str | None
    notified: str | None
    previous_address: str | None
    householder: str | None
    relationship: str | None
    resident_code: str | None

    def __repr__(self) -> str:
        """Say nothing: every field is a personal datum."""
        return "Person(***)"


@dataclass(frozen=True, slots=True)
class CopyContent:
    """The content of a copy; `digest` is the SHA-256 that the payload carries."""

    issue_number: str
    issued_at: datetime
    issuer: Municipality
    residence: Municipality
    request_id: bytes
    proof: Proof
    evidence: bytes
    scope: Scope
    items: tuple[Item, ...]
    persons: tuple[Person, ...]
    digest: bytes


def decode_content(payload: bytes) -> CopyContent:
    """Read the payload of a signed copy.

    Raises ContentRefused for anything but the one encoding that docs/wire.md gives.
    """
    fields = Fields("payload", decode_canonical(payload, "payload"))
    doc = fields.mapping("doc")
    digest = fields.octets("sha", 32)
    fields.done()
    if not hmac.compare_digest(digest, hashlib.sha256(encode_canonical(doc)).digest()):
        raise ContentRefused("sha", "is not the digest of doc")
    return _document(Fields("doc", doc), digest)


def _document(doc: Fields, digest: bytes) -> CopyContent:
    doc.uint("v", VERSION, VERSION)
    items = _items(doc)
    scope = Scope(doc.choice("scope", tuple(Scope)))
    content = CopyContent(
        issue_number=doc.matching("no", ISSUE_NUMBER),
        issued_at=datetime.fromtimestamp(doc.uint("at", EARLIEST, LATEST), UTC),
        issuer=Municipality(doc.matching("iss", MUNICIPALITY), doc.text("issn", 40)),
        residence=Municipality(doc.matching("res", MUNICIPALITY), doc.text("resn", 40)),
        request_id=doc.octets("req", 16),
        proof=Proof(doc.choice("by", tuple(Proof))),
        evidence=doc.octets("ev", 32),
        scope=scope,
        items=items,
        persons=_persons(doc, scope, items),
        digest=digest,
    )
    doc.done()
    return content


def _items(doc: Fields) -> tuple[Item, ...]:
    asked = doc.sequence("items", 0, len(Item))
    known = tuple(item for item in Item if item.value in asked)
    if [item.value for item in known] != asked:
        raise ContentRefused("items", "is no subset of relationship, code in this order")
    return known


def _persons(doc: Fields, scope: Scope, items: tuple[Item, ...]) -> tuple[Person, ...]:
    entries = doc.sequence("per", 1, 1 if scope is Scope.SELF else MAX_PERSONS)
    return tuple(
        _person(Fields(f"per[{place}]", entry), items) for place, entry in enumerate(entries)
    )


def _person(fields: Fields, items: tuple[Item, ...]) -> Person:
    related, coded = Item.RELATIONSHIP in items, Item.RESIDENT_CODE in items
    person = Person(
        name=fields.text("name", 100),
        kana=fields.optional_text("kana", 150),
        alias=fields.optional_text("alias", 100),
        birth=fields.text("birth", 60),
        sex=fields.choice("sex", ("男", "女", "")),
        address=fields.text("addr", ADDRESS),
        resident_since=fields.text("since", 60),
        address_since=fields.optional_text("addrs", 60),
        notified=fields.optional_text("notif", 60),
        previous_address=fields.optional_text("prev", ADDRESS),
        # A key that was not asked for is left unread, so that `done` refuses it by name.
        householder=fields.optional_text("head", 100) if related else None,
        relationship=fields.optional_text("rel", 60) if related else None,
        resident_code=fields.optional_matching("code", RESIDENT_CODE) if coded else None,
    )
    fields.done()
    return person
