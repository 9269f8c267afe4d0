"""Who applies: the holder of a card that has just proved itself, or of a photo document.

Each way has its guards, all of them read inside the transaction that issues the copy. Whether
anything may be issued to the applicant is not decided here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

import cbor2

from juki_center.areas.cards.register import Cards, CardSession, Purpose
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.copies.commands import (
    CardProof,
    IssueCopy,
    PhotoProof,
    Subject,
)
from juki_center.areas.copies.policy import CopyPolicy
from juki_center.areas.evidence import PHOTO_KINDS, DocumentKind
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.municipalities import Municipality
from juki_center.areas.residents.name_keys import address_key, name_key
from juki_center.areas.residents.records import Resident, Residents
from juki_center.areas.residents.registers import Registers
from juki_center.errors import Reason, Refusal

_EVIDENCE_LABEL = b"juki-photo-evidence-1\0"
# As numbered in the proto; the number is a part of what is hashed.
_KIND_NUMBERS = {kind: number for number, kind in enumerate(DocumentKind, start=1)}


class ApplicantTx(Protocol):
    """What finding the applicant needs of a transaction."""

    @property
    def cards(self) -> Cards: ...

    @property
    def registers(self) -> Registers: ...

    @property
    def residents(self) -> Residents: ...


@dataclass(frozen=True, slots=True)
class Applicant:
    """The applicant and how they were identified.

    `evidence` is the transcript's or the photo evidence's hash, 32 bytes; `counter_note` is what
    the window stated, to be kept sealed; `session` is to be consumed by the act.
    """

    resident: Resident
    evidence: bytes = field(repr=False)
    session: CardSession | None = None
    counter_note: bytes = field(default=b"", repr=False)


def identify(tx: ApplicantTx, command: IssueCopy, now: datetime, policy: CopyPolicy) -> Applicant:
    """Return the applicant.

    Consumes the session of a card. Raises Refusal: what `use_session` raises; or
    PHOTO_ID_DISABLED, CLERK_NAME_REQUIRED, ID_KIND_NOT_ACCEPTED, ID_MISMATCH, AMBIGUOUS; and
    RESIDENCE_DISCONNECTED.
    """
    match command.proof:
        case CardProof(session_id):
            return _by_card(tx, session_id, command.terminal.uri, now)
        case PhotoProof() as proof:
            return _by_photo(tx, proof, command.request_id, policy)


def _by_card(tx: ApplicantTx, session_id: bytes, terminal_uri: str, now: datetime) -> Applicant:
    session = use_session(tx, session_id, terminal_uri, Purpose.CERTIFICATE_COPY, now)
    return Applicant(tx.residents.resident(session.person), session.transcript_hash, session)


def _by_photo(
    tx: ApplicantTx, proof: PhotoProof, request_id: UUID, policy: CopyPolicy
) -> Applicant:
    if not policy.photo_id_enabled:
        raise Refusal(Reason.PHOTO_ID_DISABLED)
    if not proof.clerk_name.strip():
        raise Refusal(Reason.CLERK_NAME_REQUIRED)
    if proof.kind not in PHOTO_KINDS:
        raise Refusal(Reason.ID_KIND_NOT_ACCEPTED, kind=proof.kind)
    if not tx.registers.is_hosted(proof.municipality):
        raise Refusal(Reason.ID_MISMATCH)
    candidates = tx.residents.by_attributes(proof.municipality, proof.name, proof.birth_date)
    municipality = policy.municipalities[proof.municipality]
    fitting = [one for one in candidates if _fits(one, proof, municipality)]
    resident = one_person(fitting, proof.name, none=Reason.ID_MISMATCH)
    return Applicant(resident, photo_evidence(proof, request_id), counter_note=_counter_note(proof))


def _counter_note(proof: PhotoProof) -> bytes:
    """Return what is sealed of the document; only with the salt can a number be checked later."""
    note = {
        "clerk": proof.clerk_name,
        "kind": str(proof.kind),
        "number_hash": proof.number_hash,
        "number_salt": proof.number_salt,
    }
    return cbor2.dumps(note, canonical=True)


def photo_evidence(proof: PhotoProof, request_id: UUID) -> bytes:
    """Return what stands on a copy for the document: 32 bytes, bound to the request.

    The paper names the request; the salt behind the number's hash keeps its holder from trying
    one number after the other.
    """
    kind = bytes([_KIND_NUMBERS[proof.kind]])
    return hashlib.sha256(_EVIDENCE_LABEL + kind + proof.number_hash + request_id.bytes).digest()


def _fits(resident: Resident, proof: PhotoProof, municipality: Municipality) -> bool:
    record = resident.record
    shown = address_key(proof.address, municipality)
    registered = {
        address_key(record.address, municipality),
        address_key(record.address + record.building, municipality),
    }
    return is_named(resident, proof.name, proof.birth_date) and shown in registered


def is_named(resident: Resident, name: str, birth: CivilDate) -> bool:
    """Tell whether a name, or a registered alias, and a birth date can be a resident's."""
    record = resident.record
    keys = {name_key(text) for text in (record.name, record.alias) if text}
    return name_key(name) in keys and record.birth.is_same_day(birth)


def of_household(members: list[Resident], subject: Subject) -> Resident:
    """Return the member of a household whom the applicant names.

    Raises Refusal: NOT_SAME_HOUSEHOLD, AMBIGUOUS.
    """
    fitting = [one for one in members if is_named(one, subject.name, subject.birth_date)]
    return one_person(fitting, subject.name, none=Reason.NOT_SAME_HOUSEHOLD)


def one_person(fitting: list[Resident], name: str, *, none: Reason) -> Resident:
    """Return the only person that fits, or the only one with exactly this name.

    Raises Refusal with `none` where nobody fits, AMBIGUOUS with their count where several do.
    """
    exact = [one for one in fitting if name in {one.record.name, one.record.alias}]
    match exact if len(exact) == 1 else fitting:
        case []:
            raise Refusal(none)
        case [resident]:
            return resident
        case several:
            raise Refusal(Reason.AMBIGUOUS, count=str(len(several)))
