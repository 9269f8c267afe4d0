"""What a confirmation by code costs the center, beside a bare server with messages of its sizes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import grpc

from juki_center.areas.residents.records import ResidenceState
from juki_center.storage.samples import read_samples
from juki_pki.folder import PKIFolder
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.agencies.v1 import identity_confirmation_service_pb2_grpc as pb_grpc
from tests.bench.bare_server import UNARY, question
from tests.bench.effort import Effort
from tests.bench.measuring import Figure, Goal, Part
from tests.bench.server_cpu import Ask, Cost, Load, bare_server, interleaved, ratio
from tests.support.center_process import CenterProcess

G1, G2 = 1.45, 0.08
_LINES = 100
ITEMS = (pb.ITEM_NAME, pb.ITEM_DATE_OF_BIRTH, pb.ITEM_SEX, pb.ITEM_ADDRESS)


def measure(folder: Path, effort: Effort) -> Iterator[Part]:
    """Measure G1 and G2."""
    pairs, seconds = effort.pairs, effort.seconds
    with (
        CenterProcess(folder, with_clerks=False) as center,
        bare_server(folder / "pki") as (bare_pid, bare_address),
    ):
        yield asyncio.run(_measured(center, bare_pid, bare_address, pairs, seconds))


async def _measured(
    center: CenterProcess, bare_pid: int, bare_address: str, pairs: int, seconds: float
) -> Part:
    async with (
        channel_to(center.address, folder=center.folder, agency="passport-1") as passports,
        channel_to(center.address, folder=center.folder, agency="pension-1") as pensions,
        channel_to(bare_address, folder=center.folder, agency="passport-1") as bare,
    ):
        by_code, sizes = await confirming([passports])
        asked = question(*sizes)
        echo = bare.unary_unary(UNARY)

        async def unary() -> object:
            return await echo(asked)

        loads = [
            Load(center.pid, by_code),
            Load(bare_pid, unary),
            Load(center.pid, _batch(pensions, sample_codes()), weight=_LINES, at_once=1),
        ]
        confirmed, bare_cost, batched = await interleaved(loads, pairs=pairs, seconds=seconds)
    return _part(confirmed, bare_cost, batched, sizes)


@asynccontextmanager
async def channel_to(
    address: str, *, folder: Path, agency: str, options: Sequence[tuple[str, int]] = ()
) -> AsyncIterator[grpc.aio.Channel]:
    """Open a channel with an agency's certificate."""
    pki = PKIFolder(folder / "pki")
    own = pki.agency(agency)
    credentials = grpc.ssl_channel_credentials(
        (pki.trust_path / "center-leaves.pem").read_bytes(), own.key_pem, own.chain_pem
    )
    async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
        yield channel


async def confirming(channels: Sequence[grpc.aio.Channel]) -> tuple[Ask, tuple[int, int]]:
    """Return how to ask by one code after the other, and the octets of a question and an answer."""
    stubs = itertools.cycle([pb_grpc.IdentityConfirmationServiceStub(one) for one in channels])
    codes = sample_codes()
    turn = itertools.cycle(codes)

    async def ask() -> pb.ConfirmByCodeResponse:
        request = pb.ConfirmByCodeRequest(affair="passport", code=next(turn), items=ITEMS)
        answer: pb.ConfirmByCodeResponse = await next(stubs).ConfirmByCode(request)
        return answer

    request = pb.ConfirmByCodeRequest(affair="passport", code=codes[0], items=ITEMS)
    return ask, (request.ByteSize(), (await ask()).ByteSize())


def sample_codes() -> list[str]:
    """Return the codes of the sample residents who are registered."""
    return [one.record.code.digits for one in read_samples() if one.state is ResidenceState.ACTIVE]


def _batch(channel: grpc.aio.Channel, codes: list[str]) -> Ask:
    stub = pb_grpc.IdentityConfirmationServiceStub(channel)
    lines = [pb.ConfirmBatchRequest.Line(code=codes[n % len(codes)]) for n in range(_LINES)]

    async def ask() -> None:
        hello = pb.ConfirmBatchRequest.Hello(
            batch_id=str(uuid4()), affair="pension", items=ITEMS, line_count=_LINES
        )
        call = stub.ConfirmBatch()
        await call.write(pb.ConfirmBatchRequest(hello=hello))
        await call.read()
        asked = pb.ConfirmBatchRequest.Lines(first_line=1, lines=lines)
        await call.write(pb.ConfirmBatchRequest(lines=asked))
        done = 0
        while done < _LINES:
            answer = await call.read()
            assert isinstance(answer, pb.ConfirmBatchResponse)
            done += len(answer.results.results)
        await call.write(pb.ConfirmBatchRequest(finish=pb.ConfirmBatchRequest.Finish()))
        await call.read()
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK

    return ask


def _part(confirmed: Cost, bare: Cost, batched: Cost, sizes: tuple[int, int]) -> Part:
    costs = {"a confirmation": confirmed, "a bare call": bare, "a line of a batch": batched}
    figures = [
        Figure(f"CPU of {name}", cost.cpu_us, f"{cost.cpu_us:.0f} µs")
        for name, cost in costs.items()
    ]
    figures.append(Figure("octets asked, answered", sum(sizes), f"{sizes[0]}, {sizes[1]}"))
    goals = [
        Goal("G1 ratio", ratio(confirmed, bare), G1),
        Goal("G2 ratio", ratio(batched, confirmed), G2),
    ]
    return Part("Confirming persons, 64 at once, beside a bare server", figures, goals)
