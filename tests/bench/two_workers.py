"""What a second worker costs: confirmations at one process and at two, both on PostgreSQL.

The CPU of all processes of a center counts, its supervisor's too; the database's does not. Without
PostgreSQL nothing can be said, and the goal counts as missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from tests.bench.confirmations import channel_to, confirming
from tests.bench.effort import Effort
from tests.bench.measuring import Figure, Goal, Part
from tests.bench.server_cpu import Ask, Load, interleaved, ratio
from tests.support.crew_center import CrewCenter, move_to_server
from tests.support.postgresql import databases
from tools.postgresql import ServerAbsent

G6 = 1.05
_CONNECTIONS = 16
_OF_ITS_OWN = (("grpc.use_local_subchannel_pool", 1),)


def measure(folder: Path, effort: Effort) -> Iterator[Part]:
    """Measure G6."""
    try:
        yield _on_server(folder, effort)
    except ServerAbsent as absent:
        figures = [Figure("not measured", 0, str(absent))]
        yield Part("One worker and two", figures, [Goal("G6 ratio", float("nan"), G6)])


def _on_server(folder: Path, effort: Effort) -> Part:
    with databases() as server:
        for name in ("one", "two"):
            (folder / name).mkdir(parents=True)
            move_to_server(folder / name, server.server.url(server.empty()))
        with CrewCenter(folder / "one", 1) as one, CrewCenter(folder / "two", 2) as two:
            return asyncio.run(_measured(one, two, effort))


async def _measured(one: CrewCenter, two: CrewCenter, effort: Effort) -> Part:
    async with AsyncExitStack() as stack:
        loads = [
            Load(pid, await _confirming(crew, stack), at_once=effort.at_once, others=others)
            for crew in (one, two)
            for pid, *others in [_processes(crew)]
        ]
        alone, both = await interleaved(loads, pairs=effort.pairs, seconds=effort.seconds)
    figures = [
        Figure(f"CPU of a confirmation, {name}", cost.cpu_us, f"{cost.cpu_us:.0f} µs")
        for name, cost in (("one worker", alone), ("two workers", both))
    ]
    goals = [Goal("G6 ratio", ratio(both, alone), G6)]
    return Part("One worker and two, both on PostgreSQL", figures, goals)


def _processes(crew: CrewCenter) -> list[int]:
    assert crew.supervisor is not None
    return [crew.supervisor.pid, *(worker.pid for worker in crew.workers())]


async def _confirming(crew: CrewCenter, stack: AsyncExitStack) -> Ask:
    """Return how to ask over several connections, which the system spreads over the workers."""
    channels = [
        await stack.enter_async_context(
            channel_to(crew.address, folder=crew.folder, agency="passport-1", options=_OF_ITS_OWN)
        )
        for _ in range(_CONNECTIONS)
    ]
    return (await confirming(channels))[0]
