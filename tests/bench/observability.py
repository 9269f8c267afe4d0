"""What the access log and the counters cost: confirmations at a center with and without them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from tests.bench.confirmations import channel_to, confirming
from tests.bench.effort import Effort
from tests.bench.measuring import Figure, Goal, Part
from tests.bench.server_cpu import Load, interleaved, ratio
from tests.support.center_process import CenterProcess

G8 = 1.10
_UNOBSERVED = "from tests.bench.unobserved_center import main; main()"


def measure(folder: Path, effort: Effort) -> Iterator[Part]:
    """Measure G8."""
    with (
        CenterProcess(folder / "on", with_clerks=False) as on,
        CenterProcess(folder / "off", with_clerks=False, program=_UNOBSERVED) as off,
    ):
        yield asyncio.run(_measured(on, off, effort))


async def _measured(on: CenterProcess, off: CenterProcess, effort: Effort) -> Part:
    async with (
        channel_to(on.address, folder=on.folder, agency="passport-1") as to_on,
        channel_to(off.address, folder=off.folder, agency="passport-1") as to_off,
    ):
        loads = [
            Load(one.pid, (await confirming([channel]))[0], at_once=effort.at_once)
            for one, channel in ((on, to_on), (off, to_off))
        ]
        with_it, without = await interleaved(loads, pairs=effort.pairs, seconds=effort.seconds)
    figures = [
        Figure(f"CPU of a confirmation, {name}", cost.cpu_us, f"{cost.cpu_us:.0f} µs")
        for name, cost in (("as shipped", with_it), ("without log and counters", without))
    ]
    goals = [Goal("G8 ratio", ratio(with_it, without), G8)]
    return Part("The access log and the counters of calls, on and off", figures, goals)
