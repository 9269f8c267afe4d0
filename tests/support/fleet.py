"""A center that enrols peers: a PKI folder, its service and listeners, and a peer's own keys."""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from juki_center.areas.callers import Operator
from juki_center.areas.fleet.peers import Peer
from juki_center.areas.fleet.revocations import (
    OfCertificate,
    OfPeer,
    RevocationReason,
    Revoke,
    revoke,
)
from juki_center.areas.fleet.tokens import MadeToken, MakeToken, make_token
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli import shipped
from juki_center.cli.clerk_services import approval_service, clerk_gates, clerk_policy
from juki_center.cli.fleet_assembly import Enrolment
from juki_center.cli.fleet_parts import Fleet as Parts
from juki_center.config import CenterConfig
from juki_center.rpc import server
from juki_center.rpc.access_log import AccessLog
from juki_center.rpc.enrolment_listener import Limits
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.server_tls import ServerTLS
from juki_center.rpc.terminal_sign_in import SignInParts
from juki_pki.certify import new_key
from juki_pki.requests import make_request
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc
from tests.support.center import open_test_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import ec

    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.folder import PKIFolder

MUNICIPALITIES = shipped.municipalities()
CHIYODA_7 = Peer("juki://municipality/131016/terminal/07", "terminal", MunicipalityCode("131016"))
PASSPORT_9 = Peer("juki://agency/passport-9", "agency")
DESK_9 = Peer("juki://municipality/112089/desk/09", "desk", MunicipalityCode("112089"))
OPERATOR = "juki://operator/operator-1"


@dataclass
class Clock:
    """A clock that a test moves."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class Fleet:
    """A serving center; `clock` is its own."""

    store: SQLiteStore
    pki: PKIFolder
    clock: Clock
    server: server.Server
    written: list[bytes]
    log: AccessLog
    parts: Parts

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.grpc_port}"

    @property
    def enrolment_address(self) -> str:
        return f"127.0.0.1:{self.server.enrolment_port}"

    async def token(self, peer: Peer = CHIYODA_7, hours: int = 72) -> MadeToken:
        command = MakeToken(OPERATOR, peer, hours)
        return await self.store.act(
            lambda tx: make_token(tx, command, self.clock(), MUNICIPALITIES)
        )

    async def revoke(self, of: OfPeer | OfCertificate) -> None:
        command = Revoke(Operator(OPERATOR), uuid.uuid4(), of, RevocationReason.STOLEN)
        await self.store.act(lambda tx: revoke(tx, command, self.clock()))

    def leaves(self) -> bytes:
        return (self.pki.trust_path / "center-leaves.pem").read_bytes()

    @asynccontextmanager
    async def stranger(self) -> AsyncIterator[pb_grpc.EnrollmentServiceStub]:
        """A caller without a certificate at the enrolment listener."""
        credentials = grpc.ssl_channel_credentials(self.leaves())
        async with grpc.aio.secure_channel(self.enrolment_address, credentials) as channel:
            yield pb_grpc.EnrollmentServiceStub(channel)

    @asynccontextmanager
    async def peer(
        self, chain: bytes, key: ec.EllipticCurvePrivateKey
    ) -> AsyncIterator[pb_grpc.EnrollmentServiceStub]:
        """A caller with a certificate at the listener of everything else."""
        async with grpc.aio.secure_channel(
            self.address, grpc.ssl_channel_credentials(self.leaves(), pem_of(key), chain)
        ) as channel:
            yield pb_grpc.EnrollmentServiceStub(channel)

    @asynccontextmanager
    async def operator(self, name: str) -> AsyncIterator[grpc.aio.Channel]:
        """The channel of an operator."""
        own = self.pki.operator(name)
        credentials = grpc.ssl_channel_credentials(self.leaves(), own.key_pem, own.chain_pem)
        async with grpc.aio.secure_channel(self.address, credentials) as channel:
            yield channel

    async def enrol(self, token: bytes, key: ec.EllipticCurvePrivateKey) -> pb.EnrollResponse:
        async with self.stranger() as stub:
            request = pb.EnrollRequest(token=token, certificate_request=make_request(key))
            answer: pb.EnrollResponse = await stub.Enroll(request, timeout=10)
            return answer


async def refused(call: Awaitable[object]) -> tuple[str, dict[str, str]]:
    """Return the reason and the metadata of a call that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    status = rpc_status.from_call(raised.value)  # type: ignore[arg-type]  # duck-typed
    info = error_details_pb2.ErrorInfo()
    assert status is not None, raised.value.details()
    assert status.details[0].Unpack(info)
    return info.reason, dict(info.metadata)


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def chain_of(issued: pb.IssuedCertificate) -> bytes:
    """The chain of an issued certificate in PEM."""
    return b"".join(
        x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        for der in (issued.certificate, issued.issuer)
    )


def fresh_key() -> ec.EllipticCurvePrivateKey:
    return new_key()


def config_of(folder: Path, pki: PKIFolder, **others: object) -> CenterConfig:
    table: dict[str, object] = {
        "environment": "test",
        "listen": {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0", "enrolment": "127.0.0.1:0"},
        "pki": {"dir": str(pki.path)},
        "keys": {"kek": "kek"},
        "store": {"url": "sqlite:///center.db"},
    }
    return replace(CenterConfig.parse(table, base=folder), **others)


@asynccontextmanager
async def serving(
    pki: PKIFolder,
    folder: Path,
    clock: Callable[[], datetime] | None = None,
    limits: Limits | None = None,
    *,
    signs: bool = True,
    **others: object,
) -> AsyncIterator[Fleet]:
    """Serve enrolment until the block ends; `others` replace keys of the configuration.

    Unless it `signs` the heads of its log, no answer has a receipt.
    """
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240  # before anything is served
    config = config_of(folder, pki, **others)
    own = clock if isinstance(clock, Clock) else Clock(datetime.now(UTC))
    written: list[bytes] = []
    log, metrics = AccessLog(written.append), Metrics()
    store = open_test_store(folder, signer=pki.log_signer() if signs else None)
    enrolment, parts = Enrolment(config, store, pki, own), Parts.of(store, own)
    clerks = SignInParts(store, clerk_policy(config), own)
    running = await server.start(
        services=(enrolment.service, approval_service(clerks, (enrolment.service,))),
        listening=server.Listening(config.listen_grpc, config.listen_http),
        credentials=ServerTLS(pki.center("center-1"), pki.trust().anchors).credentials(),
        observation=server.Observation(
            log, metrics, lambda: {"store": True}, parts.live, judged=parts.judged
        ),
        clock=own,
        with_reflection=False,
        gates=(*parts.gates, *clerk_gates(clerks)),
    )
    try:
        async with (
            parts.watching(),
            enrolment.listening(log, metrics, limits) as running.enrolment_port,
        ):
            yield Fleet(store, pki, own, running, written, log, parts)
    finally:
        await running.stop(grace_seconds=0)
        store.close()
