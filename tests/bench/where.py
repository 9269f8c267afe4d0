"""Where the CPU of a confirmation goes at the center, by places, from samples while it is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

from tests.bench.confirmations import channel_to, confirming
from tests.bench.effort import Effort
from tests.bench.measuring import Figure, Part
from tests.bench.sampled_center import GO, report_of
from tests.bench.server_cpu import Load, interleaved
from tests.support.center_process import CenterProcess, eventually

_SHOWN = 24
_SAMPLED = "from tests.bench.sampled_center import main; main()"


def measure(folder: Path, effort: Effort) -> Iterator[Part]:
    """Ask at a center that is sampled; give its places."""
    folder.mkdir(parents=True)
    go = folder / "go"
    center = CenterProcess(
        folder / "center", with_clerks=False, program=_SAMPLED, environment={GO: str(go)}
    )
    with center:
        count = asyncio.run(_asked(center, go, effort))
        eventually(report_of(go).exists)
    yield _part(json.loads(report_of(go).read_text(encoding="utf-8")), count, effort)


async def _asked(center: CenterProcess, go: Path, effort: Effort) -> int:
    """Ask for some time while places are noted; return how often."""
    async with channel_to(center.address, folder=center.folder, agency="passport-1") as channel:
        ask, _ = await confirming([channel])
        loads = [Load(center.pid, ask, at_once=effort.at_once)]
        # The first answers of a center are slower, and not what a day consists of.
        await interleaved(loads, pairs=1, seconds=effort.seconds / 2)
        await asyncio.to_thread(go.touch)
        asked = await interleaved(loads, pairs=effort.pairs, seconds=effort.seconds)
        await asyncio.to_thread(go.unlink)
    warm_up = round(len(asked[0].seconds) / effort.pairs / 4)
    return len(asked[0].seconds) + warm_up


def _part(found: dict[str, dict[str, float]], count: int, effort: Effort) -> Part:
    figures = [
        *_shares({f"{name} (thread)": one for name, one in found["threads"].items()}, count),
        *_shares(found["places"], count),
    ]
    return Part(f"Where the CPU of a confirmation goes, {effort.at_once} at once", figures)


def _shares(found: dict[str, float], count: int) -> list[Figure]:
    """Return microseconds of a confirmation and the share of all, the greatest first."""
    whole = sum(found.values())
    ordered = sorted(found.items(), key=lambda one: -one[1])
    rest = sum(seconds for _, seconds in ordered[_SHOWN:])
    shown = ordered[:_SHOWN] + ([("all other places", rest)] if rest else [])
    return [
        Figure(
            name, seconds / count * 1e6, f"{seconds / count * 1e6:.0f} µs, {seconds / whole:.1%}"
        )
        for name, seconds in shown
        if seconds
    ]
