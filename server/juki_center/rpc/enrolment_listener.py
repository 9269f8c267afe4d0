"""The listener for callers that have no certificate yet: TLS 1.3, and a handful of methods.

gRPC demands a client certificate of every connection to a port or of none, so whoever has none
comes to a port of its own. There is nothing else there: a method that does not say that it serves
callers without a certificate is unknown, and so are health, reflection and channelz. Neither a
silent connection nor one that is never done stays: nobody has anything to do here for long.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import grpc

from juki_center.rpc.edge import Edge
from juki_center.rpc.errors import Statuses
from juki_center.rpc.interceptor import Interceptor
from juki_center.rpc.live_calls import LiveCalls
from juki_center.rpc.options import access_rules
from juki_center.rpc.server import Service, bind, channel_options
from juki_center.rpc.strangers import Room, Strangers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from juki_center.rpc.access_log import AccessLog
    from juki_center.rpc.metrics import Metrics

_MOST_CALLS: Final = 256
"""How many calls gRPC takes in before `Strangers` sees them; that one keeps to its own room."""
_GRACE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What watches the calls, and the clock."""

    log: AccessLog
    metrics: Metrics
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Limits:
    """What keeps the listener free: for connections, and for the calls on them.

    A connection has `handshake_seconds` for TLS and its first frame, `idle_seconds` without a call,
    and `age_seconds` altogether; whoever is not done by then comes again. More than
    `most_connections` are closed at once, so that the center keeps files for its other listeners.
    """

    room: Room = field(default_factory=Room)
    handshake_seconds: float = 5.0
    idle_seconds: float = 10.0
    age_seconds: float = 30.0
    most_connections: int = 256

    def options(self) -> tuple[tuple[str, int], ...]:
        """Return the settings of gRPC."""
        handshake = round(self.handshake_seconds * 1000)
        return (
            ("grpc.server_handshake_timeout_ms", handshake),
            ("grpc.http2.settings_timeout", handshake),
            ("grpc.max_connection_idle_ms", round(self.idle_seconds * 1000)),
            ("grpc.max_connection_age_ms", round(self.age_seconds * 1000)),
            ("grpc.max_connection_age_grace_ms", round(self.idle_seconds * 1000)),
            ("grpc.max_concurrent_streams", self.room.most_of_one),
            ("grpc.max_allowed_incoming_connections", self.most_connections),
        )


@dataclass(frozen=True, slots=True)
class EnrolmentListener:
    """A listener that listens."""

    port: int
    _server: grpc.aio.Server = field(repr=False)

    async def stop(self) -> None:
        """Let running calls end, then stop listening."""
        await self._server.stop(_GRACE_SECONDS)


async def start(
    service: Service,
    *,
    address: str,
    credentials: grpc.ServerCredentials,
    watched: Watched,
    limits: Limits,
    is_shared: bool = False,
) -> EnrolmentListener:
    """Listen; raise BindFailedError where the address is taken."""
    live = LiveCalls()
    edge = Edge(
        rules=access_rules((service.descriptor,)),
        statuses=Statuses.from_descriptor(),
        log=watched.log,
        metrics=watched.metrics,
        clock=watched.clock,
        live=live,
        strangers=Strangers(live, limits.room),
    )
    server = grpc.aio.server(
        interceptors=(Interceptor(edge),),
        options=(*channel_options(is_shared=is_shared), *limits.options()),
        maximum_concurrent_rpcs=_MOST_CALLS,
    )
    service.add(server)
    port = bind(server, address, credentials)
    await server.start()
    return EnrolmentListener(port, server)
