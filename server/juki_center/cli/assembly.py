"""Puts a center together from its configuration: store, keys, services, listeners.

What each part does is in its own module; here they only meet.
"""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_center.cli.accountable_services import disclosure_service, operations_service
from juki_center.cli.card_services import (
    application_service,
    card_service,
    copy_service,
    session_service,
)
from juki_center.cli.clerk_services import (
    approval_service,
    clerk_gates,
    clerk_policy,
    clerk_service,
    terminal_service,
)
from juki_center.cli.copy_keys import copy_signer
from juki_center.cli.duty import FileTurn, by_one
from juki_center.cli.fleet_assembly import Enrolment
from juki_center.cli.fleet_parts import Fleet
from juki_center.cli.fleet_watch import FleetWatch
from juki_center.cli.ground import Ground
from juki_center.cli.housekeeping import housekeeping
from juki_center.cli.log_watch import LogWatch
from juki_center.cli.opening import is_readable
from juki_center.cli.policies import (
    alert_policy,
    card_policy,
    fleet_limits,
    overload_settings,
)
from juki_center.cli.queue_drain import draining, measure_queues
from juki_center.cli.register_services import (
    confirmation_parts,
    confirmation_service,
    move_service,
    register_service,
)
from juki_center.cli.surroundings import Surroundings
from juki_center.cli.watch_parts import watch_parts
from juki_center.cli.whereabouts import announced
from juki_center.cli.witnessing import Witnesses
from juki_center.config import Environment
from juki_center.rpc import server, terminals
from juki_center.rpc.batch_pace import BatchPace
from juki_center.rpc.card_material import MaterialSource
from juki_center.rpc.local_orders import LocalParts
from juki_center.rpc.local_socket import listening_locally
from juki_center.rpc.open_sessions import OpenSessions
from juki_center.rpc.open_streams import OpenStreams
from juki_center.rpc.overload_gate import OverloadGate
from juki_center.rpc.server_tls import ServerTLS
from juki_center.rpc.terminal_sign_in import SignInParts
from juki_center.storage.duty_lock import DutyLock
from juki_center.store_url import is_server
from juki_pki.folder import PKIFolder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from juki_center.config import CenterConfig
    from juki_center.rpc import agencies
    from juki_center.rpc.terminal_watch import WatchParts
    from juki_center.storage.center_store import CenterStore

GRACE_SECONDS: Final = 5.0
_MOST_IMPORTS: Final = 256


@dataclass(frozen=True, slots=True)
class _Center:
    """The parts of a center that more than one service, or its end, has to do with."""

    ground: Ground
    tls: ServerTLS
    material: MaterialSource
    enrolment: Enrolment
    fleet: Fleet
    watches: WatchParts
    clerks: SignInParts
    pace: BatchPace
    sessions: OpenSessions
    imports: OpenStreams
    confirmations: agencies.Parts
    witnesses: Witnesses

    @classmethod
    def on(cls, ground: Ground) -> _Center:
        """Read the keys, and load who is shut out; raise PKIError for keys that are unusable."""
        config, store, pki, metrics = ground.config, ground.store, ground.pki, ground.metrics
        fleet, pace = Fleet.of(store, ground.clock), BatchPace()
        return cls(
            ground=ground,
            tls=ServerTLS(pki.center(config.node), pki.trust().anchors),
            material=MaterialSource(pki, ground.clock()),
            enrolment=Enrolment(config, store, pki, ground.clock),
            fleet=fleet,
            watches=watch_parts(
                store=store,
                bell=fleet.bell,
                signer=copy_signer(pki),
                metrics=metrics,
                clock=ground.clock,
            ),
            clerks=SignInParts(store, clerk_policy(config), ground.clock),
            pace=pace,
            sessions=OpenSessions(metrics),
            imports=OpenStreams(metrics.open_imports, most=_MOST_IMPORTS),
            confirmations=confirmation_parts(ground, pace),
            witnesses=Witnesses(config, pki),
        )

    def take_over_keys(self) -> None:
        """Have what works by keys of the folder take over others while the center runs."""
        ground, on_keys = self.ground, self.ground.reloading.on_keys
        on_keys(lambda now, pki: self.tls.use(pki.center(now.node), pki.trust().anchors))
        on_keys(lambda _config, _pki: self.material.reread(ground.clock()))
        on_keys(lambda now, pki: self.enrolment.use(pki.center(now.node), pki.trust()))
        on_keys(lambda _config, pki: self.watches.take_over(copy_signer(pki)))
        on_keys(self.witnesses.use_keys)
        ground.reloading.on_config(self.witnesses.use_config)
        ground.metrics.tell_witnesses(lambda: self.witnesses.ages(ground.store, ground.clock))

    def services(self) -> Iterator[server.Service]:
        """Give every service once, the one that decides about acts of the others last."""
        ground = self.ground
        acting = (
            session_service(ground, self.material, self.sessions),
            copy_service(ground),
            register_service(ground, self.imports, self.pace),
            application_service(ground),
            card_service(ground, self.sessions),
            move_service(ground),
            confirmation_service(self.confirmations),
            terminal_service(terminals.Parts(self.clerks, self.watches)),
            clerk_service(self.clerks),
            operations_service(ground.store, ground.clock, self.witnesses.policy),
            disclosure_service(ground.config, ground.store, ground.clock),
            self.enrolment.service,
        )
        yield from acting
        yield approval_service(self.clerks, acting)

    async def start(self) -> server.Server:
        """Begin to listen; raise BindFailedError."""
        ground, config = self.ground, self.ground.config
        overload = OverloadGate(overload_settings(config), chance=secrets.SystemRandom().random)
        ground.metrics.tell_overload(overload.reading)
        return await server.start(
            services=tuple(self.services()),
            listening=server.Listening(
                config.listen_grpc, config.listen_http, is_shared=ground.around.shares_ports
            ),
            credentials=self.tls.credentials(),
            observation=self._observation(),
            clock=ground.clock,
            with_reflection=config.environment is not Environment.PRODUCTION,
            gates=(*self.fleet.gates, overload, *clerk_gates(self.clerks)),
        )

    def _observation(self) -> server.Observation:
        ground = self.ground
        return server.Observation(
            ground.log,
            ground.metrics,
            self._ready,
            self.fleet.live,
            ground.around.tracing,
            self.fleet.judged,
        )

    def _ready(self) -> dict[str, bool]:
        store = self.ground.store
        return {
            "store": is_readable(store),
            "log": store.is_log_writable,
            "card_access": self.material.is_valid(self.ground.clock()),
        }

    @asynccontextmanager
    async def at_work(self, running: server.Server) -> AsyncIterator[None]:
        """Do until the block ends what no call asks for; take enrolments and local orders."""
        ground = self.ground
        measure_queues(ground.store, ground.clock, ground.metrics)
        enrolling = self.enrolment.listening(
            ground.log, ground.metrics, is_shared=ground.around.shares_ports
        )
        async with AsyncExitStack() as work:
            await work.enter_async_context(self.fleet.watching())
            await work.enter_async_context(_local_socket(ground))
            await work.enter_async_context(self.confirmations.bell.watching())
            await work.enter_async_context(_once(ground, self._duties))
            await work.enter_async_context(ground.reloading.watching())
            running.enrolment_port = await work.enter_async_context(enrolling)
            yield

    @asynccontextmanager
    async def _duties(self) -> AsyncIterator[None]:
        """Do what one process does for all that work on the same store."""
        ground, store, clock = self.ground, self.ground.store, self.ground.clock
        policy = alert_policy(ground.config)
        watch = LogWatch(store, policy, ground.log, ground.metrics, clock, self.witnesses)
        limits = fleet_limits(ground.config)
        terminals_watch = FleetWatch(store, policy, limits, ground.log, ground.metrics, clock)
        async with (
            housekeeping(store, clock),
            draining(store, clock),
            watch.watching(),
            terminals_watch.watching(),
        ):
            yield

    async def stop(self, running: server.Server) -> None:
        """End sessions by their reason, and calls by themselves within the time of grace."""
        await running.drain()
        self.watches.hub.close()
        self.sessions.close()
        self.imports.close()
        self.confirmations.close()
        await running.stop(GRACE_SECONDS)


@asynccontextmanager
async def listening(
    config: CenterConfig, store: CenterStore, surroundings: Surroundings | None = None
) -> AsyncIterator[server.Server]:
    """Listen until the block ends; then end sessions by their reason and calls by themselves.

    In the meantime the store forgets what is old. Raises PKIError for keys that cannot be read,
    and in production where there is none to sign the log by.
    """
    check_log_key(config)
    center = _Center.on(Ground.of(config, store, surroundings or Surroundings()))
    center.take_over_keys()
    running = await center.start()
    try:
        with announced(config, running.grpc_port):
            async with center.at_work(running):
                yield running
    finally:
        await center.stop(running)


def check_log_key(config: CenterConfig) -> None:
    """Raise Missing where a center in production has no key to sign its log by."""
    if config.environment is Environment.PRODUCTION:
        PKIFolder(config.pki_dir).log_signer()


@asynccontextmanager
async def _local_socket(ground: Ground) -> AsyncIterator[None]:
    """Take local orders, where the configuration names a socket for them."""
    config = ground.config
    if config.listen_local is None:
        yield
        return
    by = f"juki://center/{config.node}"
    parts, path = (
        LocalParts(ground.store, card_policy(config), ground.clock, by),
        config.listen_local,
    )
    if not ground.around.shares_ports:
        async with listening_locally(parts, path):
            yield
        return
    turn = FileTurn(path.with_name(f"{path.name}.lock"))
    async with by_one(turn, lambda: listening_locally(parts, path)):
        yield


@asynccontextmanager
async def _once(
    ground: Ground, work: Callable[[], AbstractAsyncContextManager[None]]
) -> AsyncIterator[None]:
    """Work until the block ends, or while no other process on the same database does."""
    url = ground.config.store_url
    async with by_one(DutyLock(url), work) if is_server(url) else work():
        yield
