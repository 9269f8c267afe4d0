"""Peers that count no more: one certificate, or a peer with every certificate it has or gets.

A revocation is for good. A terminal that is replaced gets another id: nobody who holds an old
certificate of it, or a token that was made for it, is let in by the new one. Who is to come back
later is disconnected instead, and not revoked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.callers import Operator
from juki_center.areas.fleet.control import Control, ControlKind
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.errors import Reason, Refusal


class RevocationReason(StrEnum):
    """Why somebody counts no more."""

    STOLEN = "STOLEN"
    COMPROMISED = "COMPROMISED"
    REPLACED = "REPLACED"
    OUT_OF_USE = "OUT_OF_USE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class OfPeer:
    """A peer, by its URI: all of its certificates, also those that it may get yet."""

    uri: str

    @property
    def subject(self) -> str:
        """How the revocation is found again."""
        return self.uri


@dataclass(frozen=True, slots=True)
class OfCertificate:
    """One certificate, by the SHA-256 of its DER; `uri` is whose it is, empty where not known."""

    fingerprint: bytes
    uri: str = ""

    @property
    def subject(self) -> str:
        """How the revocation is found again."""
        return self.fingerprint.hex()


@dataclass(frozen=True, slots=True)
class Revocation:
    """A revocation that is in force: since when, by whom and why."""

    of: OfPeer | OfCertificate
    reason: RevocationReason
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """Command: let a peer or a certificate count no more."""

    caller: Operator
    request_id: UUID
    of: OfPeer | OfCertificate
    reason: RevocationReason


class Revocations(Protocol):
    """What the store keeps of revocations."""

    def has(self, fingerprint: bytes, uri: str) -> bool:
        """Whether a certificate, or the peer that it names, was revoked: by primary key."""

    def find(self, of: OfPeer | OfCertificate) -> Revocation | None:
        """Return the revocation of a peer or a certificate."""

    def add(self, revocation: Revocation) -> None:
        """Enter a revocation; there is none of its subject."""

    def subjects(self) -> Iterator[str]:
        """Return what was revoked: URIs, and fingerprints in hex."""

    def of_centers(self) -> list[Revocation]:
        """Return the revocations of the center's own nodes and their certificates."""

    def page(self, after: str, limit: int) -> list[Revocation]:
        """Return revocations in the order of their subjects, those behind `after`."""

    def count(self) -> int:
        """Return how many there are."""


class GuardTx(Protocol):
    """What the guard of every act needs of a transaction."""

    @property
    def revocations(self) -> Revocations: ...


class RevokeTx(GuardTx, Protocol):
    """What revoking needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def control(self) -> Control: ...


def refuse_revoked(tx: GuardTx, fingerprint: bytes, uri: str) -> None:
    """Raise Refusal(CERTIFICATE_REVOKED) where a caller counts no more."""
    if tx.revocations.has(fingerprint, uri):
        raise Refusal(Reason.CERTIFICATE_REVOKED)


def revoke(tx: RevokeTx, command: Revoke, now: datetime) -> Revocation:
    """Act: revoke a peer or a certificate; one that was revoked already keeps its first reason.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED.
    """
    request = Request(command.caller.uri, command.request_id, canonical(command))
    is_repeated = first_answer(tx.answers, request, now) is not None
    revocation = tx.revocations.find(command.of)
    if revocation is None:
        revocation = Revocation(command.of, command.reason, now, command.caller.uri)
        tx.revocations.add(revocation)
        whose = command.of.uri.encode()
        tx.control.append(_kind(command.of), command.of.subject, now, whose)
        tx.audit.append(_leaf(revocation))
    if not is_repeated:
        # What was answered is in the row, which is there for good: the record holds the id alone.
        tx.answers.put(request, b"", resource=command.of.subject, sealed_for=None, now=now)
    return revocation


def _kind(of: OfPeer | OfCertificate) -> ControlKind:
    is_peer = isinstance(of, OfPeer)
    return ControlKind.PEER_REVOKED if is_peer else ControlKind.CERTIFICATE_REVOKED


def _leaf(revocation: Revocation) -> AuditEvent:
    return AuditEvent(
        event=Event.PEER_REVOKED,
        at=revocation.at,
        caller_uri=revocation.by,
        resource=revocation.of.subject,
        details=(("reason", revocation.reason), ("of", revocation.of.uri)),
    )
