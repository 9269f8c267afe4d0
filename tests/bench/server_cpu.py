"""What a request costs a server process, as the system counts its CPU, at a number at once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.support.center_process import ROOT

AT_ONCE = 64
_TICKS = os.sysconf("SC_CLK_TCK")

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Load:
    """Questions to a process: who is asked, how, and how many questions one `ask` stands for."""

    pid: int
    ask: Ask
    weight: int = 1
    at_once: int = AT_ONCE
    others: tuple[int, ...] = ()
    """More processes that answer, such as the other workers of one center."""

    def cpu_seconds(self) -> float:
        """Return the CPU that all processes have used."""
        return sum(map(cpu_seconds, (self.pid, *self.others)))


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request costs in each round, in seconds of CPU, and how long each `ask` took."""

    cpu_of_rounds: list[float]
    seconds: list[float]

    @property
    def cpu_us(self) -> float:
        """CPU of a request in microseconds: the median of the rounds."""
        return median(self.cpu_of_rounds) * 1e6


def cpu_seconds(pid: int) -> float:
    """Return the CPU that a process has used in all its threads, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def interleaved(loads: Sequence[Load], *, pairs: int, seconds: float) -> list[Cost]:
    """Load several servers in turns, in an order that is turned round each time."""
    costs = [Cost([], []) for _ in loads]
    for load in loads:
        await _round(load, seconds / 4)
    for number in range(pairs):
        order = range(len(loads)) if number % 2 else reversed(range(len(loads)))
        for which in order:
            cpu, taken = await _round(loads[which], seconds)
            costs[which].cpu_of_rounds.append(cpu)
            costs[which].seconds.extend(taken)
    return costs


def ratio(one: Cost, to: Cost) -> float:
    """Return the median of the ratios of the rounds that were measured side by side."""
    return median(a / b for a, b in zip(one.cpu_of_rounds, to.cpu_of_rounds, strict=True))


async def _round(load: Load, seconds: float) -> tuple[float, list[float]]:
    taken: list[float] = []
    end = time.perf_counter() + seconds

    async def one() -> None:
        while (began := time.perf_counter()) < end:
            await load.ask()
            taken.append(time.perf_counter() - began)

    before = load.cpu_seconds()
    await asyncio.gather(*(one() for _ in range(load.at_once)))
    return (load.cpu_seconds() - before) / (len(taken) * load.weight), taken


@contextmanager
def bare_server(pki: Path) -> Iterator[tuple[int, str]]:
    """Run the bare server; return its process and its address."""
    command = [sys.executable, "-m", "tests.bench.bare_server", str(pki)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            yield process.pid, f"127.0.0.1:{port}"
        finally:
            process.terminate()
