"""The processes of a run: all are made ready, start at one moment, and their results are added."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import cattrs

from juki_client.outcome import Problem
from juki_load.measure.result import Result, merged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from juki_load.scenario import Scenario
    from juki_load.wire.dial import Address

_LEAD_SECONDS: Final = 0.3
_LONGEST_LINE: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, where, and by how many processes of how many machines.

    With several machines each takes the share `machine` of `machines`, from 1.
    """

    scenario: Scenario
    folder: Path
    address: Address
    processes: int = 1
    machine: int = 1
    machines: int = 1
    start_at: datetime | None = None
    """When machines that run together begin; None for at once."""


async def run(plan: Plan, watch: Callable[[float], Coroutine[None, None, None]]) -> Result:
    """Run a plan to its end; meanwhile `watch` runs, which gets the monotonic time of the start.

    Raises Problem where a process finds that it cannot run, and RuntimeError where one dies.
    """
    async with asynccontextmanager(_workers)(plan) as workers:
        for worker in workers:
            await _heard(worker)
        wall = datetime.now(UTC)
        wait = max(_LEAD_SECONDS, (plan.start_at - wall).total_seconds() if plan.start_at else 0)
        start = time.monotonic() + wait
        for worker in workers:
            _tell(worker, {"start": start})
        watching = asyncio.create_task(watch(start))
        try:
            found = await asyncio.gather(*map(_heard, workers))
        finally:
            watching.cancel()
            await asyncio.wait([watching])
    results = [Result.from_json(line["result"]) for line in found]
    return replace(merged(results), began=wall.isoformat(timespec="seconds"))


async def _workers(plan: Plan) -> AsyncIterator[Sequence[asyncio.subprocess.Process]]:
    """Start the processes, give each its job, and end them behind the block."""
    workers = []
    try:
        for number in range(plan.processes):
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "juki_load.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
            )
            workers.append(worker)
            _tell(worker, _job(plan, number))
        yield workers
    finally:
        for worker in workers:
            if worker.returncode is None:
                worker.terminate()
            await worker.wait()


def _job(plan: Plan, number: int) -> dict[str, object]:
    return {
        "scenario": cattrs.unstructure(plan.scenario),
        "folder": str(plan.folder),
        "address": str(plan.address),
        "part": (plan.machine - 1) * plan.processes + number,
        "parts": plan.machines * plan.processes,
    }


def _tell(worker: asyncio.subprocess.Process, line: Mapping[str, object]) -> None:
    if worker.stdin is not None:
        worker.stdin.write(json.dumps(line).encode("utf-8") + b"\n")


async def _heard(worker: asyncio.subprocess.Process) -> dict[str, object]:
    line = await worker.stdout.readline() if worker.stdout is not None else b""
    if not line:
        raise RuntimeError("a process of the generator died")
    found = _object(json.loads(line))
    if "problem" in found:
        facts = _object(found["metadata"])
        raise Problem(str(found["problem"]), {name: str(fact) for name, fact in facts.items()})
    return found


def _object(found: object) -> dict[str, object]:
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found
