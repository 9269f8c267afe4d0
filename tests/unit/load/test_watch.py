"""A stream that is kept open, with another library's HTTP/2 at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from google.protobuf.duration_pb2 import Duration

from juki_load.callers import NOT_CONNECTED, Caller
from juki_load.calls.watch import Watch
from juki_load.wire.connection import Connection
from juki_load.wire.dial import Address
from juki_load.wire.header_blocks import DONE, Ending
from juki_load.wire.streams import Listener, Stream
from jukinet.fleet.v1 import terminal_service_pb2 as pb
from tests.support.http2_judge import Judge

CURSOR = 7
SOON = Duration(nanos=1_000_000)


class JudgedCaller(Caller):
    """A caller whose connection ends at the judge, where there is one."""

    def __init__(self) -> None:
        super().__init__(Address("127.0.0.1", 1), None, None)
        self.judge: Judge | None = None

    async def open(self, path: str, listener: Listener) -> tuple[Connection, Stream] | None:
        if self.judge is None:
            return None
        stream = self.judge.client.open(path, listener)
        return None if stream is None else (self.judge.client, stream)


class Counted:
    """Who counts calls, by kind."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, Ending]] = []
        self.open: list[str] = []

    def begun(self, kind: str) -> Callable[[Ending], None]:
        self.open.append(kind)

        def ended(ending: Ending) -> None:
            self.open.remove(kind)
            self.ended.append((kind, ending))

        return ended


def told() -> bytes:
    settings = pb.WatchResponse.Configuration(reconnect_after=SOON)
    welcome = pb.WatchResponse.Welcome(configuration=settings)
    return pb.WatchResponse(cursor=CURSOR, welcome=welcome).SerializeToString()


def said(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


async def opened() -> tuple[Judge, Counted, Watch, JudgedCaller]:
    judge, counted, caller = Judge(), Counted(), JudgedCaller()
    await judge.start()
    caller.judge = judge
    watch = Watch(caller, counted.begun)
    await watch.open()
    await judge.settle()
    judge.answer(1, told(), status="14")
    await judge.settle()
    return judge, counted, watch, caller


async def reopened(judge: Judge) -> None:
    async with asyncio.timeout(5):
        while len(judge.headers()) < 2:
            await asyncio.sleep(0.001)
            await judge.settle()


async def test_a_stream_that_ends_comes_back_when_it_was_told_to_and_with_its_cursor() -> None:
    judge, counted, watch, _ = await opened()

    await reopened(judge)
    judge.server.send_headers(3, [(":status", "200"), ("content-type", "application/grpc")])
    judge.server.send_data(3, said(told()))
    await judge.settle()

    assert counted.ended == [("watch", DONE), ("watch", Ending(14)), ("reconnect", DONE)]
    assert judge.body(3) == said(pb.WatchRequest(cursor=CURSOR).SerializeToString())
    watch.close()
    assert counted.open == []


async def test_a_stream_that_is_not_open_again_at_the_end_counts_by_its_last_refusal() -> None:
    judge, counted, watch, _ = await opened()
    await reopened(judge)

    watch.close()

    assert counted.ended[-1] == ("reconnect", Ending(14))
    assert judge.client.under_way == 0
    assert counted.open == []


async def test_a_stream_that_never_opens_is_one_call_that_failed() -> None:
    counted, caller = Counted(), JudgedCaller()
    watch = Watch(caller, counted.begun)
    await watch.open()

    assert counted.open == ["watch"]
    watch.close()
    assert counted.ended == [("watch", NOT_CONNECTED)]
