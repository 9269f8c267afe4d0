"""The listener for callers that have no certificate yet: TLS 1.3, and a handful of methods.

gRPC demands a client certificate of every connection to a port or of none, so whoever has none
comes to a port of its own. There is nothing else there: a method that does not say that it serves
callers without a certificate is unknown, and so are health, reflection and channelz.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import grpc

from juki_center.rpc.errors import Statuses
from juki_center.rpc.interceptor import Edge, Interceptor
from juki_center.rpc.options import access_rules
from juki_center.rpc.server import CHANNEL_OPTIONS, Service, bind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from juki_center.rpc.access_log import AccessLog
    from juki_center.rpc.metrics import Metrics

_MOST_CALLS: Final = 16
"""How many calls are served at once; anybody may call, and nothing here is urgent."""
_GRACE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What watches the calls, and the clock."""

    log: AccessLog
    metrics: Metrics
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class EnrolmentListener:
    """A listener that listens."""

    port: int
    _server: grpc.aio.Server = field(repr=False)

    async def stop(self) -> None:
        """Let running calls end, then stop listening."""
        await self._server.stop(_GRACE_SECONDS)


async def start(
    service: Service, *, address: str, credentials: grpc.ServerCredentials, watched: Watched
) -> EnrolmentListener:
    """Listen; raise BindFailedError where the address is taken."""
    edge = Edge(
        rules=access_rules((service.descriptor,)),
        statuses=Statuses.from_descriptor(),
        log=watched.log,
        metrics=watched.metrics,
        clock=watched.clock,
        strangers=True,
    )
    server = grpc.aio.server(
        interceptors=(Interceptor(edge),),
        options=CHANNEL_OPTIONS,
        maximum_concurrent_rpcs=_MOST_CALLS,
    )
    service.add(server)
    port = bind(server, address, credentials)
    await server.start()
    return EnrolmentListener(port, server)
