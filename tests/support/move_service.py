"""A center that serves moves and registers over gRPC, and the windows of two municipalities."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import Purpose
from juki_center.areas.cards.sessions import RecordSession, record_session
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.rpc import moves, server
from juki_center.rule_sets import RuleSet
from jukinet.moves.v1 import move_service_pb2 as pb
from jukinet.moves.v1 import move_service_pb2_grpc as pb_grpc
from tests.support.application_service import Clock
from tests.support.card_window import MUNICIPALITIES
from tests.support.center import CHIYODA, NOW, SAMPLES, TOKOROZAWA, open_test_store, serial_of
from tests.support.center_edge import channel, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge

MOVES = pb.DESCRIPTOR.services_by_name["MoveService"]


@dataclass
class MoveOffice:
    """A center that serves moves, its store and clock, and the ways to call it."""

    store: SQLiteStore
    clock: Clock
    edge: RunningEdge
    pki: PKIFolder

    @asynccontextmanager
    async def stub(self, peer: X509Credential) -> AsyncIterator[pb_grpc.MoveServiceStub]:
        """Give a stub that calls as a peer."""
        async with channel(self.edge, self.pki, peer) as line:
            yield pb_grpc.MoveServiceStub(line)

    def origin(self) -> X509Credential:
        """Return the terminal of Tokorozawa."""
        return self.pki.terminal("112089", "01")

    def destination(self) -> X509Credential:
        """Return the first terminal of Chiyoda."""
        return self.pki.terminal("131016", "01")

    def strangers(self) -> dict[str, X509Credential]:
        """Return a peer of each role that may not call."""
        return {
            "desk": self.pki.desk("131016", "01"),
            "agency": self.pki.agency("passport-1"),
            "operator": self.pki.operator("operator-1"),
        }

    async def session(
        self,
        key: str,
        purpose: Purpose = Purpose.SPECIAL_MOVE_IN,
        terminal: Terminal = CHIYODA,
    ) -> bytes:
        """Finish a session of a sample resident's card; return its id."""
        serial = serial_of(key)
        return await finished_session(self.store, serial, self.clock(), purpose, terminal)

    async def cut_off(self, municipality: MunicipalityCode = TOKOROZAWA.municipality) -> None:
        """Disconnect a municipality."""
        await self.store.act(lambda tx: tx.registers.set_connected(municipality, connected=False))


async def finished_session(
    store: SQLiteStore,
    serial: bytes,
    now: datetime = NOW,
    purpose: Purpose = Purpose.SPECIAL_MOVE_IN,
    terminal: Terminal = CHIYODA,
) -> bytes:
    """Finish a session of a card at a terminal; return its id."""
    command = RecordSession(
        terminal=terminal,
        session_id=uuid.uuid4().bytes,
        purpose=purpose,
        card_serial=serial,
        resident_code=None,
        transcript_hash=hashlib.sha256(uuid.uuid4().bytes).digest(),
    )
    session = await store.act(lambda tx: record_session(tx, command, now))
    return session.session_id


@asynccontextmanager
async def serving(
    pki: PKIFolder, furnished: Path, folder: Path, rule_set: RuleSet = RuleSet.R2012_07_09
) -> AsyncIterator[MoveOffice]:
    """Serve a copy of a furnished store until the block ends."""
    shutil.copytree(furnished, folder)
    store, clock = open_test_store(folder), Clock()
    policy = MovePolicy(CardPolicy(rule_set, MUNICIPALITIES))
    servicer = moves.Moves(moves.Parts(store, policy, clock))
    service = server.Service(
        MOVES, lambda target: pb_grpc.add_MoveServiceServicer_to_server(servicer, target)
    )
    try:
        async with running(pki, service) as edge:
            yield MoveOffice(store, clock, edge, pki)
    finally:
        store.close()


def name_of(key: str) -> str:
    """Return a sample resident's name."""
    return SAMPLES[key].record.name
