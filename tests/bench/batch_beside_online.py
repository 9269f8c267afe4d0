"""How long questions by code take, alone and beside a running batch.

    python -m tests.bench.batch_beside_online --seconds 10 --at-once 8

prints p50 and p99 of both, and how many lines of the batch were done meanwhile. Questions are asked
one after the other by each of so many askers, from this process, which costs time of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from juki_center.rpc import tls13

# What gRPC reads from the environment must stand there before it is imported.
tls13.settle()

import grpc

from juki_pki.folder import PKIFolder
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.agencies.v1 import identity_confirmation_service_pb2_grpc as pb_grpc
from tests.support.center import SAMPLES
from tests.support.center_process import CenterProcess

CODE = SAMPLES["takahashi-ichiro"].record.code.digits
ITEMS = (pb.ITEM_NAME, pb.ITEM_DATE_OF_BIRTH, pb.ITEM_SEX, pb.ITEM_ADDRESS)
WARM_UP_SECONDS = 1.0


@dataclass
class Measured:
    """Latencies in milliseconds."""

    milliseconds: list[float]

    def line(self, name: str, seconds: float) -> str:
        cuts = statistics.quantiles(self.milliseconds, n=100)
        rate = len(self.milliseconds) / seconds
        return f"{name:16} p50={cuts[49]:.1f} ms p99={cuts[98]:.1f} ms rate={rate:.0f}/s"


@asynccontextmanager
async def stub_of(
    center: CenterProcess, agency: str
) -> AsyncIterator[pb_grpc.IdentityConfirmationServiceStub]:
    pki = PKIFolder(center.folder / "pki")
    own = pki.agency(agency)
    credentials = grpc.ssl_channel_credentials(
        (pki.trust_path / "center-leaves.pem").read_bytes(), own.key_pem, own.chain_pem
    )
    async with grpc.aio.secure_channel(center.address, credentials) as channel:
        yield pb_grpc.IdentityConfirmationServiceStub(channel)


async def ask(center: CenterProcess, seconds: float, at_once: int) -> Measured:
    """Ask by code for some time."""
    request = pb.ConfirmByCodeRequest(affair="passport", code=CODE, items=ITEMS)
    found: list[float] = []
    async with stub_of(center, "passport-1") as stub:
        start = time.perf_counter() + WARM_UP_SECONDS

        async def one() -> None:
            while (begun := time.perf_counter()) < start + seconds:
                await stub.ConfirmByCode(request)
                if begun >= start:
                    found.append((time.perf_counter() - begun) * 1000)

        await asyncio.gather(*(one() for _ in range(at_once)))
    return Measured(found)


@dataclass
class Batch:
    """A batch that runs until it is stopped."""

    center: CenterProcess
    done: int = 0

    async def run(self) -> None:
        hello = pb.ConfirmBatchRequest.Hello(
            batch_id=str(uuid4()), affair="pension", items=ITEMS, line_count=100_000
        )
        async with stub_of(self.center, "pension-1") as stub:
            call = stub.ConfirmBatch()
            await call.write(pb.ConfirmBatchRequest(hello=hello))
            await call.read()
            sent = 0
            while self.done < 100_000:
                while sent - self.done <= 100 and sent < 100_000:
                    await call.write(pb.ConfirmBatchRequest(lines=_lines(sent + 1)))
                    sent += 100
                answer = await call.read()
                assert isinstance(answer, pb.ConfirmBatchResponse)
                self.done += len(answer.results.results)


def _lines(first: int) -> pb.ConfirmBatchRequest.Lines:
    asked = [pb.ConfirmBatchRequest.Line(code=CODE)] * 100
    return pb.ConfirmBatchRequest.Lines(first_line=first, lines=asked)


async def measure(center: CenterProcess, seconds: float, at_once: int) -> None:
    """Measure both, and print them."""
    alone = await ask(center, seconds, at_once)
    print(alone.line("alone", seconds), flush=True)
    batch = Batch(center)
    running = asyncio.create_task(batch.run())
    beside = await ask(center, seconds, at_once)
    print(beside.line("beside a batch", seconds), f"lines={batch.done / seconds:.0f}/s")
    running.cancel()
    await asyncio.wait([running])


def main() -> None:
    """Run the measurement against a center of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--at-once", type=int, default=8)
    wanted = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        CenterProcess(Path(folder) / "dev") as center,
    ):
        asyncio.run(measure(center, wanted.seconds, wanted.at_once))


if __name__ == "__main__":
    main()
