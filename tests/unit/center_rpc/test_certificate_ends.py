"""What runs on a certificate ends with it, by itself, and says why."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from juki_center.areas.fleet.certificates import (
    CertificateState,
    PeerCertificate,
    Presented,
    Source,
    enter_known,
    retire_others,
)
from juki_pki.identity import Role
from juki_pki.requests import key_sha256
from jukinet.card.v1 import card_session_service_pb2 as session_pb
from jukinet.card.v1 import card_session_service_pb2_grpc as session_grpc
from tests.support.center import open_test_store
from tests.support.center_edge import PEERS, channel
from tests.support.fleet import Clock
from tests.support.revoking import revoking_center
from tests.support.undisturbed import Stopwatch
from tests.unit.center_rpc.test_interceptor import error_info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge

    Stream = grpc.aio.StreamStreamCall[
        session_pb.AuthenticateRequest, session_pb.AuthenticateResponse
    ]

AT_MOST_SECONDS = 1.0
OVERLAP_SECONDS = 2.0
"""Long enough that a stream begins within it on a busy machine too."""


def shown(peer: X509Credential) -> Presented:
    """A credential's certificate as its owner shows it."""
    certificate = peer.certificate
    return Presented(
        uri=peer.identity.uri,
        fingerprint=peer.certificate_sha256,
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_sha256=key_sha256(peer.key.public_key()),
    )


async def replace_in(store: SQLiteStore, peer: X509Credential, overlap: float) -> datetime:
    """Let another certificate take the place of a peer's; return when the first is refused."""
    now = datetime.now(UTC)
    refused_from = now + timedelta(seconds=overlap)
    newer = PeerCertificate(
        fingerprint=bytes(32),
        uri=peer.identity.uri,
        serial="1",
        not_before=now,
        not_after=now + timedelta(days=365),
        key_sha256=bytes(32),
        state=CertificateState.CURRENT,
        source=Source.RENEWED,
        entered_at=now,
    )

    def act(tx: object) -> None:
        enter_known(tx, shown(peer), now)  # type: ignore[arg-type]  # a transaction
        tx.peer_certificates.add(newer)  # type: ignore[attr-defined]  # as above
        retire_others(tx, newer, refused_from, now)  # type: ignore[arg-type]  # as above

    await store.act(act)
    return refused_from


@asynccontextmanager
async def stream_of(
    edge: RunningEdge, pki: PKIFolder, peer: X509Credential
) -> AsyncIterator[Stream]:
    """A stream of a peer that has begun and never ends."""
    async with channel(edge, pki, peer) as line:
        stream = session_grpc.CardSessionServiceStub(line).Authenticate(timeout=30)
        await stream.read()
        yield stream


async def end_of(stream: Stream) -> tuple[str, dict[str, str]]:
    """Wait for a stream's end, and return why."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stream.read()
    info = error_info(raised.value)
    return info.reason, dict(info.metadata)


@pytest.mark.parametrize("by_another_process", [False, True])
async def test_stream_on_a_replaced_certificate_ends_within_a_second(
    pki: PKIFolder, tmp_path: Path, by_another_process: bool
) -> None:
    peer = pki.terminal("131016", "01")
    async with revoking_center(pki, tmp_path) as center, stream_of(center.edge, pki, peer) as one:
        with closing(open_test_store(tmp_path)) as other:
            watch = Stopwatch()
            await replace_in(other if by_another_process else center.store, peer, 0)
            reason, facts = await end_of(one)
            took = watch.seconds()

    print(f"\nstream on a replaced certificate ended after {took * 1000:.0f} ms")
    assert (reason, set(facts)) == ("CERTIFICATE_RETIRED", {"refusedFrom"})
    assert took <= AT_MOST_SECONDS


async def test_stream_goes_on_through_the_overlap_and_ends_with_it(
    pki: PKIFolder, tmp_path: Path
) -> None:
    peer = pki.terminal("131016", "01")
    async with revoking_center(pki, tmp_path) as center, stream_of(center.edge, pki, peer) as one:
        watch = Stopwatch()
        refused_from = await replace_in(center.store, peer, 0.6)
        reason, facts = await end_of(one)
        ended, took = datetime.now(UTC), watch.seconds()

    assert (reason, facts) == ("CERTIFICATE_RETIRED", {"refusedFrom": refused_from.isoformat()})
    assert ended >= refused_from
    assert took <= 0.6 + AT_MOST_SECONDS


async def test_stream_that_begins_in_the_overlap_ends_with_it_too(
    pki: PKIFolder, tmp_path: Path
) -> None:
    peer = pki.terminal("131016", "01")
    async with revoking_center(pki, tmp_path) as center:
        watch = Stopwatch()
        await replace_in(center.store, peer, OVERLAP_SECONDS)
        async with stream_of(center.edge, pki, peer) as one:
            reason, _ = await end_of(one)
            took = watch.seconds()

    assert reason == "CERTIFICATE_RETIRED"
    assert took <= OVERLAP_SECONDS + AT_MOST_SECONDS


async def test_stream_on_the_certificate_of_somebody_else_goes_on(
    pki: PKIFolder, tmp_path: Path
) -> None:
    first, second = pki.terminal("131016", "01"), pki.terminal("131016", "02")
    async with (
        revoking_center(pki, tmp_path) as center,
        stream_of(center.edge, pki, first) as ending,
        stream_of(center.edge, pki, second) as staying,
    ):
        await replace_in(center.store, first, 0)
        await end_of(ending)

        assert not staying.done()


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.CENTER}))
async def test_stream_on_a_lapsed_certificate_ends_by_itself(
    pki: PKIFolder, tmp_path: Path, role: Role
) -> None:
    peer = pki.peer(next(one for one in PEERS if one.role is role))
    clock = Clock(datetime.now(UTC))
    async with (
        revoking_center(pki, tmp_path, clock) as center,
        channel(center.edge, pki, peer) as line,
    ):
        stub = health_pb2_grpc.HealthStub(line)
        stream = stub.Watch(health_pb2.HealthCheckRequest(), timeout=30)
        await stream.read()
        clock.at = peer.certificate.not_valid_after_utc
        watch = Stopwatch()

        reason, facts = await end_of(stream)

    assert (reason, facts) == ("UNAUTHENTICATED", {})
    assert watch.seconds() <= AT_MOST_SECONDS
