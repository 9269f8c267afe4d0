"""`juki-load calibrate`: find the capacity of a server whose capacity is known.

A generator and a search that cannot do this say nothing about a center.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

import uvloop

from juki_load import arrivals, knee
from juki_load.callers import Caller
from juki_load.calls.status import Listener
from juki_load.engine import Due, Engine
from juki_load.scenario import Calls, Kind, Scenario
from juki_load.wire.dial import Address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from juki_load.measure.result import Result
    from juki_load.wire.header_blocks import Ending

_PATH: Final = "/calibration/Call"
_CONNECTIONS: Final = 4
_KIND: Final = "calibration"
TARGET_SECONDS: Final = 0.1
TOLERANCE: Final = 0.10
_QUESTION: Final = b"\x0a\x08question"


class CalibrationWorkload:
    """Unary calls at the calibration server, over some connections."""

    def __init__(self, address: Address, rate: float, seconds: float, seed: int) -> None:
        """Calls come as people do, at a rate."""
        self.center = str(address)
        self.verified_receipts = 0
        self._callers = [Caller(address, None, None) for _ in range(_CONNECTIONS)]
        self._times = arrivals.poisson(rate, seconds, seed)
        self._is_over = asyncio.Event()

    @property
    def handshakes(self) -> int:
        """How many connections were made."""
        return sum(caller.handshakes for caller in self._callers)

    def calls(self) -> Iterator[Due]:
        """Yield the calls in order."""
        for number, second in enumerate(self._times):
            caller = self._callers[number % _CONNECTIONS]
            yield Due(second, number, _KIND, _calling(caller))

    async def keep_streams(
        self,
        begun: Callable[[str, float], Callable[[Ending], None]],  # noqa: ARG002  # no streams
        now: Callable[[], float],  # noqa: ARG002  # as above
    ) -> None:
        """Keep nothing."""
        await self._is_over.wait()

    def finish_streams(self) -> None:
        """Come to the end."""
        self._is_over.set()

    async def stop(self) -> None:
        """Hang up."""
        self._is_over.set()
        for caller in self._callers:
            await caller.close()


def _calling(caller: Caller) -> Callable[[Callable[[Ending], None]], None]:
    return lambda ended: caller.call(_PATH, _QUESTION, Listener(ended))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one search found at a known capacity."""

    capacity: float
    found: float
    measurements: int
    cpu_us_per_call: float

    @property
    def error(self) -> float:
        """How far off it is; 0.05 is five percent too high."""
        return self.found / self.capacity - 1

    @property
    def is_good(self) -> bool:
        """Whether it is within the tolerance."""
        return abs(self.error) <= TOLERANCE


async def measure(
    address: Address, rate: float, seconds: float, seed: int, *, grace_seconds: float = 5.0
) -> Result:
    """Call the calibration server at a rate."""
    calls = (Calls(Kind.STATUS, rate=rate),)
    warm_up = min(0.5, seconds / 4)
    scenario = Scenario(
        _KIND, seconds, seed=seed, warm_up_seconds=warm_up, grace_seconds=grace_seconds, calls=calls
    )
    workload = CalibrationWorkload(address, rate, seconds, seed)
    return await Engine(scenario, workload).run(time.monotonic())


def is_good(result: Result) -> bool:
    """Whether every call was answered, and 99 of 100 in time."""
    record = result.kinds.get(_KIND)
    if record is None or record.failed or record.shed:
        return False
    return record.latencies.quantile(0.99) <= TARGET_SECONDS


@dataclass(frozen=True, slots=True)
class Order:
    """How a known capacity is searched: measurements of so many seconds, first at a share of it."""

    capacity: float
    seconds: float
    seed: int = 1
    # Beginning far below shows that the search comes up by itself.
    first_share: float = 1 / 3
    tolerance: float = 0.03


def calibrate(order: Order, told: Callable[[str], None]) -> Calibration:
    """Find the capacity of a calibration server of one's own; `told` hears of each measurement.

    Raises RuntimeError where the server does not start.
    """
    return uvloop.run(_calibrate(order, told))


async def _calibrate(order: Order, told: Callable[[str], None]) -> Calibration:
    calls, cpu = 0, 0.0
    search = knee.search(order.capacity * order.first_share, tolerance=order.tolerance)
    seeds = count(order.seed)
    async with _server(order.capacity) as address:
        rate = next(search)
        while True:
            result = await measure(address, rate, order.seconds, next(seeds))
            calls += sum(one.calls for one in result.generators)
            cpu += sum(one.cpu_seconds for one in result.generators)
            good = is_good(result)
            told(f"{rate:.0f} a second: {'good' if good else 'too high'}")
            try:
                rate = search.send(good)
            except StopIteration as end:
                found = end.value
                break
    if found is None:
        return Calibration(order.capacity, 0.0, 0, 0.0)
    each = cpu / max(calls, 1) * 1e6
    return Calibration(order.capacity, found.rate, found.measurements, each)


@asynccontextmanager
async def _server(capacity: float) -> AsyncIterator[Address]:
    """Run a calibration server in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "juki_load.calibration_server", str(capacity)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        line = await process.stdout.readline() if process.stdout is not None else b""
        if not line:
            raise RuntimeError("the calibration server did not start")
        yield Address("127.0.0.1", int(line))
    finally:
        process.terminate()
        await process.wait()
