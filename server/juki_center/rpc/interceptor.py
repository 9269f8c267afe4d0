"""The one wrapping interceptor: who calls, may they, and how did it end.

Everything that a servicer lets out ends here: a refusal as its status, anything else as INTERNAL
with an incident number. What a method does is not here.
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, TypeAlias, cast, runtime_checkable

import grpc
from google.protobuf.message import DecodeError

from juki_center.areas import calls
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from juki_center.rpc import receipts
from juki_center.rpc.access_log import AccessLog, Entry, Incident
from juki_center.rpc.live_calls import LiveCalls
from juki_center.rpc.metrics import UNKNOWN_METHOD, Metrics
from juki_center.rpc.options import MESSAGE_LIMIT_BYTES
from juki_center.rpc.peers import Peers, enter
from juki_center.rpc.tracing import NO_TRACING, TracedCall
from juki_center.rpc.whole_writes import write_whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from datetime import datetime
    from types import TracebackType

    from google.protobuf.message import Message

    from juki_center.rpc.errors import Statuses
    from juki_center.rpc.live_calls import LiveCall
    from juki_center.rpc.options import AccessRule
    from juki_center.rpc.peers import Caller
    from juki_center.rpc.strangers import Strangers
    from juki_center.rpc.tracing import Tracing

Handler: TypeAlias = "grpc.RpcMethodHandler[object, object]"
Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"
Behaviour: TypeAlias = "Callable[..., object]"
Check: TypeAlias = "Callable[..., object]"

STRANGER: Final = "stranger"
"""Whom the access log names where a caller has no certificate."""
_CONSTRUCTORS: Final[Mapping[tuple[bool, bool], Callable[..., Handler]]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


@dataclass(frozen=True, slots=True)
class Undecodable:
    """What stands in for a request that cannot be parsed, because gRPC would leak the error."""

    refusal: Refusal


def guarded_parse(
    parse: Callable[[bytes], object], limit: int = MESSAGE_LIMIT_BYTES
) -> Callable[[bytes], object]:
    """Return a parser that never raises: too large or malformed becomes Undecodable."""

    def guarded(octets: bytes) -> object:
        if len(octets) > limit:
            return Undecodable(Refusal(Reason.MESSAGE_TOO_LARGE, limitBytes=str(limit)))
        try:
            return parse(octets)
        except (DecodeError, ValueError):
            return Undecodable(Refusal(Reason.FIELD_INVALID, field="request", rule="PROTOBUF"))

    return guarded


def _checked(request: object, call: Call) -> object:
    if isinstance(request, Undecodable):
        raise request.refusal
    call.take(request)
    return request


async def _all_checked(requests: AsyncIterator[object], call: Call) -> AsyncIterator[object]:
    async for request in requests:
        yield _checked(request, call)


class Gate(Protocol):
    """One thing that may stand in a call's way, whatever the method does."""

    def admit(self, call: calls.Call, caller: Caller, rule: AccessRule) -> None:
        """Raise Refusal, or add to the call the guards that its acts must pass.

        What is refused here is refused early; what an act depends on, its guards look at again,
        in its own transaction.
        """


@runtime_checkable
class RequestGate(Protocol):
    """A gate that also looks at what is asked, once for each message that the caller sends."""

    def take(self, call: calls.Call, rule: AccessRule, request: Message) -> None:
        """Raise Refusal, add guards, or write into the request what the caller must not say."""


@runtime_checkable
class LastingGate(Protocol):
    """A gate that is also told when a call ends that it has admitted."""

    def leave(self, call: calls.Call) -> None:
        """Let go of the call; one that another gate refused after this one is let go of too."""


class Edge:
    """What every call shares: the rules, the callers, the gates, the log and the clock.

    With `strangers` the callers have no certificate; only what needs none is served, as far as
    there is room.
    """

    def __init__(  # noqa: PLR0913  # the parts are wired together once, by name
        self,
        *,
        rules: Mapping[str, AccessRule],
        statuses: Statuses,
        log: AccessLog,
        metrics: Metrics,
        clock: Callable[[], datetime],
        gates: tuple[Gate, ...] = (),
        live: LiveCalls | None = None,
        tracing: Tracing = NO_TRACING,
        judged: Callable[[], int] = lambda: -1,
        strangers: Strangers | None = None,
    ) -> None:
        self.tracing = tracing
        self.strangers = strangers
        self.judged = judged
        self.gates = gates
        self.live = LiveCalls() if live is None else live
        self.request_gates = tuple(gate for gate in gates if isinstance(gate, RequestGate))
        self.lasting_gates = tuple(gate for gate in gates if isinstance(gate, LastingGate))
        self.rules = rules
        self.statuses = statuses
        self.log = log
        self.metrics = metrics
        self.clock = clock
        self.peers = Peers()

    def message_limit(self, method: str) -> int:
        """Return the size of the largest request and answer of a method, in bytes."""
        rule = self.rules.get(method)
        return MESSAGE_LIMIT_BYTES if rule is None else rule.message_limit

    def call(self, method: str, context: Context) -> Call:
        """Return the context manager in which one call runs."""
        return Call(self, method, context)


class Call:
    """One call from admission to its line in the log."""

    __slots__ = (
        "_call",
        "_context",
        "_edge",
        "_held",
        "_live",
        "_method",
        "_peer",
        "_rule",
        "_started",
    )

    def __init__(self, edge: Edge, method: str, context: Context) -> None:
        self._edge = edge
        self._method = method
        self._context = context
        self._peer = ""
        self._live: LiveCall | None = None
        self._started = time.perf_counter()
        self._call: calls.Call | None = None
        self._held: calls.Call | None = None
        self._rule: AccessRule | None = None

    async def __aenter__(self) -> Call:
        """Admit the caller, or end the call."""
        try:
            self._admit()
        except Refusal as refusal:
            await self._refuse(refusal)
        return self

    def take(self, request: object) -> None:
        """Show a message of the caller to the gates that look at it."""
        if self._call is None or self._rule is None:
            return
        for gate in self._edge.request_gates:
            gate.take(self._call, self._rule, cast("Message", request))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the call with the status of what was raised, or of what has ended it from outside."""
        ended = self._leave()
        if ended is not None and not isinstance(error, grpc.aio.AbortError):
            await self._refuse(ended)
        match error:
            case None:
                self._record("OK")
            case Refusal():
                await self._refuse(error)
            case grpc.aio.AbortError():
                self._record(_code_of(self._context))
            case asyncio.CancelledError() | GeneratorExit():
                self._record("CANCELLED")
            case Exception():
                await self._refuse(self._incident(error))
            case _:
                self._record("INTERNAL")

    def _admit(self) -> None:
        if self._edge.strangers is not None:
            self._admit_stranger()
        else:
            self._admit_peer()

    def _admit_stranger(self) -> None:
        """Admit whoever calls what needs no certificate: what counts is in the request."""
        rule = self._edge.rules.get(self._method)
        if rule is None or not rule.without_certificate:
            raise Refusal(Reason.METHOD_UNKNOWN)
        call = calls.Call(STRANGER, STRANGER, None, b"", self._method)
        self._peer = STRANGER
        calls.enter(call)
        self._live = self._edge.live.begin(call)

    def _admit_peer(self) -> None:
        caller = self._edge.peers.caller(self._context.auth_context(), self._edge.clock())
        self._peer = caller.identity.uri
        rule = self._edge.rules.get(self._method)
        if rule is None:
            raise Refusal(Reason.METHOD_UNKNOWN)
        if caller.identity.role not in rule.roles:
            raise Refusal(Reason.ROLE_NOT_ALLOWED)
        call = _call_of(caller, self._method)
        call.judged = self._edge.judged()
        if self._edge.tracing.is_sampled():
            call.marks = []
        self._held = call
        for gate in self._edge.gates:
            gate.admit(call, caller, rule)
        enter(caller)
        calls.enter(call)
        self._call, self._rule = call, rule
        self._live = self._edge.live.begin(call)

    def _leave(self) -> Refusal | None:
        """Let the call go; return the refusal that it was ended with from outside, if it was."""
        if self._live is None:
            return None
        self._edge.live.finish(self._live)
        if self._live.refusal is not None:
            # The cancel has done its work: what is awaited from here on must not be hit by it.
            self._live.task.uncancel()
        return self._live.refusal

    def _incident(self, error: Exception) -> Refusal:
        number = secrets.token_hex(8)
        self._edge.log.record(
            Incident.of(error, at=self._edge.clock(), incident=number, method=self._method)
        )
        return Refusal(Reason.INTERNAL, incident=number)

    async def _refuse(self, refusal: Refusal) -> NoReturn:
        status = self._edge.statuses.status(refusal)
        self._record(status.code.name, refusal.reason.value)
        await self._context.abort_with_status(status)

    def _record(self, code: str, reason: str = "") -> None:
        if self._held is not None:
            for gate in self._edge.lasting_gates:
                gate.leave(self._held)
            self._held = None
        seconds = time.perf_counter() - self._started
        known = self._method if self._method in self._edge.rules else UNKNOWN_METHOD
        self._edge.metrics.count(method=known, code=code, reason=reason, seconds=seconds)
        milliseconds = round(seconds * 1000, 3)
        self._edge.log.record(
            Entry(self._edge.clock(), known, self._peer, code, reason, milliseconds)
        )
        if self._call is not None and self._call.marks is not None:
            ended = time.time_ns()
            began = ended - round(seconds * 1_000_000_000)
            traced = TracedCall(known, code, reason, began, ended, tuple(self._call.marks))
            self._edge.tracing.record(traced)


def _call_of(caller: Caller, method: str) -> calls.Call:
    """Return a call as the acts and the store know it."""
    who = caller.identity
    municipality = MunicipalityCode(who.municipality) if who.municipality else None
    return calls.Call(who.uri, who.role.value, municipality, caller.certificate_sha256, method)


def _code_of(context: Context) -> str:
    code = context.code()
    return code.name if isinstance(code, grpc.StatusCode) else "UNKNOWN"


class Interceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler once and keeps the wrapped one."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(  # type: ignore[override]  # the stub leaves the types open
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Return the handler that runs inside the edge; unknown methods get one that refuses."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        inner = await continuation(handler_call_details)
        if inner is None:
            return _refusing(self._edge, method)
        wrapped = _wrap(self._edge, method, inner)
        self._wrapped[method] = wrapped
        return wrapped


def _refusing(edge: Edge, method: str) -> Handler:
    async def refuse(_requests: AsyncIterator[object], context: Context) -> None:
        async with edge.call(method, context):
            raise Refusal(Reason.METHOD_UNKNOWN)

    # A handler of streams fits callers of every kind, because it reads nothing.
    return _CONSTRUCTORS[True, True](refuse)


def _wrap(edge: Edge, method: str, inner: Handler) -> Handler:
    if edge.strangers is not None:
        inner = edge.strangers.reading(inner)
    checked: Check = _all_checked if inner.request_streaming else _checked
    behaviour: Behaviour
    if inner.response_streaming:
        behaviour, serialize = _streaming(edge, method, inner, checked), inner.response_serializer
    else:
        # The wrapper measures the answer, so it serializes it too.
        behaviour, serialize = _unary(edge, method, inner, checked), None
    return _CONSTRUCTORS[inner.request_streaming, inner.response_streaming](
        behaviour,
        guarded_parse(inner.request_deserializer or bytes, edge.message_limit(method)),
        serialize,
    )


def _unary(edge: Edge, method: str, inner: Handler, checked: Check) -> Behaviour:
    found = inner.stream_unary if inner.request_streaming else inner.unary_unary
    behaviour = cast("Callable[[object, Context], Awaitable[object]]", found)
    serialize = cast("Callable[[object], bytes]", inner.response_serializer)
    limit = edge.message_limit(method)

    async def call(request: object, context: Context) -> bytes:
        async with edge.call(method, context) as running:
            message = await behaviour(checked(request, running), context)
            receipts.fill(cast("Message", message))
            answer = serialize(message)
            if len(answer) > limit:
                raise Refusal(Reason.MESSAGE_TOO_LARGE, limitBytes=str(limit))
            return answer

    return call


def _streaming(edge: Edge, method: str, inner: Handler, checked: Check) -> Behaviour:
    found = inner.stream_stream if inner.request_streaming else inner.unary_stream
    iterate = cast("Callable[[object, Context], AsyncIterator[object]]", found)
    run = cast("Callable[[object, Context], Awaitable[None]]", found)

    async def generate(request: object, context: Context) -> None:
        # Not a generator itself: where one is cancelled while gRPC writes, it is never told.
        async with edge.call(method, context) as running:
            async for answer in iterate(checked(request, running), context):
                receipts.fill(cast("Message", answer))
                await write_whole(context.write, answer)

    async def write(request: object, context: Context) -> None:
        async with edge.call(method, context) as running:
            await run(checked(request, running), cast("Context", receipts.Filling(context)))

    return generate if inspect.isasyncgenfunction(found) else write
