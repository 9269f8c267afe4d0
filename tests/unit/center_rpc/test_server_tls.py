"""Keys and anchors of a listening server, exchanged while calls and streams run."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from grpc_health.v1 import health_pb2, health_pb2_grpc

from juki_center.rpc.server_tls import ServerTLS
from juki_pki import make, rollover
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_pki.rollover import Rolling, Step
from juki_pki.successors import Making
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as pb_grpc
from tests.support.center_edge import running, scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from tests.support.center_edge import RunningEdge

_CALLS_BEFORE = 60
_CALLS_AFTER = 20


@pytest.fixture
def own_pki(pki: PKIFolder, tmp_path: Path) -> PKIFolder:
    """A copy of the PKI folder, for one test."""
    shutil.copytree(pki.path, tmp_path / "pki")
    return PKIFolder(tmp_path / "pki")


def step(pki: PKIFolder, what: Rolling) -> Step:
    node = "center-1" if what is Rolling.CENTER else None
    return Step(what, Making(pki, Profiles.load(), datetime.now(UTC)), node, at_once=True)


def reread(edge: RunningEdge, pki: PKIFolder) -> bool:
    return edge.tls.use(pki.center("center-1"), pki.trust().anchors)


@asynccontextmanager
async def dialled(
    edge: RunningEdge, anchors: bytes, client: X509Credential
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel with connections of its own, which no other channel's are taken for."""
    credentials = grpc.ssl_channel_credentials(anchors, client.key_pem, client.chain_pem)
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.secure_channel(edge.address, credentials, options=options) as channel:
        yield channel


async def asked(edge: RunningEdge, anchors: bytes, client: X509Credential) -> bool:
    """Whether one call over a new connection is answered."""
    async with dialled(edge, anchors, client) as channel:
        try:
            await pb_grpc.CertificateCopyServiceStub(channel).GetIssue(
                pb.GetIssueRequest(), timeout=10
            )
        except grpc.aio.AioRpcError as error:
            return error.code() is not grpc.StatusCode.UNAVAILABLE
    return True


def pins(pki: PKIFolder) -> bytes:
    return (pki.trust_path / "center-leaves.pem").read_bytes()


async def leaf_seen(edge: RunningEdge, pki: PKIFolder) -> bytes:
    """SHA-256 of the leaf that a new connection meets."""
    context = ssl.create_default_context(cafile=str(pki.trust_path / "root.pem"))
    place = pki.path / "terminal" / "131016-01"
    context.load_cert_chain(place / "chain.pem", place / "key.pem")
    context.set_alpn_protocols(["h2"])
    host, _, port = edge.address.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    found: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.close()
    return hashlib.sha256(found.getpeercert(binary_form=True) or b"").digest()


@dataclass
class Traffic:
    """Calls over new connections and over one, and a stream, before and after an exchange."""

    edge: RunningEdge
    pki: PKIFolder
    answered: int = 0
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    exchanged: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self) -> None:
        self.answered += 1
        if self.answered >= _CALLS_BEFORE:
            self.flowing.set()

    async def call_anew(self) -> None:
        for left in self._turns():
            assert await asked(self.edge, pins(self.pki), self.terminal), left
            self.count()

    async def call_on_one_connection(self) -> None:
        async with dialled(self.edge, pins(self.pki), self.terminal) as channel:
            stub = pb_grpc.CertificateCopyServiceStub(channel)
            for _ in self._turns():
                await stub.GetIssue(pb.GetIssueRequest(), timeout=10)
                self.count()

    async def stream(self) -> None:
        async with dialled(self.edge, pins(self.pki), self.terminal) as channel:
            stream = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            await anext(aiter(stream))
            await self.exchanged.wait()
            assert await asked(self.edge, pins(self.pki), self.terminal)
            assert not stream.done()
            stream.cancel()

    @property
    def terminal(self) -> X509Credential:
        return self.pki.terminal("131016", "01")

    def _turns(self) -> Iterator[int]:
        after = 0
        while after < _CALLS_AFTER:
            after += self.exchanged.is_set()
            yield after


async def test_calls_and_streams_run_through_a_renewal_of_the_leaf(own_pki: PKIFolder) -> None:
    """A terminal pins both leaves, as it was told to before; not one call fails."""
    old = own_pki.center("center-1").certificate_sha256
    rollover.renew(step(own_pki, Rolling.CENTER))

    async with running(own_pki, scripted()) as edge, asyncio.TaskGroup() as group:
        traffic = Traffic(edge, own_pki)
        for work in (traffic.call_anew, traffic.call_on_one_connection, traffic.stream) * 3:
            group.create_task(work())
        await traffic.flowing.wait()
        seen_before = await leaf_seen(edge, own_pki)

        rollover.activate(step(own_pki, Rolling.CENTER))
        assert reread(edge, own_pki)
        traffic.exchanged.set()

        seen_after = await leaf_seen(edge, own_pki)

    assert seen_before == old
    assert seen_after == own_pki.center("center-1").certificate_sha256 != old
    assert traffic.answered >= _CALLS_BEFORE + 6 * _CALLS_AFTER


async def test_the_same_keys_again_change_nothing(own_pki: PKIFolder) -> None:
    async with running(own_pki, scripted()) as edge:
        assert not reread(edge, own_pki)


async def test_terminal_that_pins_the_old_leaf_alone_is_not_served_after_it(
    own_pki: PKIFolder,
) -> None:
    """What the days between `renew` and `activate` are for."""
    old = pins(own_pki)
    terminal = own_pki.terminal("131016", "01")
    rollover.renew(step(own_pki, Rolling.CENTER))
    rollover.activate(step(own_pki, Rolling.CENTER))

    async with running(own_pki, scripted()) as edge:
        assert not await asked(edge, old, terminal)
        assert await asked(edge, pins(own_pki), terminal)


async def test_peers_below_both_roots_are_served_and_old_ones_also_after_the_old_root(
    own_pki: PKIFolder,
) -> None:
    profiles, now = Profiles.load(), datetime.now(UTC)
    old = own_pki.terminal("131016", "01")
    identity = PeerIdentity(Role.TERMINAL, "09", "112089")

    async with running(own_pki, scripted()) as edge:
        for what in (Rolling.ROOT, Rolling.ISSUING):
            rollover.renew(step(own_pki, what))
            rollover.activate(step(own_pki, what))
        new = make.issue_peer(own_pki, identity, profiles, now)
        unknown = await asked(edge, pins(own_pki), new)
        assert reread(edge, own_pki)
        both = [await asked(edge, pins(own_pki), one) for one in (old, new)]

        rollover.retire(step(own_pki, Rolling.ROOT))
        assert reread(edge, own_pki)
        after = [await asked(edge, pins(own_pki), one) for one in (old, new)]

    assert not unknown
    assert both == [True, True]
    assert after == [True, True]


async def test_peer_below_a_root_that_is_trusted_no_more_is_refused(
    own_pki: PKIFolder, other_pki: PKIFolder
) -> None:
    stranger = other_pki.terminal("131016", "01")

    async with running(own_pki, scripted()) as edge:
        own, other = own_pki.trust().anchors, other_pki.trust().anchors
        edge.tls.use(own_pki.center("center-1"), own + other)
        during = await asked(edge, pins(own_pki), stranger)
        edge.tls.use(own_pki.center("center-1"), own)
        after = await asked(edge, pins(own_pki), stranger)

    assert (during, after) == (True, False)


def test_environment_that_lets_tls_1_2_in_is_refused(
    pki: PKIFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRPC_SSL_CIPHER_SUITES")

    with pytest.raises(RuntimeError, match=r"TLS 1\.2"):
        ServerTLS(pki.center("center-1"), pki.trust().anchors)


def test_pins_are_the_leaves_alone(pki: PKIFolder) -> None:
    (leaf,) = pki.trust().center_leaves

    assert pins(pki) == leaf.public_bytes(Encoding.PEM)
