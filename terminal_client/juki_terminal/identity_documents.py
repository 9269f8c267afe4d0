"""Identity documents as a request carries them: the kind, and a salted hash of the number.

The number stays in this process. The salts of a request follow from its id, which is drawn at
random for each request: a request that is repeated is the same in every byte, and no two requests
show that they rest on one document. How clerks are asked is in `cli`.
"""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem
from jukinet.cards.v1.identity_document_pb2 import IdentityDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

SALT_SIZE: Final = 16
_SALT_LABEL: Final = b"juki-document-salt-1\x00"


@dataclass(frozen=True, slots=True)
class SeenDocument:
    """A document that a clerk has seen."""

    kind: IdentityDocument.Kind.ValueType
    number: str = field(repr=False)
    chip_verified: bool = False


def plain_number(number: str) -> str:
    """Return a number without spaces and hyphens, full width folded, in capitals.

    >>> plain_number("ａｂ-12 34")
    'AB1234'
    """
    folded = unicodedata.normalize("NFKC", number)
    return "".join(character for character in folded if character.isalnum()).upper()


def number_hash(number: str, salt: bytes) -> bytes:
    """SHA-256 of salt and plain number, 32 bytes."""
    return hashlib.sha256(salt + plain_number(number).encode("utf-8")).digest()


def salt_of(request_id: str, place: int) -> bytes:
    """Return the salt of the document at a place in the request with this id, 16 bytes."""
    octets = _SALT_LABEL + uuid.UUID(request_id).bytes + place.to_bytes(2, "big")
    return hashlib.sha256(octets).digest()[:SALT_SIZE]


def identity_documents(seen: Sequence[SeenDocument], request_id: str) -> list[IdentityDocument]:
    """Return the documents for the request with this id.

    Raises Problem USAGE_INVALID where a number has no letter and no digit.
    """
    documents: list[IdentityDocument] = []
    for place, document in enumerate(seen):
        if not plain_number(document.number):
            facts = {"field": f"documents[{place}].number", "rule": "letters and digits"}
            raise Problem("USAGE_INVALID", facts)
        salt = salt_of(request_id, place)
        documents.append(
            IdentityDocument(
                kind=document.kind,
                number_hash=number_hash(document.number, salt),
                number_salt=salt,
                chip_verified=document.chip_verified,
            )
        )
    return documents
