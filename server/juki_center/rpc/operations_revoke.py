"""CenterService, what shuts a peer out for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from juki_center.areas.fleet import revocations
from juki_center.rpc import fields
from juki_center.rpc.callers import operator
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from juki_pki.errors import IdentityError
from juki_pki.identity import PeerIdentity
from jukinet.operations.v1 import center_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from juki_center.areas.ports import Store

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

_FINGERPRINT_OCTETS = 32


@dataclass(frozen=True, slots=True)
class RevokeParts:
    """What revoking stands on."""

    store: Store
    clock: Callable[[], datetime]


class Revoking:
    """The part of the servicer that revokes."""

    _revoke: RevokeParts

    async def RevokeTerminal(  # noqa: N802  # the proto's name
        self,
        request: pb.RevokeTerminalRequest,
        _context: Context[pb.RevokeTerminalRequest, pb.RevokeTerminalResponse],
    ) -> pb.RevokeTerminalResponse:
        """Let a peer or a certificate count no more."""
        parts = self._revoke
        command, now = _command(request), parts.clock()
        done = await durably(parts.store.act(lambda tx: revocations.revoke(tx, command, now)))
        since = Timestamp()
        since.FromDatetime(done.at)
        return pb.RevokeTerminalResponse(
            reason=pb.RevocationReason.Value(
                fields.proto_name(done.reason, pb.RevocationReason.DESCRIPTOR)
            ),
            revoked_time=since,
        )


def _command(request: pb.RevokeTerminalRequest) -> revocations.Revoke:
    return revocations.Revoke(
        caller=operator(current_caller().identity),
        request_id=fields.uuid4("request_id", request.request_id),
        of=_of(request),
        reason=fields.choice(
            "reason",
            request.reason,
            pb.RevocationReason.DESCRIPTOR,
            revocations.RevocationReason,
        ),
    )


def _of(request: pb.RevokeTerminalRequest) -> revocations.OfPeer | revocations.OfCertificate:
    match request.WhichOneof("subject"):
        case "uri":
            return revocations.OfPeer(_uri("uri", request.uri))
        case "certificate":
            one = request.certificate
            owner = _uri("certificate.uri", one.uri) if one.uri else ""
            digest = fields.octets("certificate.sha256", one.sha256, size=_FINGERPRINT_OCTETS)
            return revocations.OfCertificate(digest, owner)
        case _:
            raise fields.invalid("subject", "REQUIRED")


def _uri(name: str, text: str) -> str:
    try:
        return PeerIdentity.from_uri(text).uri
    except IdentityError:
        raise fields.invalid(name, "PEER_URI") from None
