"""Recoveries: a peer whose certificate has expired comes back, if two operators say so in time.

The expired certificate's key has signed the request, so it is the same peer; what it missed in the
meantime is for people to judge. Whoever was retired does not come back this way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NoReturn, Protocol
from uuid import UUID

from juki_center.areas.audit.events import AuditEvent, AuditLog, DeniedAttempt, Event
from juki_center.areas.fleet.certificates import (
    CertificateState,
    PeerCertificate,
    PeerCertificates,
    Presented,
    Source,
    enter_known,
    retire_others,
)
from juki_center.areas.fleet.connected import cut_off
from juki_center.areas.fleet.control import Control
from juki_center.areas.fleet.disconnections import Disconnections
from juki_center.areas.fleet.issuing import FleetPolicy, Sign
from juki_center.areas.fleet.peers import Peer, require_office
from juki_center.areas.fleet.repeats import Repeatable
from juki_center.areas.fleet.revocations import Revocations
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.errors import Reason, Refusal, RuleBroken

_METHOD: Final = "/jukinet.fleet.v1.EnrollmentService/RecoverCertificate"
MOST_OPEN: Final = 5
"""How many keys may be asked for in place of one certificate before somebody decides."""


class RecoveryState(StrEnum):
    """How far a recovery has come."""

    ASKED = "ASKED"
    APPROVED = "APPROVED"
    ISSUED = "ISSUED"


@dataclass(frozen=True, slots=True)
class Recovery:
    """A request for a certificate in place of an expired one."""

    recovery_id: str
    peer: Peer
    expired: bytes
    expired_at: datetime
    key_sha256: bytes
    asked_at: datetime
    state: RecoveryState = RecoveryState.ASKED
    decided_at: datetime | None = None
    decided_by: str = ""
    fingerprint: bytes | None = None

    @property
    def is_approved(self) -> bool:
        """Whether the peer may have its certificate, or has it."""
        return self.state is not RecoveryState.ASKED


class Recoveries(Protocol):
    """What the store keeps of recoveries."""

    def add(self, recovery: Recovery) -> None:
        """Keep a new recovery."""

    def find(self, recovery_id: str) -> Recovery | None:
        """Return a recovery."""

    def change(self, recovery: Recovery) -> None:
        """Write state and outcome of a recovery that is there."""

    def open_ones(self) -> list[Recovery]:
        """Return what waits for approval or for its peer, the oldest first."""


class RecoveriesTx(Protocol):
    """What recovering needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def control(self) -> Control: ...

    @property
    def disconnections(self) -> Disconnections: ...

    @property
    def peer_certificates(self) -> PeerCertificates: ...

    @property
    def recoveries(self) -> Recoveries: ...

    @property
    def revocations(self) -> Revocations: ...


@dataclass(frozen=True, slots=True)
class Recover:
    """Command: a certificate for a new key in place of the expired one that is shown."""

    peer: Peer
    expired: Presented
    key_sha256: bytes
    recovery_id: str


@dataclass(frozen=True, slots=True)
class ApproveRecovery:
    """Command: an operator approves, and cites the approval of another one."""

    caller_uri: str
    request_id: UUID
    recovery_id: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """Where a recovery stands, and the certificate where it has led to one."""

    recovery: Recovery
    certificate: PeerCertificate | None = None


def recover(
    tx: RecoveriesTx, command: Recover, now: datetime, policy: FleetPolicy, sign: Sign
) -> Recovered:
    """Ask for a certificate, or have it once the recovery is approved.

    Raises Refusal, which the log shows: CERTIFICATE_NOT_EXPIRED, RECOVERY_GRACE_OVER,
    RECOVERY_REFUSED for one that was replaced or revoked and for a municipality that is no more,
    CERTIFICATE_REQUEST_INVALID for a key that a certificate has already, DISCONNECTED_TERMINAL and
    its like for a peer that is cut off, whether it asks or comes for what was approved, and those
    of `sign`.
    """
    refusal = cut_off(tx, command.peer, _METHOD, policy.municipalities)
    if refusal is not None:
        _deny(command, now, refusal)
    recovery = tx.recoveries.find(command.recovery_id)
    if recovery is not None and recovery.state is RecoveryState.ISSUED:
        return _again(tx, recovery, command, now)
    _check(tx, command, now, policy)
    if recovery is None:
        recovery = _ask(tx, command, now)
    elif recovery.state is RecoveryState.ASKED:
        _call(command, Event.RECOVERY_ASKED).note_again(tx.answers)
    if recovery.state is RecoveryState.ASKED:
        return Recovered(recovery)
    issued = sign(command.peer, now)
    row = issued.row(command.peer, command.key_sha256, now, source=Source.RECOVERED)
    tx.peer_certificates.add(row)
    retire_others(tx, row, now, now)
    done = replace(recovery, state=RecoveryState.ISSUED, fingerprint=row.fingerprint)
    tx.recoveries.change(done)
    _call(command, Event.CERTIFICATE_RECOVERED).note_first(tx.answers, now)
    tx.audit.append(_event(Event.CERTIFICATE_RECOVERED, command, now))
    return Recovered(done, row)


def approve_recovery(
    tx: RecoveriesTx, command: ApproveRecovery, now: datetime, policy: FleetPolicy
) -> Recovery:
    """Approve a recovery.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, RECOVERY_NOT_FOUND for one that nobody waits
    for, RECOVERY_GRACE_OVER.
    """
    content = canonical((command.recovery_id,))
    request = Request(command.caller_uri, command.request_id, content)
    recovery = tx.recoveries.find(command.recovery_id)
    if first_answer(tx.answers, request, now) is not None and recovery is not None:
        return recovery
    if recovery is None or recovery.is_approved:
        raise Refusal(Reason.RECOVERY_NOT_FOUND)
    if now > recovery.expired_at + policy.grace:
        raise Refusal(Reason.RECOVERY_GRACE_OVER, graceDays=str(policy.grace.days))
    approved = replace(
        recovery,
        state=RecoveryState.APPROVED,
        decided_at=now,
        decided_by=command.caller_uri,
    )
    tx.recoveries.change(approved)
    tx.answers.put(request, b"", resource=command.recovery_id, sealed_for=None, now=now)
    tx.audit.append(
        AuditEvent(
            Event.RECOVERY_APPROVED,
            now,
            command.caller_uri,
            issuing=recovery.peer.municipality,
            resource=command.recovery_id,
            details=(("peer", recovery.peer.uri),),
            request_id=command.request_id,
        )
    )
    return approved


def _check(tx: RecoveriesTx, command: Recover, now: datetime, policy: FleetPolicy) -> None:
    ends = command.expired.not_after
    if now <= ends:
        _deny(command, now, Refusal(Reason.CERTIFICATE_NOT_EXPIRED))
    if now > ends + policy.grace:
        days = str(policy.grace.days)
        _deny(command, now, Refusal(Reason.RECOVERY_GRACE_OVER, graceDays=days))
    if tx.revocations.has(command.expired.fingerprint, command.peer.uri):
        _deny(command, now, Refusal(Reason.RECOVERY_REFUSED))
    present = enter_known(tx, command.expired, now)
    if present.state is not CertificateState.CURRENT or _has_newer(tx, present):
        _deny(command, now, Refusal(Reason.RECOVERY_REFUSED))
    if tx.peer_certificates.has_key(command.key_sha256):
        _deny(command, now, Refusal(Reason.CERTIFICATE_REQUEST_INVALID, rule="KEY_NOT_NEW"))
    try:
        require_office(command.peer, policy.municipalities, now)
    except RuleBroken:
        _deny(command, now, Refusal(Reason.RECOVERY_REFUSED))


def _has_newer(tx: RecoveriesTx, present: PeerCertificate) -> bool:
    """Tell whether the peer has another certificate that counts longer: then this one is a copy."""
    return any(
        one.state is CertificateState.CURRENT and one.not_after > present.not_after
        for one in tx.peer_certificates.of_peer(present.uri)
    )


def _ask(tx: RecoveriesTx, command: Recover, now: datetime) -> Recovery:
    same = [one for one in tx.recoveries.open_ones() if one.expired == command.expired.fingerprint]
    if len(same) >= MOST_OPEN:
        _deny(command, now, Refusal(Reason.RECOVERY_REFUSED))
    recovery = Recovery(
        recovery_id=command.recovery_id,
        peer=command.peer,
        expired=command.expired.fingerprint,
        expired_at=command.expired.not_after,
        key_sha256=command.key_sha256,
        asked_at=now,
    )
    tx.recoveries.add(recovery)
    _call(command, Event.RECOVERY_ASKED).note_first(tx.answers, now)
    tx.audit.append(_event(Event.RECOVERY_ASKED, command, now))
    return recovery


def _again(tx: RecoveriesTx, recovery: Recovery, command: Recover, now: datetime) -> Recovered:
    row = tx.peer_certificates.find(recovery.fingerprint) if recovery.fingerprint else None
    is_current = row is not None and row.state is CertificateState.CURRENT
    if row is None or not is_current or tx.revocations.has(row.fingerprint, row.uri):
        _deny(command, now, Refusal(Reason.RECOVERY_REFUSED))
    _call(command, Event.CERTIFICATE_RECOVERED).note_again(tx.answers)
    return Recovered(recovery, row)


def _call(command: Recover, event: Event) -> Repeatable:
    return Repeatable(command.peer.uri, event, bytes.fromhex(command.recovery_id))


def _deny(command: Recover, now: datetime, refusal: Refusal) -> NoReturn:
    event = replace(_event(Event.RECOVERY_REFUSED, command, now), cause=refusal.reason)
    raise DeniedAttempt(refusal, event)


def _event(event: Event, command: Recover, now: datetime) -> AuditEvent:
    return AuditEvent(
        event,
        now,
        command.peer.uri,
        issuing=command.peer.municipality,
        resource=command.recovery_id,
        details=(("expired", command.expired.fingerprint.hex()),),
    )
