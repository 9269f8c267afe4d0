"""A center with the gates of clerks and approvals, and the services that stand on them."""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc

from juki_center.areas.clerks.policy import ClerkPolicy
from juki_center.cli.clerk_services import (
    approval_service,
    clerk_gates,
    clerk_service,
    terminal_service,
)
from juki_center.cli.watch_parts import watch_parts
from juki_center.rpc import terminals
from juki_center.rpc.control_bell import ControlBell
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.terminal_sign_in import SignInParts
from tests.support import agency_service
from tests.support.center import make_signer, open_test_store
from tests.support.center_edge import channel, running
from tests.support.clerks import clerk_policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class ClerkOffice:
    """A center that serves clerks and approvals."""

    store: SQLiteStore
    policy: ClerkPolicy
    clock: Clock
    edge: RunningEdge
    pki: PKIFolder

    @asynccontextmanager
    async def line(self, peer: X509Credential) -> AsyncIterator[grpc.aio.Channel]:
        """Give a channel that calls as a peer."""
        async with channel(self.edge, self.pki, peer) as line:
            yield line


@asynccontextmanager
async def serving(pki: PKIFolder, folder: Path) -> AsyncIterator[ClerkOffice]:
    """Serve the services of clerks and approvals behind their gates."""
    store, clock, policy = open_test_store(folder), Clock(), clerk_policy()
    parts = SignInParts(store, policy, clock)
    signer, _ = make_signer()
    watches = watch_parts(
        store=store,
        bell=ControlBell(store),
        signer=signer,
        metrics=Metrics(),
        clock=clock,
    )
    services = (terminal_service(terminals.Parts(parts, watches)), clerk_service(parts))
    ours = (*services, approval_service(parts, services))
    try:
        async with running(pki, *ours, gates=clerk_gates(parts)) as edge:
            yield ClerkOffice(store, policy, clock, edge, pki)
    finally:
        store.close()


async def reason_of(call: Awaitable[object]) -> str:
    """Await a call that fails, and return its reason."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return agency_service.reason_of(error)[0]
    raise AssertionError("the call went through")


def new_id() -> str:
    """Return a request id."""
    return str(uuid.uuid4())
