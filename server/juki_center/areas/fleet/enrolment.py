"""Enrolment: a token and a key become a peer's first certificate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NoReturn, Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, DeniedAttempt, Event
from juki_center.areas.clerks.rows import Clerks
from juki_center.areas.fleet.certificates import (
    CertificateState,
    PeerCertificate,
    PeerCertificates,
    Source,
    retire_others,
)
from juki_center.areas.fleet.connected import cut_off
from juki_center.areas.fleet.control import Control
from juki_center.areas.fleet.disconnections import Disconnections
from juki_center.areas.fleet.issuing import FleetPolicy, Sign
from juki_center.areas.fleet.peers import require_office
from juki_center.areas.fleet.repeats import Repeatable
from juki_center.areas.fleet.revocations import Revocations
from juki_center.areas.fleet.tokens import (
    EnrolmentToken,
    EnrolmentTokens,
    TokenState,
    token_digest,
)
from juki_center.areas.requests.answers import Answers
from juki_center.errors import Reason, Refusal, RuleBroken

_METHOD: Final = "/jukinet.fleet.v1.EnrollmentService/Enroll"


class EnrolmentTx(Protocol):
    """What enrolment needs of a transaction."""

    @property
    def answers(self) -> Answers: ...
    @property
    def audit(self) -> AuditLog: ...

    @property
    def clerks(self) -> Clerks: ...

    @property
    def control(self) -> Control: ...

    @property
    def disconnections(self) -> Disconnections: ...

    @property
    def enrolment_tokens(self) -> EnrolmentTokens: ...

    @property
    def peer_certificates(self) -> PeerCertificates: ...

    @property
    def revocations(self) -> Revocations: ...


@dataclass(frozen=True, slots=True)
class Enrol:
    """Command: a certificate for the key of a request, whose maker has shown to have it."""

    token: bytes = field(repr=False)
    key_sha256: bytes


def enrol(
    tx: EnrolmentTx, command: Enrol, now: datetime, policy: FleetPolicy, sign: Sign
) -> PeerCertificate:
    """Issue a peer's first certificate; every earlier one of the same peer is refused at once.

    The same token and key give the same certificate again. Raises Refusal:
    ENROLMENT_TOKEN_UNKNOWN, ENROLMENT_TOKEN_REVOKED, ENROLMENT_TOKEN_EXPIRED,
    ENROLMENT_TOKEN_USED, ENROLMENT_MUNICIPALITY_NOT_VALID, CERTIFICATE_REVOKED for a peer that was
    revoked, or whose certificate by this token was, CERTIFICATE_REQUEST_INVALID for a key that a
    certificate has already, DISCONNECTED_TERMINAL and its like for a peer that is cut off, and
    those of `sign`. All but the first are logged: whoever had a real
    token is worth a look.
    """
    token = tx.enrolment_tokens.by_digest(token_digest(command.token))
    if token is None:
        raise Refusal(Reason.ENROLMENT_TOKEN_UNKNOWN)
    _check_usable(token, now)
    if tx.revocations.has(token.fingerprint or b"", token.peer.uri):
        _deny(token, now, Refusal(Reason.CERTIFICATE_REVOKED))
    _check_connected(tx, token, policy, now)
    if token.state is TokenState.USED:
        return _again(tx, token, command, now)
    _check_office(token, policy, now)
    if tx.peer_certificates.has_key(command.key_sha256):
        _deny(token, now, Refusal(Reason.CERTIFICATE_REQUEST_INVALID, rule="KEY_NOT_NEW"))
    issued = sign(token.peer, now)
    row = issued.row(token.peer, command.key_sha256, now, source=Source.ENROLLED)
    tx.peer_certificates.add(row)
    retire_others(tx, row, now, now)
    # A clerk has signed in at the machine that was there before, not at this one.
    tx.clerks.remove_sign_in(token.peer.uri)
    tx.enrolment_tokens.change(
        replace(
            token,
            state=TokenState.USED,
            used_at=now,
            key_sha256=command.key_sha256,
            fingerprint=row.fingerprint,
        )
    )
    _call(row).note_first(tx.answers, now)
    tx.audit.append(_event(Event.PEER_ENROLLED, token, now, row.fingerprint.hex()))
    return row


def _check_usable(token: EnrolmentToken, now: datetime) -> None:
    if token.state is TokenState.REVOKED:
        _deny(token, now, Refusal(Reason.ENROLMENT_TOKEN_REVOKED))
    if now > token.expires_at:
        moment = token.expires_at.isoformat()
        _deny(token, now, Refusal(Reason.ENROLMENT_TOKEN_EXPIRED, expiredAt=moment))


def _check_connected(
    tx: EnrolmentTx, token: EnrolmentToken, policy: FleetPolicy, now: datetime
) -> None:
    """Refuse who is cut off: the certificate would be of no use, and a token is kept for later."""
    refusal = cut_off(tx, token.peer, _METHOD, policy.municipalities)
    if refusal is not None:
        _deny(token, now, refusal)


def _again(
    tx: EnrolmentTx, token: EnrolmentToken, command: Enrol, now: datetime
) -> PeerCertificate:
    """Return what the token led to, to the holder of the same key, while it still counts."""
    row = tx.peer_certificates.find(token.fingerprint) if token.fingerprint else None
    is_same = token.key_sha256 == command.key_sha256
    if row is None or not is_same or row.state is not CertificateState.CURRENT:
        _deny(token, now, Refusal(Reason.ENROLMENT_TOKEN_USED))
    _call(row).note_again(tx.answers)
    return row


def _call(row: PeerCertificate) -> Repeatable:
    return Repeatable(row.uri, Event.PEER_ENROLLED, row.fingerprint)


def _check_office(token: EnrolmentToken, policy: FleetPolicy, now: datetime) -> None:
    """Refuse a municipality that was abolished since the token was made."""
    try:
        require_office(token.peer, policy.municipalities, now)
    except RuleBroken as broken:
        refusal = Refusal(Reason.ENROLMENT_MUNICIPALITY_NOT_VALID, rule=broken.rule)
        raise DeniedAttempt(refusal, _event(Event.ENROLMENT_REFUSED, token, now)) from broken


def _deny(token: EnrolmentToken, now: datetime, refusal: Refusal) -> NoReturn:
    event = replace(_event(Event.ENROLMENT_REFUSED, token, now), cause=refusal.reason)
    raise DeniedAttempt(refusal, event)


def _event(event: Event, token: EnrolmentToken, now: datetime, certificate: str = "") -> AuditEvent:
    return AuditEvent(
        event,
        now,
        token.peer.uri,
        issuing=token.peer.municipality,
        resource=certificate,
        details=(("token", token.token_id),),
    )
