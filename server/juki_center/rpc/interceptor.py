"""The one wrapping interceptor: every handler of a server runs inside the edge.

Requests are parsed and answers serialized here too, so that what is too large or malformed is
refused as everything else is. Who may call, and how a call ends, is not here.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import grpc
from google.protobuf.message import DecodeError

from juki_center.errors import Reason, Refusal
from juki_center.rpc import receipts
from juki_center.rpc.options import MESSAGE_LIMIT_BYTES
from juki_center.rpc.whole_writes import write_whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from google.protobuf.message import Message

    from juki_center.rpc.edge import Call, Context, Edge

Handler: TypeAlias = "grpc.RpcMethodHandler[object, object]"
Behaviour: TypeAlias = "Callable[..., object]"
Check: TypeAlias = "Callable[..., object]"

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
