"""The gRPC server: mutual TLS 1.3, small messages, every call through the one interceptor.

What the services do is in their own modules; `tls13.settle` must have run before this is imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import grpc
from grpc_channelz.v1 import channelz, channelz_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from juki_center.rpc import status_http
from juki_center.rpc.edge import Edge
from juki_center.rpc.errors import Statuses
from juki_center.rpc.interceptor import Interceptor
from juki_center.rpc.live_calls import LiveCalls
from juki_center.rpc.options import AccessRule, access_rules
from juki_center.rpc.tracing import NO_TRACING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from google.protobuf.descriptor import ServiceDescriptor

    from juki_center.rpc.access_log import AccessLog
    from juki_center.rpc.gates import Gate
    from juki_center.rpc.metrics import Metrics
    from juki_center.rpc.tracing import Tracing

UNIX: Final = "unix:"
_EVERYBODY: Final = frozenset(("terminal", "desk", "agency", "operator", "center"))
_OPERATOR: Final = frozenset(("operator",))
_REFLECTION_V1: Final = "grpc.reflection.v1.ServerReflection"
_REFLECTION_METHOD: Final = "ServerReflectionInfo"
_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
# The largest answer of all methods carries a photo.
_SEND_CAP_BYTES: Final = 262_144
# Above every limit, so that the interceptor sees an oversized message and can name the reason; far
# above it, gRPC itself ends the call.
_RECEIVE_CAP_BYTES: Final = 2 * _SEND_CAP_BYTES
_CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", _RECEIVE_CAP_BYTES),
    ("grpc.max_send_message_length", _SEND_CAP_BYTES),
    ("grpc.max_metadata_size", 16_384),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.enable_channelz", 1),
)


def channel_options(*, is_shared: bool) -> tuple[tuple[str, int], ...]:
    """Return the settings of a server of ours; one that is not shared has its port for itself.

    A shared port is listened on by all workers of one supervisor, which sees to it that nobody
    else does.
    """
    return (("grpc.so_reuseport", int(is_shared)), *_CHANNEL_OPTIONS)


class BindFailedError(OSError):
    """An address cannot be listened on."""

    def __init__(self, address: str) -> None:
        super().__init__(f"cannot listen on {address}; is another center running?")
        self.address = address


@dataclass(frozen=True, slots=True)
class Service:
    """One service of ours: its descriptor, and how it is added to a server."""

    descriptor: ServiceDescriptor
    add: Callable[[grpc.aio.Server], None]


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen; port 0 lets the system choose. `http` may be `unix:` and a path."""

    grpc: str
    http: str
    is_shared: bool = False
    """Whether other processes listen on the same port of gRPC."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What watches the calls."""

    log: AccessLog
    metrics: Metrics
    ready: Callable[[], Mapping[str, bool]]
    live: LiveCalls = field(default_factory=LiveCalls)
    tracing: Tracing = NO_TRACING
    judged: Callable[[], int] = lambda: -1
    """The newest control event that the gates know of; -1 where there is nothing to tell them."""


@dataclass(slots=True)
class Door:
    """Whether calls are taken: not before the server has started, nor when it is about to end."""

    is_open: bool = False


@dataclass(slots=True)
class Server:
    """A server that listens."""

    grpc_port: int
    http_port: int
    _server: grpc.aio.Server = field(repr=False)
    _http: asyncio.Server = field(repr=False)
    _health: health.aio.HealthServicer = field(repr=False)
    _log: AccessLog = field(repr=False)
    _door: Door = field(repr=False)
    enrolment_port: int = 0
    """Where callers without a certificate enrol; 0 where they cannot."""

    async def drain(self) -> None:
        """Say to whoever looks that no more calls should come; those that come are still served."""
        self._door.is_open = False
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float) -> None:
        """Take no new calls, let running ones end, then stop listening."""
        await self.drain()
        await self._server.stop(grace_seconds)
        self._http.close()
        await self._http.wait_closed()
        self._log.flush()

    async def wait(self) -> None:
        """Return when the server has stopped."""
        await self._server.wait_for_termination()


def infrastructure_rules(*, with_reflection: bool) -> dict[str, AccessRule]:
    """Return the rules of the services that are not ours and carry no option."""
    allowed = {
        health_pb2.DESCRIPTOR.services_by_name["Health"]: _EVERYBODY,
        channelz_pb2.DESCRIPTOR.services_by_name["Channelz"]: _OPERATOR,
    }
    paths = {
        f"/{service.full_name}/{method.name}": roles
        for service, roles in allowed.items()
        for method in service.methods
    }
    if with_reflection:
        for name in (_REFLECTION_V1, reflection.SERVICE_NAME):
            paths[f"/{name}/{_REFLECTION_METHOD}"] = _EVERYBODY
    return {path: AccessRule(path, roles) for path, roles in paths.items()}


async def start(  # the parts are wired together once, by name
    *,
    services: Iterable[Service],
    listening: Listening,
    credentials: grpc.ServerCredentials,
    observation: Observation,
    clock: Callable[[], datetime],
    with_reflection: bool,
    gates: tuple[Gate, ...] = (),
) -> Server:
    """Build the server and listen; raise BindFailedError where an address is taken."""
    ours = tuple(services)
    rules = access_rules(service.descriptor for service in ours)
    rules |= infrastructure_rules(with_reflection=with_reflection)
    edge = Edge(
        rules=rules,
        statuses=Statuses.from_descriptor(),
        log=observation.log,
        metrics=observation.metrics,
        clock=clock,
        gates=gates,
        live=observation.live,
        tracing=observation.tracing,
        judged=observation.judged,
    )
    options = channel_options(is_shared=listening.is_shared)
    server = grpc.aio.server(interceptors=(Interceptor(edge),), options=options)
    health_servicer = _add_services(server, ours, with_reflection=with_reflection)
    for service in ours:
        await health_servicer.set(service.descriptor.full_name, _SERVING)
    grpc_port = bind(server, listening.grpc, credentials)
    door = Door()
    probes = status_http.Probes(
        lambda: {**observation.ready(), "accepting": door.is_open},
        observation.metrics.exposition,
    )
    http, http_port = await _listen_http(probes, listening.http)
    await server.start()
    door.is_open = True
    return Server(grpc_port, http_port, server, http, health_servicer, observation.log, door)


def _add_services(
    server: grpc.aio.Server, ours: tuple[Service, ...], *, with_reflection: bool
) -> health.aio.HealthServicer:
    names = [service.descriptor.full_name for service in ours]
    for service in ours:
        service.add(server)
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    channelz.add_channelz_servicer(server)
    if with_reflection:
        _add_reflection(server, (*names, health.SERVICE_NAME, _REFLECTION_V1))
    return servicer


def _add_reflection(server: grpc.aio.Server, names: tuple[str, ...]) -> None:
    """Serve reflection under both of its names: v1 has the messages of v1alpha, octet for octet."""
    reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)
    servicer = reflection.aio.ReflectionServicer((*names, reflection.SERVICE_NAME))
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    methods = {_REFLECTION_METHOD: handler}
    generic = grpc.method_handlers_generic_handler(_REFLECTION_V1, methods)
    server.add_generic_rpc_handlers((generic,))


def bind(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials) -> int:
    """Listen on an address and return the port; raise BindFailedError where it is taken."""
    try:
        port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise BindFailedError(address) from error
    if not port:
        raise BindFailedError(address)
    return port


async def _listen_http(probes: status_http.Probes, address: str) -> tuple[asyncio.Server, int]:
    host, _, port = address.rpartition(":")
    try:
        if address.startswith(UNIX):
            return await status_http.start_unix(probes, address.removeprefix(UNIX)), 0
        return await status_http.start(probes, host, int(port))
    except OSError as error:
        raise BindFailedError(address) from error
