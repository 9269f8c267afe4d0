"""One process of a run: makes each call when it is due, and counts what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import heapq
import os
import platform
import time
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from juki_load.measure.record import UNANSWERED, Recorder
from juki_load.measure.result import Generator, Result
from juki_load.wire.header_blocks import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from juki_load.scenario import Scenario

_NEVER: Final = Ending(4, UNANSWERED)
_MOST_SLOTS: Final = 300
_LONGEST_TURN: Final = 32
"""So many calls that are overdue are made before answers are looked at again."""


class Due(NamedTuple):
    """A call that is due at a time."""

    second: float
    order: int
    kind: str
    start: Callable[[Callable[[Ending], None]], None]


class Workload(Protocol):
    """What is done, and to whom."""

    @property
    def center(self) -> str:
        """Who is called."""

    @property
    def handshakes(self) -> int:
        """How many connections were made."""

    @property
    def verified_receipts(self) -> int:
        """How many receipts were verified and good."""

    def calls(self) -> Iterator[Due]:
        """Yield the calls in order."""

    async def keep_streams(
        self, begun: Callable[[str, float], Callable[[Ending], None]], now: Callable[[], float]
    ) -> None:
        """Keep what stays open until `finish_streams`."""

    def finish_streams(self) -> None:
        """Let what stays open come to its end."""

    async def stop(self) -> None:
        """Hang up."""


def slot_seconds(scenario: Scenario) -> float:
    """Return how long the stretches are whose percentiles are drawn."""
    return max(1.0, float(int(scenario.seconds / _MOST_SLOTS)))


class Engine:
    """Makes the calls of one process."""

    def __init__(self, scenario: Scenario, workload: Workload) -> None:
        """Nothing is sent before `run`, but everything that takes long is done."""
        self._scenario = scenario
        self._workload = workload
        self._due = workload.calls()
        self._slot = slot_seconds(scenario)
        self._recorder = Recorder(self._slot, scenario.warm_up_seconds)
        self._under_way: dict[int, tuple[str, float]] = {}
        self._idle: asyncio.Event | None = None
        self._calls = 0
        self._began = 0.0
        self._busiest = 0.0

    async def run(self, began: float) -> Result:
        """Run from a time of the monotonic clock on; return what was measured."""
        self._began = began
        await asyncio.sleep(max(0.0, began - time.monotonic()))
        gc.collect()
        gc.freeze()
        cpu = time.process_time()
        watching = asyncio.create_task(self._watch_own_cpu())
        streams = asyncio.create_task(self._workload.keep_streams(self._begun, self._now))
        await self._make_calls(self._due)
        await self._await_answers()
        watching.cancel()
        await self._workload.stop()
        await asyncio.wait([watching, streams])
        if not streams.cancelled() and streams.exception() is not None:
            raise RuntimeError("the streams of the run broke") from streams.exception()
        seconds, cpu = self._now(), time.process_time() - cpu
        return self._result(seconds, cpu)

    def _now(self) -> float:
        return time.monotonic() - self._began

    async def _make_calls(self, calls: Iterator[Due]) -> None:
        in_turn = 0
        for due in calls:
            wait = due.second - self._now()
            if wait > 0:
                await asyncio.sleep(wait)
                in_turn = 0
            elif in_turn >= _LONGEST_TURN:
                await asyncio.sleep(0)
                in_turn = 0
            in_turn += 1
            ended = self._begun(due.kind, due.second)
            self._recorder.sent(due.second, self._now())
            due.start(ended)
        await asyncio.sleep(max(0.0, self._scenario.seconds - self._now()))

    def _begun(self, kind: str, second: float) -> Callable[[Ending], None]:
        """Note a call that is due; return who counts its end."""
        self._calls += 1
        number = self._calls
        self._under_way[number] = (kind, second)

        def ended(ending: Ending) -> None:
            if self._under_way.pop(number, None) is not None:
                self._recorder.ended(kind, second, self._now(), ending)
                if not self._under_way and self._idle is not None:
                    self._idle.set()

        return ended

    async def _await_answers(self) -> None:
        """Wait for what is under way; what does not come within the grace was never answered."""
        until = self._now() + self._scenario.grace_seconds
        self._workload.finish_streams()
        self._idle = asyncio.Event()
        if self._under_way:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), max(0.0, until - self._now()))
        under_way, self._under_way = self._under_way, {}
        for kind, second in under_way.values():
            self._recorder.ended(kind, second, self._now(), _NEVER)

    async def _watch_own_cpu(self) -> None:
        before, cpu = time.monotonic(), time.process_time()
        while True:
            await asyncio.sleep(self._slot)
            now, used = time.monotonic(), time.process_time()
            self._busiest = max(self._busiest, (used - cpu) / (now - before))
            before, cpu = now, used

    def _result(self, seconds: float, cpu: float) -> Result:
        made = Generator(
            calls=self._calls,
            handshakes=self._workload.handshakes,
            cpu_seconds=cpu,
            seconds=seconds,
            busiest_share=max(self._busiest, cpu / seconds),
            host=f"{platform.node()}/{os.getpid()}",
        )
        return Result(
            scenario=self._scenario.name,
            center=self._workload.center,
            began="",
            seconds=seconds,
            slot_seconds=self._slot,
            kinds=self._recorder.kinds,
            lateness=self._recorder.lateness,
            generators=(made,),
            verified_receipts=self._workload.verified_receipts,
            slo=self._scenario.slo,
            max_memory_growth_percent=self._scenario.max_memory_growth_percent,
        )


def in_order(*schedules: Iterator[Due]) -> Iterator[Due]:
    """Merge schedules that are each in order."""
    return heapq.merge(*schedules, key=lambda due: due.second)
