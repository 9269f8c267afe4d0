"""Documents and representatives that a window has seen, between the wire and the areas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.evidence import DocumentKind, IdentityDocument, LegalRepresentative
from juki_center.rpc import fields
from jukinet.cards.v1 import identity_document_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_DOCUMENTS: Final = 5
_HASH_OCTETS: Final = 32
_SALT_OCTETS: Final = 16
_TEXT: Final = 60


def documents(path: str, messages: Sequence[pb.IdentityDocument]) -> tuple[IdentityDocument, ...]:
    """Check and translate the documents that were shown; none is for the act to refuse."""
    fields.number(path, len(messages), least=0, most=MOST_DOCUMENTS)
    return tuple(_document(f"{path}[{index}]", one) for index, one in enumerate(messages))


def representative(path: str, message: pb.LegalRepresentative) -> LegalRepresentative:
    """Check and translate who acts for a person."""
    return LegalRepresentative(
        name=fields.text(f"{path}.name", message.name, longest=_TEXT),
        shown_by=fields.text(f"{path}.shown_by", message.shown_by, longest=_TEXT),
    )


def _document(path: str, message: pb.IdentityDocument) -> IdentityDocument:
    kinds = pb.IdentityDocument.Kind.DESCRIPTOR
    return IdentityDocument(
        kind=fields.choice(f"{path}.kind", message.kind, kinds, DocumentKind),
        number_hash=fields.octets(f"{path}.number_hash", message.number_hash, size=_HASH_OCTETS),
        number_salt=fields.octets(f"{path}.number_salt", message.number_salt, size=_SALT_OCTETS),
        chip_verified=message.chip_verified,
    )
