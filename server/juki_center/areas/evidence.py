"""Documents by which people show at a window who they are, and what each kind is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from juki_center.errors import Reason, Refusal


class DocumentKind(StrEnum):
    """Kinds of documents that a person may show."""

    DRIVING_LICENCE = "DRIVING_LICENCE"
    PASSPORT = "PASSPORT"
    RESIDENCE_CARD = "RESIDENCE_CARD"
    RESIDENT_CARD_WITH_PHOTO = "RESIDENT_CARD_WITH_PHOTO"
    PUBLIC_OFFICE_LICENCE = "PUBLIC_OFFICE_LICENCE"
    HEALTH_INSURANCE_CARD = "HEALTH_INSURANCE_CARD"
    PENSION_BOOK = "PENSION_BOOK"
    PRIVATE_BODY = "PRIVATE_BODY"


PHOTO_KINDS: Final = frozenset(
    {
        DocumentKind.DRIVING_LICENCE,
        DocumentKind.PASSPORT,
        DocumentKind.RESIDENCE_CARD,
        DocumentKind.RESIDENT_CARD_WITH_PHOTO,
        DocumentKind.PUBLIC_OFFICE_LICENCE,
    }
)
"""Photo documents of a public office: one of them identifies a person."""

PUBLIC_KINDS: Final = PHOTO_KINDS | {DocumentKind.HEALTH_INSURANCE_CARD, DocumentKind.PENSION_BOOK}
"""Documents that count where two are asked for; a private body's never does."""


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """A document that a clerk has seen.

    `number_hash` is 32 bytes: SHA-256 of `number_salt`, 16 bytes, and the number, which never
    leaves the window. `chip_verified` tells that the document's own chip was found genuine.
    """

    kind: DocumentKind
    number_hash: bytes = field(repr=False)
    number_salt: bytes = field(repr=False)
    chip_verified: bool = False


@dataclass(frozen=True, slots=True)
class LegalRepresentative:
    """Who acts for a person who cannot act alone, and what shows it."""

    name: str = field(repr=False)
    shown_by: str = field(repr=False)


def refuse_without_document(documents: tuple[IdentityDocument, ...]) -> None:
    """Raise Refusal unless one document that counts was shown.

    Reasons: IDENTITY_DOCUMENT_REQUIRED for none at all, ID_KIND_NOT_ACCEPTED where none counts.
    """
    if not documents:
        raise Refusal(Reason.IDENTITY_DOCUMENT_REQUIRED)
    if not any(one.kind in PUBLIC_KINDS for one in documents):
        raise Refusal(Reason.ID_KIND_NOT_ACCEPTED, kind=documents[0].kind)


def refuse_without_two(documents: tuple[IdentityDocument, ...]) -> None:
    """Raise Refusal(TWO_DOCUMENTS_REQUIRED) unless two kinds that count were shown."""
    if len({one.kind for one in documents if one.kind in PUBLIC_KINDS}) < 2:
        raise Refusal(Reason.TWO_DOCUMENTS_REQUIRED)
