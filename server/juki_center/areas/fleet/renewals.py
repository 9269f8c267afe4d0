"""Renewal in two phases: a new certificate is issued, and counts once its owner has stored it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.fleet.certificates import (
    CertificateState,
    PeerCertificate,
    PeerCertificates,
    Presented,
    Source,
    enter_known,
    retire_others,
)
from juki_center.areas.fleet.control import Control
from juki_center.areas.fleet.issuing import FleetPolicy, Sign
from juki_center.areas.fleet.peers import Peer
from juki_center.areas.fleet.repeats import Repeatable
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.errors import Reason, Refusal


class RenewalsTx(Protocol):
    """What renewing needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def control(self) -> Control: ...

    @property
    def peer_certificates(self) -> PeerCertificates: ...


@dataclass(frozen=True, slots=True)
class Renew:
    """Command: the next certificate of the peer who shows `shown`, for a new key."""

    peer: Peer
    shown: Presented
    request_id: UUID
    key_sha256: bytes

    def content(self) -> bytes:
        """Return what two requests with one id must have in common."""
        return canonical((self.peer.uri, self.key_sha256))


@dataclass(frozen=True, slots=True)
class Confirm:
    """Command: the peer proves, by calling over it, that it has stored this certificate."""

    peer: Peer
    shown: Presented


def renew(tx: RenewalsTx, command: Renew, now: datetime, sign: Sign) -> PeerCertificate:
    """Issue a certificate that waits to be confirmed; one that waited before is replaced by it.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, CERTIFICATE_RETIRED for a caller whose
    certificate was replaced already, CERTIFICATE_REQUEST_INVALID for a key that a certificate has
    already, and those of `sign`.
    """
    request = Request(command.peer.uri, command.request_id, command.content())
    if (fingerprint := first_answer(tx.answers, request, now)) is not None:
        return _issued(tx, fingerprint)
    present = enter_known(tx, command.shown, now)
    if present.state is not CertificateState.CURRENT:
        raise _retired(present, now)
    if tx.peer_certificates.has_key(command.key_sha256):
        raise Refusal(Reason.CERTIFICATE_REQUEST_INVALID, rule="KEY_NOT_NEW")
    _drop_unconfirmed(tx, command.peer.uri, now)
    row = sign(command.peer, now).row(
        command.peer,
        command.key_sha256,
        now,
        source=Source.RENEWED,
        state=CertificateState.PENDING,
        replaces=present.fingerprint,
    )
    tx.peer_certificates.add(row)
    fingerprint = row.fingerprint
    tx.answers.put(request, fingerprint, resource=fingerprint.hex(), sealed_for=None, now=now)
    event = _event(Event.CERTIFICATE_RENEWED, command.peer, row, now, command.request_id)
    tx.audit.append(event)
    return row


def confirm(
    tx: RenewalsTx, command: Confirm, now: datetime, policy: FleetPolicy
) -> datetime | None:
    """Make the certificate that is shown the current one; return when the one before is refused.

    What is confirmed already stays as it is. Raises Refusal(CERTIFICATE_RETIRED) where a later
    renewal or enrolment has replaced it.
    """
    row = enter_known(tx, command.shown, now)
    if row.state is CertificateState.RETIRED:
        raise _retired(row, now)
    call = Repeatable(command.peer.uri, Event.CERTIFICATE_CONFIRMED, row.fingerprint)
    if row.state is CertificateState.CURRENT:
        call.note_again(tx.answers)
        return _refused_from(tx, row.replaces)
    tx.peer_certificates.change(row.fingerprint, CertificateState.CURRENT)
    refused_from = retire_others(tx, row, now + policy.overlap, now)
    call.note_first(tx.answers, now)
    tx.audit.append(_event(Event.CERTIFICATE_CONFIRMED, command.peer, row, now))
    return refused_from


def _retired(row: PeerCertificate, now: datetime) -> Refusal:
    refused_from = row.refused_from or now
    return Refusal(Reason.CERTIFICATE_RETIRED, refusedFrom=refused_from.isoformat())


def _refused_from(tx: RenewalsTx, replaced: bytes | None) -> datetime | None:
    standing = tx.peer_certificates.standing(replaced) if replaced else None
    return standing.refused_from if standing else None


def _issued(tx: RenewalsTx, fingerprint: bytes) -> PeerCertificate:
    row = tx.peer_certificates.find(fingerprint)
    if row is None:
        raise LookupError("an answer names a certificate that is not in the table")
    return row


def _drop_unconfirmed(tx: RenewalsTx, uri: str, now: datetime) -> None:
    for one in tx.peer_certificates.of_peer(uri):
        if one.state is CertificateState.PENDING:
            tx.peer_certificates.change(one.fingerprint, CertificateState.RETIRED, now)


def _event(
    event: Event, peer: Peer, row: PeerCertificate, now: datetime, request_id: UUID | None = None
) -> AuditEvent:
    replaces = row.replaces.hex() if row.replaces else ""
    return AuditEvent(
        event,
        now,
        peer.uri,
        issuing=peer.municipality,
        resource=row.fingerprint.hex(),
        details=(("replaces", replaces), ("until", row.not_after.isoformat())),
        request_id=request_id,
    )
