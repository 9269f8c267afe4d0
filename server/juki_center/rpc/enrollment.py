"""EnrollmentService: each call is one act, with its translation.

Who calls comes from the certificate, or from the token or the expired certificate where there is
none yet. What is allowed is decided by the acts, inside the committing transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from juki_center.areas.calls import current_call
from juki_center.areas.fleet.enrolment import Enrol, enrol
from juki_center.areas.fleet.peers import Peer
from juki_center.areas.fleet.recoveries import (
    ApproveRecovery,
    Recover,
    approve_recovery,
    recover,
)
from juki_center.areas.fleet.renewals import Confirm, Renew, confirm, renew
from juki_center.areas.fleet.tokens import TOKEN_OCTETS
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from juki_center.rpc import fields, recovery_request
from juki_center.rpc.certificate_gate import ENROLLED, presented
from juki_center.rpc.durable import durably
from juki_center.rpc.issuing import checked_request
from juki_center.rpc.peers import current_caller
from juki_pki.recovery import recovery_number
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc
    from cryptography import x509

    from juki_center.areas.fleet.certificates import PeerCertificate
    from juki_center.areas.fleet.issuing import FleetPolicy
    from juki_center.areas.ports import Store, Tx
    from juki_center.rpc.center_descriptions import DescriptionsSource
    from juki_center.rpc.issuing import Authority, Issuing
    from juki_pki.identity import PeerIdentity

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service stands on."""

    store: Store
    policy: FleetPolicy
    issuing: Issuing
    descriptions: DescriptionsSource
    issuers: Callable[[], tuple[x509.Certificate, ...]]
    """The authorities whose certificates may be recovered."""
    clock: Callable[[], datetime]


class Enrollment(pb_grpc.EnrollmentServiceServicer):
    """The servicer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def Enroll(  # noqa: N802  # the proto's name
        self, request: pb.EnrollRequest, _context: Context[pb.EnrollRequest, pb.EnrollResponse]
    ) -> pb.EnrollResponse:
        """Issue a first certificate."""
        token = fields.octets("token", request.token, size=TOKEN_OCTETS)
        asked = checked_request(request.certificate_request)
        command = Enrol(token, asked.key_sha256)
        authority = self._parts.issuing.authority()
        sign, policy = authority.signer(asked), self._parts.policy
        descriptions = await self._parts.descriptions.current(self._parts.clock())
        row = await self._act(lambda tx, now: enrol(tx, command, now, policy, sign))
        return pb.EnrollResponse(issued=_issued(row, authority), descriptions=descriptions)

    async def GetCenterDescriptions(  # noqa: N802  # the proto's name
        self,
        request: pb.GetCenterDescriptionsRequest,
        _context: Context[pb.GetCenterDescriptionsRequest, pb.GetCenterDescriptionsResponse],
    ) -> pb.GetCenterDescriptionsResponse:
        """Say what must be trusted now."""
        found = await self._parts.descriptions.current(self._parts.clock())
        if request.known_version == found.version:
            return pb.GetCenterDescriptionsResponse()
        return pb.GetCenterDescriptionsResponse(descriptions=found)

    async def RenewCertificate(  # noqa: N802  # the proto's name
        self,
        request: pb.RenewCertificateRequest,
        _context: Context[pb.RenewCertificateRequest, pb.RenewCertificateResponse],
    ) -> pb.RenewCertificateResponse:
        """Issue the next certificate."""
        caller = current_caller()
        request_id = fields.uuid4("request_id", request.request_id)
        asked = checked_request(request.certificate_request)
        peer = enrolled(caller.identity)
        command = Renew(peer, presented(caller), request_id, asked.key_sha256)
        authority = self._parts.issuing.authority()
        sign = authority.signer(asked)
        row = await self._act(lambda tx, now: renew(tx, command, now, sign))
        return pb.RenewCertificateResponse(issued=_issued(row, authority))

    async def ConfirmCertificate(  # noqa: N802  # the proto's name
        self,
        _request: pb.ConfirmCertificateRequest,
        _context: Context[pb.ConfirmCertificateRequest, pb.ConfirmCertificateResponse],
    ) -> pb.ConfirmCertificateResponse:
        """Make the caller's new certificate the current one."""
        caller = current_caller()
        command = Confirm(enrolled(caller.identity), presented(caller))
        policy = self._parts.policy
        refused_from = await self._act(lambda tx, now: confirm(tx, command, now, policy))
        answer = pb.ConfirmCertificateResponse()
        if refused_from is not None:
            stamp = Timestamp()
            stamp.FromDatetime(refused_from)
            answer.old_refused_from.CopyFrom(stamp)
        return answer

    async def RecoverCertificate(  # noqa: N802  # the proto's name
        self,
        request: pb.RecoverCertificateRequest,
        _context: Context[pb.RecoverCertificateRequest, pb.RecoverCertificateResponse],
    ) -> pb.RecoverCertificateResponse:
        """Take a request for a certificate in place of an expired one, or answer it."""
        asked = checked_request(request.certificate_request)
        shown = recovery_request.checked(request, asked, self._parts.issuers())
        number = recovery_number(shown.certificate.fingerprint, asked.key_sha256)
        peer = enrolled(shown.identity)
        command = Recover(peer, shown.certificate, asked.key_sha256, number)
        authority = self._parts.issuing.authority()
        sign, policy = authority.signer(asked), self._parts.policy
        found = await self._act(lambda tx, now: recover(tx, command, now, policy, sign))
        answer = pb.RecoverCertificateResponse(
            recovery_id=found.recovery.recovery_id, approved=found.recovery.is_approved
        )
        if found.certificate is not None:
            answer.issued.CopyFrom(_issued(found.certificate, authority))
            # Where they cannot be told now, the same request gives the same certificate later.
            descriptions = await self._parts.descriptions.current(self._parts.clock())
            answer.descriptions.CopyFrom(descriptions)
        return answer

    async def ApproveRecovery(  # noqa: N802  # the proto's name
        self,
        request: pb.ApproveRecoveryRequest,
        _context: Context[pb.ApproveRecoveryRequest, pb.ApproveRecoveryResponse],
    ) -> pb.ApproveRecoveryResponse:
        """Approve a recovery; that two persons do, the gate of approvals has seen to."""
        require_cited_approval()
        command = ApproveRecovery(
            caller_uri=current_caller().identity.uri,
            request_id=fields.uuid4("request_id", request.request_id),
            recovery_id=fields.text("recovery_id", request.recovery_id, longest=32),
        )
        policy = self._parts.policy
        recovery = await self._act(lambda tx, now: approve_recovery(tx, command, now, policy))
        return pb.ApproveRecoveryResponse(uri=recovery.peer.uri)

    async def _act(self, act: Callable[[Tx, datetime], Outcome]) -> Outcome:
        now = self._parts.clock()
        return await durably(self._parts.store.act(lambda tx: act(tx, now)))


def enrolled(identity: PeerIdentity) -> Peer:
    """Return the calling terminal, desk or agency; raise ROLE_NOT_ALLOWED for anybody else."""
    if identity.role not in ENROLLED:
        raise Refusal(Reason.ROLE_NOT_ALLOWED)
    code = identity.municipality
    return Peer(identity.uri, identity.role.value, MunicipalityCode(code) if code else None)


def _issued(row: PeerCertificate, authority: Authority) -> pb.IssuedCertificate:
    return pb.IssuedCertificate(uri=row.uri, certificate=row.content, issuer=authority.certificate)


def require_cited_approval() -> None:
    """Raise APPROVAL_REQUIRED unless the gate of approvals has bound one to the current call.

    The gate refuses already; this holds where a center runs without it.
    """
    call = current_call()
    if call is None or not any(name == "approval" for name, _ in call.cited):
        raise Refusal(Reason.APPROVAL_REQUIRED)
