"""A center that cuts peers off over gRPC, with endless streams, copies and the life of cards."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from juki_center.areas.fleet.disconnections import (
    Disconnect,
    Disconnection,
    Level,
    Reconnect,
    Scope,
    Subject,
    disconnect,
    reconnect,
)
from juki_center.cli.fleet_parts import Fleet
from juki_center.rpc import cards, copies, personalise_stream, server
from juki_center.rpc.making_material import load_making_material
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_sessions import OpenSessions
from juki_center.rpc.operations_disconnect import Disconnecting, DisconnectParts
from juki_center.rpc.personalisations import Personalisations
from jukinet.card.v1 import card_session_service_pb2_grpc as session_grpc
from jukinet.cards.v1 import card_service_pb2_grpc as cards_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as copies_grpc
from jukinet.operations.v1 import center_service_pb2 as operations_pb
from jukinet.operations.v1 import center_service_pb2_grpc as operations_grpc
from jukinet.operations.v1 import disconnection_pb2 as messages
from tests.support.card_service import CARDS, SIGNER, TRUST
from tests.support.card_window import CardWindow
from tests.support.center import NOW, make_policy, open_test_store
from tests.support.center_edge import SERVICE, RunningEdge, channel, running
from tests.support.clerks import clerk_policy
from tests.support.revoking import EndlessSessions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import timedelta
    from pathlib import Path

    from juki_center.areas.audit.heads import LogSigner
    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder

    Stream = grpc.aio.StreamStreamCall[object, object]

OPERATOR = "juki://operator/operator-1"
TOKOROZAWA = Subject(Scope.MUNICIPALITY, "112089")
CHIYODA = Subject(Scope.MUNICIPALITY, "131016")


class _DisconnectingOnly(Disconnecting, operations_grpc.CenterServiceServicer):
    """CenterService without its other parts."""

    def __init__(self, parts: DisconnectParts) -> None:
        self._disconnections = parts


@dataclass(frozen=True)
class CuttingCenter:
    """A center that listens, its store, and what it keeps of its fleet."""

    store: SQLiteStore
    fleet: Fleet
    edge: RunningEdge
    pki: PKIFolder

    async def cut(self, subject: Subject, level: Level = Level.HIGH) -> Disconnection:
        """Cut a subject off at the store."""
        return await cut_in(self.store, subject, level)

    async def connect(self, subject: Subject) -> Disconnection:
        """Connect a subject again at the store, where nobody asks for a second person."""
        command = Reconnect(OPERATOR, uuid.uuid4(), subject)
        return await self.store.act(lambda tx: reconnect(tx, command, NOW))

    def channel(self, peer: X509Credential) -> grpc.aio.Channel:
        """Return a channel that presents a peer's certificate."""
        return channel(self.edge, self.pki, peer)


async def cut_in(store: SQLiteStore, subject: Subject, level: Level = Level.HIGH) -> Disconnection:
    """Cut a subject off at a store."""
    command = Disconnect(OPERATOR, uuid.uuid4(), subject, level, "exposed media")
    return await store.act(lambda tx: disconnect(tx, command, NOW))


@asynccontextmanager
async def cutting_center(
    pki: PKIFolder,
    furnished: Path,
    folder: Path,
    within: timedelta,
    signer: LogSigner | None = None,
) -> AsyncIterator[CuttingCenter]:
    """Serve a copy of a furnished store until the block ends."""
    shutil.copytree(furnished, folder)
    with closing(open_test_store(folder, signer=signer)) as store:
        fleet = Fleet.of(store, lambda: NOW)
        async with (
            running(
                pki, *_services(pki, store, within), live=fleet.live, gates=fleet.gates
            ) as edge,
            fleet.watching(),
        ):
            yield CuttingCenter(store, fleet, edge, pki)


def _services(pki: PKIFolder, store: SQLiteStore, within: timedelta) -> tuple[server.Service, ...]:
    operations = _DisconnectingOnly(DisconnectParts(store, lambda: NOW))
    window = CardWindow(store)
    making = Personalisations(
        personalise_stream.Parts(
            store=store,
            policy=window.policy,
            material=lambda: load_making_material(pki),
            open_sessions=OpenSessions(Metrics()),
            within=within,
            clock=lambda: NOW,
        )
    )
    life = cards.Cards(cards.Parts(store, window.policy, lambda: NOW, Metrics(), making))
    issue = copies.CertificateCopies(
        copies.Parts(store, make_policy(SIGNER), TRUST, lambda: NOW, clerk_policy())
    )
    return (
        server.Service(
            operations_pb.DESCRIPTOR.services_by_name["CenterService"],
            lambda s: operations_grpc.add_CenterServiceServicer_to_server(operations, s),
        ),
        server.Service(CARDS, lambda s: cards_grpc.add_CardServiceServicer_to_server(life, s)),
        server.Service(
            SERVICE, lambda s: copies_grpc.add_CertificateCopyServiceServicer_to_server(issue, s)
        ),
        EndlessSessions().service(),
    )


async def opened_streams(line: grpc.aio.Channel, count: int) -> list[Stream]:
    """Open streams that wait for ever, and return when each has said its first word."""
    stub = session_grpc.CardSessionServiceStub(line)
    streams = [stub.Authenticate() for _ in range(count)]
    await asyncio.gather(*(stream.read() for stream in streams))
    return streams


def message_of(subject: Subject) -> messages.Subject:
    """Return a subject as an operator's program sends it."""
    return messages.Subject(scope=messages.Scope.Value(f"SCOPE_{subject.scope}"), name=subject.name)
