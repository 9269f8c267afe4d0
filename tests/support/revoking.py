"""A center that revokes, with streams that wait for ever."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from juki_center.areas.callers import Operator
from juki_center.areas.fleet.revocations import RevocationReason, Revoke, revoke
from juki_center.cli.fleet_parts import Fleet
from juki_center.rpc import server
from juki_center.rpc.operations_revoke import RevokeParts, Revoking
from jukinet.card.v1 import card_session_service_pb2 as session_pb
from jukinet.card.v1 import card_session_service_pb2_grpc as session_grpc
from jukinet.operations.v1 import center_service_pb2 as operations_pb
from jukinet.operations.v1 import center_service_pb2_grpc as operations_grpc
from tests.support.center import open_test_store
from tests.support.center_edge import RunningEdge, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import grpc

    from juki_center.areas.fleet.revocations import OfCertificate, OfPeer, Revocation
    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.folder import PKIFolder

    Context = grpc.aio.ServicerContext[
        session_pb.AuthenticateRequest, session_pb.AuthenticateResponse
    ]

OPERATOR = Operator("juki://operator/operator-1")


class EndlessSessions(session_grpc.CardSessionServiceServicer):
    """Authenticate writes one message, and then waits for ever."""

    async def Authenticate(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self, _requests: AsyncIterator[session_pb.AuthenticateRequest], context: Context
    ) -> None:
        await context.write(session_pb.AuthenticateResponse())
        await asyncio.Event().wait()

    def service(self) -> server.Service:
        """Return the service for a server."""
        return server.Service(
            session_pb.DESCRIPTOR.services_by_name["CardSessionService"],
            lambda s: session_grpc.add_CardSessionServiceServicer_to_server(self, s),
        )


class _RevokingOnly(Revoking, operations_grpc.CenterServiceServicer):
    """CenterService without its other parts."""

    def __init__(self, parts: RevokeParts) -> None:
        self._revoke = parts


@dataclass(frozen=True)
class RevokingCenter:
    """A center that listens, its store and what it keeps of its fleet."""

    store: SQLiteStore
    fleet: Fleet
    edge: RunningEdge

    async def revoke(
        self,
        of: OfPeer | OfCertificate,
        reason: RevocationReason = RevocationReason.STOLEN,
        store: SQLiteStore | None = None,
    ) -> Revocation:
        """Revoke at the store, as the command does."""
        return await revoke_in(store or self.store, of, reason)


async def revoke_in(
    store: SQLiteStore,
    of: OfPeer | OfCertificate,
    reason: RevocationReason = RevocationReason.STOLEN,
    request_id: uuid.UUID | None = None,
) -> Revocation:
    """Revoke at a store."""
    command = Revoke(OPERATOR, request_id or uuid.uuid4(), of, reason)
    return await store.act(lambda tx: revoke(tx, command, datetime.now(UTC)), urgent=True)


@asynccontextmanager
async def revoking_center(
    pki: PKIFolder,
    folder: Path,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    services: tuple[server.Service, ...] = (),
) -> AsyncIterator[RevokingCenter]:
    """Serve what revokes, endless sessions, and `services`, until the block ends.

    The gates go by `clock`.
    """
    with closing(open_test_store(folder)) as store:
        fleet = Fleet.of(store, clock)
        revoking = _RevokingOnly(RevokeParts(store, lambda: datetime.now(UTC)))
        own = server.Service(
            operations_pb.DESCRIPTOR.services_by_name["CenterService"],
            lambda s: operations_grpc.add_CenterServiceServicer_to_server(revoking, s),
        )
        async with (
            running(
                pki,
                own,
                EndlessSessions().service(),
                *services,
                live=fleet.live,
                gates=fleet.gates,
            ) as edge,
            fleet.watching(),
        ):
            yield RevokingCenter(store, fleet, edge)
