"""Servers of the gRPC edge on ports of their own choosing, and channels to them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
from cryptography.hazmat.primitives import serialization

from juki_center.rpc import server
from juki_center.rpc.access_log import AccessLog
from juki_center.rpc.live_calls import LiveCalls
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.server_tls import ServerTLS
from juki_pki.identity import PeerIdentity, Role
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from juki_center.rpc.gates import Gate
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder

TERMINAL = PeerIdentity(Role.TERMINAL, "01", "131016")
PEERS = (
    PeerIdentity(Role.CENTER, "center-1"),
    TERMINAL,
    PeerIdentity(Role.TERMINAL, "02", "131016"),
    PeerIdentity(Role.TERMINAL, "01", "112089"),
    PeerIdentity(Role.DESK, "01", "131016"),
    PeerIdentity(Role.AGENCY, "passport-1"),
    PeerIdentity(Role.AGENCY, "pension-1"),
    PeerIdentity(Role.OPERATOR, "operator-1"),
    PeerIdentity(Role.OPERATOR, "operator-2"),
)
SERVICE = pb.DESCRIPTOR.services_by_name["CertificateCopyService"]


class ScriptedCopies(pb_grpc.CertificateCopyServiceServicer):
    """A service whose GetIssue does what the test says."""

    def __init__(self, behaviour: Callable[[], pb.GetIssueResponse]) -> None:
        self._behaviour = behaviour

    async def GetIssue(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self, _request: pb.GetIssueRequest, _context: object
    ) -> pb.GetIssueResponse:
        return self._behaviour()


@dataclass
class RunningEdge:
    """A listening edge and what it wrote."""

    server: server.Server
    log: AccessLog
    metrics: Metrics
    tls: ServerTLS
    written: list[bytes]
    live: LiveCalls

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.grpc_port}"

    def log_text(self) -> str:
        self.log.flush()
        return b"".join(self.written).decode()


@asynccontextmanager
async def running(
    pki: PKIFolder,
    *services: server.Service,
    with_reflection: bool = True,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ready: Callable[[], dict[str, bool]] = lambda: {"store": True},
    live: LiveCalls | None = None,
    gates: tuple[Gate, ...] = (),
) -> AsyncIterator[RunningEdge]:
    """Run an edge with `services` until the block ends."""
    written: list[bytes] = []
    log, metrics, live = AccessLog(written.append), Metrics(), LiveCalls() if live is None else live
    tls = ServerTLS(pki.center("center-1"), pki.trust().anchors)
    listening = await server.start(
        services=services,
        listening=server.Listening("127.0.0.1:0", "127.0.0.1:0"),
        credentials=tls.credentials(),
        observation=server.Observation(log, metrics, ready, live),
        clock=clock,
        with_reflection=with_reflection,
        gates=gates,
    )
    try:
        yield RunningEdge(listening, log, metrics, tls, written, live)
    finally:
        await listening.stop(grace_seconds=0)


def scripted(behaviour: Callable[[], pb.GetIssueResponse] = pb.GetIssueResponse) -> server.Service:
    """A copies service whose GetIssue runs `behaviour`."""
    servicer = ScriptedCopies(behaviour)
    return server.Service(
        SERVICE, lambda s: pb_grpc.add_CertificateCopyServiceServicer_to_server(servicer, s)
    )


def pinned(pki: PKIFolder) -> bytes:
    """The center's leaf certificates, as a terminal pins them."""
    return b"".join(
        leaf.public_bytes(serialization.Encoding.PEM) for leaf in pki.trust().center_leaves
    )


def channel(edge: RunningEdge, pki: PKIFolder, client: X509Credential | None) -> grpc.aio.Channel:
    """A channel to the edge that presents `client`, or nothing."""
    key = client.key_pem if client else None
    chain = client.chain_pem if client else None
    credentials = grpc.ssl_channel_credentials(pinned(pki), key, chain)
    return grpc.aio.secure_channel(edge.address, credentials)
