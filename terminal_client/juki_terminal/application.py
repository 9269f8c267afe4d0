"""What an applicant asks for at the window, and the request that says so to the center.

Everything here is personal and stays in memory: records mask themselves, nothing is journalled but
the request id and the hash of the evidence.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from juki_terminal.identity_documents import number_hash
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb

if TYPE_CHECKING:
    from jukinet.residents.v1.civil_date_pb2 import CivilDate

EVIDENCE_LABEL: Final = b"juki-photo-evidence-1\x00"
_KIND: Final = copies_pb.PhotoIdentification.Kind


class Scope(StrEnum):
    """Whose entries the copy shows."""

    SELF = "self"
    LISTED = "listed"
    HOUSEHOLD = "household"


class Item(StrEnum):
    """Items beyond the usual ones; the last is asked for in vain."""

    RELATIONSHIP = "relationship"
    RESIDENT_CODE = "resident_code"
    REGISTERED_DOMICILE = "registered_domicile"


class DocumentKind(StrEnum):
    """Photo documents, and those that are not accepted as such."""

    DRIVING_LICENCE = "driving_licence"
    PASSPORT = "passport"
    RESIDENCE_CARD = "residence_card"
    RESIDENT_CARD_WITH_PHOTO = "resident_card_with_photo"
    PUBLIC_OFFICE_LICENCE = "public_office_licence"
    HEALTH_INSURANCE_CARD = "health_insurance_card"
    PENSION_BOOK = "pension_book"
    PRIVATE_BODY = "private_body"


@dataclass(frozen=True, slots=True)
class CardProof:
    """A finished card session of this terminal."""

    session_id: bytes
    transcript_hash: bytes


@dataclass(frozen=True, slots=True)
class PhotoDocument:
    """A photo document that the clerk compared with the applicant's face.

    `salt` is 16 random bytes, drawn once for the application: a request that is repeated must be
    the same in every byte, and no two applications may show that they rest on one document.
    """

    kind: DocumentKind
    number: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: CivilDate = field(repr=False)
    address: str = field(repr=False)
    municipality: str
    salt: bytes = field(repr=False)

    def number_hash(self) -> bytes:
        """SHA-256 of salt and number; the number without spaces and hyphens, full width folded."""
        return number_hash(self.number, self.salt)


Proof: TypeAlias = CardProof | PhotoDocument


@dataclass(frozen=True, slots=True)
class Subject:
    """A person of the applicant's household, as the applicant names them."""

    name: str = field(repr=False)
    birth_date: CivilDate = field(repr=False)


@dataclass(frozen=True, slots=True)
class CopyApplication:
    """An application for one copy. `fee_yen` is what the window took."""

    proof: Proof
    scope: Scope = Scope.SELF
    subjects: tuple[Subject, ...] = ()
    items: tuple[Item, ...] = ()
    fee_yen: int = 0

    @property
    def is_by_card(self) -> bool:
        """Whether a card session shows the applicant, and not a photo document."""
        return isinstance(self.proof, CardProof)

    def evidence(self, request_id: str) -> bytes:
        """Return the hash that the signed content must name for this application, 32 bytes.

        By card it is the transcript's; by photo document SHA-256 over the label, the kind's number
        in one byte, the salted hash of the document's number and the 16 bytes of the request id.
        """
        if isinstance(self.proof, CardProof):
            return self.proof.transcript_hash
        kind = bytes((_KIND.Value(f"KIND_{self.proof.kind.name}"),))
        request = uuid.UUID(request_id).bytes
        octets = EVIDENCE_LABEL + kind + self.proof.number_hash() + request
        return hashlib.sha256(octets).digest()

    def request(self, request_id: str) -> copies_pb.IssueCopyRequest:
        """Return the request to the center."""
        request = copies_pb.IssueCopyRequest(
            request_id=request_id,
            scope=copies_pb.IssueCopyRequest.Scope.Value(f"SCOPE_{self.scope.name}"),
            subjects=[
                copies_pb.Subject(name=s.name, birth_date=s.birth_date) for s in self.subjects
            ],
            items=[
                copies_pb.IssueCopyRequest.Item.Value(f"ITEM_{item.name}") for item in self.items
            ],
            fee_yen=self.fee_yen,
        )
        if isinstance(self.proof, CardProof):
            request.card_session_id = self.proof.session_id
        else:
            request.photo_identification.CopyFrom(_photo(self.proof))
        return request


def _photo(document: PhotoDocument) -> copies_pb.PhotoIdentification:
    return copies_pb.PhotoIdentification(
        kind=_KIND.Value(f"KIND_{document.kind.name}"),
        number_hash=document.number_hash(),
        name=document.name,
        birth_date=document.birth_date,
        address=document.address,
        municipality=document.municipality,
        number_salt=document.salt,
    )
