"""A center whose streams tell what happens, and readers of the signed hotlist."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import cbor2
from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.areas.copies.signature import CopySigner
from juki_center.cli.fleet_parts import Fleet
from juki_center.cli.watch_parts import watch_parts
from juki_center.rpc import server
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.terminal_watch import Watching, WatchParts
from juki_center.rpc.watch_hub import Settings
from jukinet.fleet.v1 import terminal_service_pb2 as pb
from jukinet.fleet.v1 import terminal_service_pb2_grpc as pb_grpc
from tests.support.center import enter_everybody, open_test_store
from tests.support.center_edge import RunningEdge, channel, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import grpc

    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder

    Stream = grpc.aio.UnaryStreamCall[pb.WatchRequest, pb.WatchResponse]


class _WatchingOnly(Watching, pb_grpc.TerminalServiceServicer):  # type: ignore[misc]  # it writes
    """TerminalService without its other parts."""

    def __init__(self, parts: WatchParts) -> None:
        self._watch = parts


@dataclass(frozen=True)
class WatchedCenter:
    """A center that listens, and what its streams stand on."""

    store: SQLiteStore
    parts: WatchParts
    fleet: Fleet
    edge: RunningEdge
    pki: PKIFolder
    metrics: Metrics

    @asynccontextmanager
    async def stub(
        self, peer: X509Credential | None = None
    ) -> AsyncIterator[pb_grpc.TerminalServiceStub]:
        """Give a stub that calls as a peer, or as Chiyoda's first terminal."""
        async with channel(self.edge, self.pki, peer or self.pki.terminal("131016", "01")) as line:
            yield pb_grpc.TerminalServiceStub(line)


@asynccontextmanager
async def watched_center(
    pki: PKIFolder, folder: Path, settings: Settings | None = None
) -> AsyncIterator[WatchedCenter]:
    """Serve Watch over a store with everybody in it, until the block ends."""
    found = pki.copy_signer()
    signer = CopySigner(found.key, found.certificate.public_bytes(Encoding.DER))
    with closing(open_test_store(folder)) as store:
        await store.act(enter_everybody)
        fleet, metrics = Fleet.of(store, lambda: datetime.now(UTC)), Metrics()
        parts = watch_parts(
            store=store,
            bell=fleet.bell,
            signer=signer,
            metrics=metrics,
            clock=lambda: datetime.now(UTC),
            settings=settings,
        )
        service = server.Service(
            pb.DESCRIPTOR.services_by_name["TerminalService"],
            lambda s: pb_grpc.add_TerminalServiceServicer_to_server(_WatchingOnly(parts), s),
        )
        async with (
            running(pki, service, live=fleet.live, gates=fleet.gates) as edge,
            fleet.watching(),
        ):
            yield WatchedCenter(store, parts, fleet, edge, pki, metrics)


def said(cose: bytes) -> list[object]:
    """Return the content of a signed piece, unverified."""
    return cast("list[object]", cbor2.loads(cbor2.loads(cose).value[2]))
