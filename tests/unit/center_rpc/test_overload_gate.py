"""The gate of overload over gRPC: who is refused reads why and until when, and places are freed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from juki_center.areas.overload.admission import Settings
from juki_center.areas.overload.classes import Load
from juki_center.errors import Reason, Refusal
from juki_center.rpc import server
from juki_center.rpc.overload_gate import OverloadGate
from jukinet.cards.v1 import card_service_pb2 as cards
from jukinet.cards.v1 import card_service_pb2_grpc as cards_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as pb_grpc
from tests.support.center_edge import SERVICE, RunningEdge, channel, running
from tests.unit.center_rpc.test_interceptor import error_info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from juki_center.areas.calls import Call
    from juki_center.rpc.options import AccessRule
    from juki_center.rpc.peers import Caller
    from juki_pki.folder import PKIFolder

PLACES = 8
LONG_SECONDS = 20.0


class HeldCopies(pb_grpc.CertificateCopyServiceServicer):
    """VerifyCopy holds its place until the test lets it go; the others answer at once."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.is_defective = False

    async def VerifyCopy(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self, _request: pb.VerifyCopyRequest, _context: object
    ) -> pb.VerifyCopyResponse:
        await self.may_end.wait()
        if self.is_defective:
            raise ValueError
        return pb.VerifyCopyResponse()

    async def ConfirmPrint(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self, _request: pb.ConfirmPrintRequest, _context: object
    ) -> pb.ConfirmPrintResponse:
        return pb.ConfirmPrintResponse()

    async def ListIssues(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self, _request: pb.ListIssuesRequest, _context: object
    ) -> pb.ListIssuesResponse:
        await self.may_end.wait()
        return pb.ListIssuesResponse()

    def service(self) -> server.Service:
        return server.Service(
            SERVICE, lambda s: pb_grpc.add_CertificateCopyServiceServicer_to_server(self, s)
        )


class Suspending(cards_grpc.CardServiceServicer):
    """SuspendCard answers at once."""

    async def SuspendCard(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self, _request: cards.SuspendCardRequest, _context: object
    ) -> cards.SuspendCardResponse:
        return cards.SuspendCardResponse()

    def service(self) -> server.Service:
        return server.Service(
            cards.DESCRIPTOR.services_by_name["CardService"],
            lambda s: cards_grpc.add_CardServiceServicer_to_server(self, s),
        )


class Refusing:
    """A gate behind the one of overload that refuses everybody."""

    def admit(self, _call: Call, _caller: Caller, _rule: AccessRule) -> None:
        raise Refusal(Reason.ROLE_NOT_ALLOWED)


class Flooded:
    """A center whose places of the window lane can be filled, and its callers."""

    def __init__(self, edge: RunningEdge, copies: HeldCopies, gate: OverloadGate) -> None:
        self.edge, self.copies, self.gate = edge, copies, gate
        self.held: list[asyncio.Future[pb.VerifyCopyResponse]] = []

    async def fill(self, stub: pb_grpc.CertificateCopyServiceStub) -> None:
        """Hold every place; the calls of one caller get that many and no more."""
        for _ in range(PLACES):
            call = stub.VerifyCopy(pb.VerifyCopyRequest(), timeout=LONG_SECONDS)
            self.held.append(asyncio.ensure_future(_answer(call)))
        await self.until(lambda: self.running(Load.WINDOW) == PLACES)

    def running(self, load: Load) -> int:
        """Return how many calls of a class run."""
        return self.gate.reading().running.get(load, 0)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Let others work until something is so."""
        async with asyncio.timeout(LONG_SECONDS):
            while not is_so():  # noqa: ASYNC110  # the gate counts, and rings no bell
                await asyncio.sleep(0)


async def _answer(call: grpc.aio.UnaryUnaryCall[object, pb.VerifyCopyResponse]) -> object:
    return await call


@asynccontextmanager
async def flooded(pki: PKIFolder, *more: Refusing) -> AsyncIterator[Flooded]:
    """Serve behind a gate with few places, whose clock stands still."""
    copies = HeldCopies()
    gate = OverloadGate(Settings(most_calls=PLACES), chance=lambda: 0.5, monotonic=lambda: 1000.0)
    services = (copies.service(), Suspending().service())
    async with running(pki, *services, gates=(gate, *more)) as edge:
        edge.metrics.tell_overload(gate.reading)
        yield Flooded(edge, copies, gate)
        copies.may_end.set()


@asynccontextmanager
async def copies_of(
    center: Flooded, pki: PKIFolder, office: tuple[str, str] = ("131016", "01")
) -> AsyncIterator[pb_grpc.CertificateCopyServiceStub]:
    """Give a stub that calls as a terminal."""
    async with channel(center.edge, pki, pki.terminal(*office)) as opened:
        yield pb_grpc.CertificateCopyServiceStub(opened)


def delay(error: grpc.aio.AioRpcError) -> float:
    """Return when the caller is to come back."""
    status = rpc_status.from_call(error)
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in status.details)
    return retry.retry_delay.ToTimedelta().total_seconds()


async def test_who_finds_no_place_reads_when_to_come_back(pki: PKIFolder) -> None:
    async with flooded(pki) as center, copies_of(center, pki) as stub:
        await center.fill(stub)

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.VerifyCopy(pb.VerifyCopyRequest(), timeout=LONG_SECONDS)

        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error_info(refused.value).reason == "OVERLOADED"
        assert delay(refused.value) == 0.5


async def test_a_place_is_free_when_its_call_has_ended(pki: PKIFolder) -> None:
    async with flooded(pki) as center, copies_of(center, pki) as stub:
        await center.fill(stub)

        center.copies.may_end.set()
        await asyncio.gather(*center.held)

        await stub.VerifyCopy(pb.VerifyCopyRequest(), timeout=LONG_SECONDS)
        await center.until(lambda: center.running(Load.WINDOW) == 0)


async def test_a_place_is_free_when_its_caller_has_gone(pki: PKIFolder) -> None:
    async with flooded(pki) as center, copies_of(center, pki) as stub:
        await center.fill(stub)

        for held in center.held:
            held.cancel()

        await center.until(lambda: center.running(Load.WINDOW) == 0)


async def test_a_place_is_free_when_its_call_met_a_defect(pki: PKIFolder) -> None:
    async with flooded(pki) as center, copies_of(center, pki) as stub:
        await center.fill(stub)

        center.copies.is_defective = True
        center.copies.may_end.set()
        ended = await asyncio.gather(*center.held, return_exceptions=True)

        assert all(isinstance(one, grpc.aio.AioRpcError) for one in ended)
        assert center.running(Load.WINDOW) == 0


async def test_a_call_that_another_gate_refuses_holds_no_place(pki: PKIFolder) -> None:
    async with flooded(pki, Refusing()) as center, copies_of(center, pki) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.VerifyCopy(pb.VerifyCopyRequest(), timeout=LONG_SECONDS)

        assert error_info(refused.value).reason == "ROLE_NOT_ALLOWED"
        assert center.running(Load.WINDOW) == 0


async def test_the_further_step_is_taken_while_every_place_is_held(pki: PKIFolder) -> None:
    async with flooded(pki) as center, copies_of(center, pki) as stub:
        await center.fill(stub)

        answer = await stub.ConfirmPrint(pb.ConfirmPrintRequest(), timeout=LONG_SECONDS)

        assert answer == pb.ConfirmPrintResponse()


async def test_a_card_is_stopped_while_every_place_is_held(pki: PKIFolder) -> None:
    async with flooded(pki) as center, copies_of(center, pki) as stub:
        await center.fill(stub)

        async with channel(center.edge, pki, pki.desk("131016", "01")) as opened:
            suspending = cards_grpc.CardServiceStub(opened)
            answer = await suspending.SuspendCard(cards.SuspendCardRequest(), timeout=LONG_SECONDS)

        assert answer == cards.SuspendCardResponse()


async def test_health_is_told_while_every_place_is_held(pki: PKIFolder) -> None:
    async with flooded(pki) as center, copies_of(center, pki) as stub:
        await center.fill(stub)

        async with channel(center.edge, pki, pki.terminal("131016", "01")) as opened:
            asked = health_pb2_grpc.HealthStub(opened).Check(health_pb2.HealthCheckRequest())
            found = await asked

        assert found.status == health_pb2.HealthCheckResponse.SERVING


async def test_lists_are_refused_while_look_ups_have_their_places(pki: PKIFolder) -> None:
    async with flooded(pki) as center, copies_of(center, pki) as stub:
        most = center.gate.reading().limits[Load.BROAD]
        lists = [
            asyncio.ensure_future(_answer(stub.ListIssues(pb.ListIssuesRequest(), timeout=60)))
            for _ in range(most)
        ]
        await center.until(lambda: center.running(Load.BROAD) == most)

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ListIssues(pb.ListIssuesRequest(), timeout=LONG_SECONDS)
        await center.fill(stub)

        assert delay(refused.value) == 2.0
        center.copies.may_end.set()
        await asyncio.gather(*lists, *center.held)


async def test_another_municipality_finds_a_place_where_the_first_has_its_share(
    pki: PKIFolder,
) -> None:
    async with flooded(pki) as center, copies_of(center, pki) as stub:
        await center.fill(stub)

        async with copies_of(center, pki, ("112089", "01")) as other:
            call = asyncio.ensure_future(
                _answer(other.VerifyCopy(pb.VerifyCopyRequest(), timeout=LONG_SECONDS))
            )
            await center.until(lambda: center.running(Load.WINDOW) == PLACES + 1)
            center.copies.may_end.set()

            assert await call == pb.VerifyCopyResponse()


async def test_metrics_count_by_class(pki: PKIFolder) -> None:
    async with flooded(pki) as center, copies_of(center, pki) as stub:
        await center.fill(stub)
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.VerifyCopy(pb.VerifyCopyRequest(), timeout=LONG_SECONDS)

        lines = center.edge.metrics.exposition().decode().splitlines()

        assert f'juki_overload_admitted_total{{class="window"}} {PLACES}.0' in lines
        assert 'juki_overload_refused_total{class="window"} 1.0' in lines
        assert f'juki_overload_limit{{class="window"}} {PLACES}.0' in lines
