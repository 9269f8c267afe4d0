"""The open model: what a server that stands still does to latencies."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from juki_load import arrivals
from juki_load.calibration import measure
from juki_load.calibration_server import Clerk, listen
from juki_load.callers import Caller
from juki_load.engine import Due, in_order
from juki_load.measure.record import UNANSWERED
from juki_load.measure.result import Result
from juki_load.wire.dial import Address, dial
from juki_load.wire.header_blocks import DONE, Ending
from tests.support.http2_judge import Heard


async def run_at(clerk: Clerk, rate: float, seconds: float, grace: float = 5.0) -> Result:
    server, port = await listen(clerk)
    try:
        return await measure(Address("127.0.0.1", port), rate, seconds, 1, grace_seconds=grace)
    finally:
        server.close()


async def test_a_stalled_server_is_seen_by_every_call_that_was_due_meanwhile() -> None:
    clerk = Clerk(5_000)
    asyncio.get_running_loop().call_later(0.6, clerk.stall, 0.5)

    result = await run_at(clerk, 100, 1.6)

    latencies = result.kinds["calibration"].latencies
    # A closed model would have seen one slow call; here it is those of half a second, and whatever
    # a busy machine adds.
    assert latencies.above(0.05) >= 30
    assert latencies.above(0.25) >= 10
    assert latencies.quantile(1.0) >= 0.4


async def test_calls_above_the_capacity_are_made_all_the_same_and_wait_longer_and_longer() -> None:
    result = await run_at(Clerk(100), 200, 1.0)

    record = result.kinds["calibration"]
    first, last = min(record.slots), max(record.slots)
    assert record.due > 120
    assert record.slots[first].latencies.quantile(0.5) <= record.slots[last].latencies.quantile(0.5)
    assert record.latencies.quantile(1.0) > 0.5


async def test_what_is_not_answered_within_the_grace_never_was() -> None:
    clerk = Clerk(1_000)
    clerk.stall(60)

    result = await run_at(clerk, 20, 0.5, grace=0.2)

    record = result.kinds["calibration"]
    assert record.answered == 0
    assert set(record.reasons) == {UNANSWERED}


async def test_the_generator_says_what_a_call_costs_it() -> None:
    result = await run_at(Clerk(5_000), 200, 0.5)

    (generator,) = result.generators
    assert generator.calls > 50
    assert 0 < generator.cpu_us_per_call < 20_000
    assert generator.handshakes == 4


async def test_a_caller_without_a_server_hears_so() -> None:
    heard = Heard()
    caller = Caller(Address("127.0.0.1", 1), None, None)

    caller.call("/a/B", b"", heard)
    await heard.over.wait()

    assert heard.endings == [Ending(14, "CONNECT_FAILED")]


async def test_a_caller_connects_again_where_its_connection_was_lost() -> None:
    server, port = await listen(Clerk(5_000))
    caller = Caller(Address("127.0.0.1", port), None, None)
    first = await caller.connected()
    assert first is not None
    first.open("/a/B", lost := Heard())
    first.close()
    await lost.over.wait()

    second = await caller.connected()

    assert second is not None
    assert second is not first
    assert caller.handshakes == 2
    await caller.close()
    server.close()


def test_schedules_are_merged_in_order_of_time() -> None:
    def dues(kind: str, rate: float) -> list[Due]:
        return [Due(second, 0, kind, lambda _: None) for second in arrivals.constant(rate, 1)]

    merged = list(in_order(iter(dues("a", 10)), iter(dues("b", 7))))

    assert len(merged) == 17
    assert [due.second for due in merged] == sorted(due.second for due in merged)


@pytest.mark.parametrize("size", [0, 100, 70_000])
async def test_a_stock_server_of_grpc_answers(size: int) -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((_Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    connection = await dial(Address("127.0.0.1", port), None)
    heard = [Heard() for _ in range(20)]

    for one in heard:
        connection.call("/a.Service/Echo", b"x" * size, one)
    stream = connection.open("/a.Service/Count", streamed := Heard())
    assert stream is not None
    for number in range(3):
        connection.send(stream, b"%d" % number)
    connection.finish(stream)
    for one in (*heard, streamed):
        await one.over.wait()

    assert all(one == Heard([b"x" * size], [DONE]) for one in heard)
    assert streamed.messages == [b"0", b"1", b"2"]
    connection.call("/a.Service/Unknown", b"", unknown := Heard())
    await unknown.over.wait()
    assert unknown.endings[0].name == "UNIMPLEMENTED"
    connection.close()
    await server.stop(None)


class _Echo(grpc.GenericRpcHandler):
    """Answers with the request, one by one or on a stream."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        async def echo(request: bytes, _: object) -> bytes:
            return request

        async def count(requests: object, context: object) -> None:
            async for request in requests:  # type: ignore[attr-defined]
                await context.write(request)  # type: ignore[attr-defined]

        match details.method:
            case "/a.Service/Echo":
                return grpc.unary_unary_rpc_method_handler(echo)
            case "/a.Service/Count":
                return grpc.stream_stream_rpc_method_handler(count)
            case _:
                return None
