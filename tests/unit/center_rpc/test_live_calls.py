"""Calls under way that are ended from outside: the caller reads why, and nobody else notices."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import pytest

from juki_center.areas.calls import Call
from juki_center.errors import Reason, Refusal
from juki_center.rpc import server
from juki_center.rpc.durable import durably
from juki_center.rpc.live_calls import LiveCalls
from jukinet.card.v1 import card_session_service_pb2 as session_pb
from jukinet.card.v1 import card_session_service_pb2_grpc as session_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as pb_grpc
from tests.support.center_edge import SERVICE, channel, running
from tests.unit.center_rpc.test_interceptor import error_info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from juki_pki.folder import PKIFolder

FIRST = "juki://municipality/131016/terminal/01"
REFUSAL = Refusal(Reason.OVERLOADED)


class WaitingCopies(pb_grpc.CertificateCopyServiceServicer):
    """GetIssue begins a durable act, which ends when the test says so."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.ended = asyncio.Event()

    async def GetIssue(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self, _request: pb.GetIssueRequest, _context: object
    ) -> pb.GetIssueResponse:
        await durably(self._act())
        return pb.GetIssueResponse()

    async def _act(self) -> None:
        self.begun.set()
        await self.may_end.wait()
        self.ended.set()

    def service(self) -> server.Service:
        return server.Service(
            SERVICE, lambda s: pb_grpc.add_CertificateCopyServiceServicer_to_server(self, s)
        )


class EndlessSessions(session_grpc.CardSessionServiceServicer):
    """Authenticate writes one message, and then waits for ever."""

    async def Authenticate(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self,
        _requests: AsyncIterator[session_pb.AuthenticateRequest],
        context: grpc.aio.ServicerContext[
            session_pb.AuthenticateRequest, session_pb.AuthenticateResponse
        ],
    ) -> None:
        await context.write(session_pb.AuthenticateResponse())
        await asyncio.Event().wait()

    def service(self) -> server.Service:
        return server.Service(
            session_pb.DESCRIPTOR.services_by_name["CardSessionService"],
            lambda s: session_grpc.add_CardSessionServiceServicer_to_server(self, s),
        )


class SwallowingSessions(EndlessSessions):
    """Authenticate ends well, though it was cancelled."""

    async def Authenticate(self, requests: object, context: object) -> None:  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        try:
            await super().Authenticate(requests, context)  # type: ignore[arg-type]  # passed on
        except asyncio.CancelledError:
            return


def call(uri: str = FIRST) -> Call:
    return Call(uri, "terminal", None, bytes(32), "/x/Y")


async def test_unary_call_that_is_ended_reads_the_reason_and_its_act_goes_on(
    pki: PKIFolder,
) -> None:
    copies = WaitingCopies()
    async with running(pki, copies.service()) as edge:
        async with channel(edge, pki, pki.terminal("131016", "01")) as open_channel:
            stub = pb_grpc.CertificateCopyServiceStub(open_channel)
            waiting = stub.GetIssue(pb.GetIssueRequest(), timeout=10)
            await copies.begun.wait()

            ended = edge.live.end(lambda found: found.uri == FIRST, REFUSAL)

            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await waiting
        copies.may_end.set()
        await copies.ended.wait()

    assert ended == 1
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error_info(raised.value).reason == "OVERLOADED"
    assert len(edge.live) == 0
    assert '"OVERLOADED"' in edge.log_text()


@pytest.mark.parametrize("sessions", [EndlessSessions(), SwallowingSessions()])
async def test_stream_that_is_ended_reads_the_reason(
    pki: PKIFolder, sessions: EndlessSessions
) -> None:
    async with (
        running(pki, sessions.service()) as edge,
        channel(edge, pki, pki.terminal("131016", "01")) as open_channel,
    ):
        stream = session_grpc.CardSessionServiceStub(open_channel).Authenticate(timeout=10)
        assert await stream.read() == session_pb.AuthenticateResponse()

        edge.live.end(lambda found: found.role == "terminal", REFUSAL)

        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stream.read()

    assert error_info(raised.value).reason == "OVERLOADED"


async def test_stream_of_another_caller_goes_on(pki: PKIFolder) -> None:
    async with (
        running(pki, EndlessSessions().service()) as edge,
        channel(edge, pki, pki.terminal("131016", "02")) as open_channel,
    ):
        stream = session_grpc.CardSessionServiceStub(open_channel).Authenticate(timeout=10)
        await stream.read()

        ended = edge.live.end(lambda found: found.uri == FIRST, REFUSAL)

        assert ended == 0
        assert len(edge.live) == 1
        assert not stream.done()


async def test_call_keeps_its_first_reason() -> None:
    live, reasons = LiveCalls(), []

    async def serve() -> None:
        running_call = live.begin(call())
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            reasons.append(running_call.refusal)

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)

    counts = [live.end(lambda _: True, refusal) for refusal in (REFUSAL, Refusal(Reason.INTERNAL))]
    await task

    assert counts == [1, 0]
    assert reasons == [REFUSAL]


async def test_call_that_has_finished_is_not_ended() -> None:
    live = LiveCalls()
    live.finish(live.begin(call()))

    assert live.end(lambda _: True, REFUSAL) == 0
    assert len(live) == 0
