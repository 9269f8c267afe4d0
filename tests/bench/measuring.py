"""What a measurement is: numbers with a goal, the machine and the day on which they were taken."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that was measured. `shown` is the number as a person reads it."""

    name: str
    number: float
    shown: str


@dataclass(frozen=True, slots=True)
class Least:
    """A number that must not be less than its goal."""

    name: str
    number: float
    limit: float

    @property
    def is_met(self) -> bool:
        return self.number >= self.limit

    def __str__(self) -> str:
        return f"{self.name}={self.number:.2f} goal>={self.limit:g}"


@dataclass(frozen=True, slots=True)
class Goal:
    """A number that must not be greater than its goal, and what must hold beside it."""

    name: str
    number: float
    limit: float
    beside: tuple[Least, ...] = ()

    @property
    def is_met(self) -> bool:
        # A number that could not be taken is no number, and is not less than anything.
        return self.number <= self.limit and all(one.is_met for one in self.beside)

    def __str__(self) -> str:
        verdict = "met" if self.is_met else "missed"
        numbers = [f"{self.name}={self.number:.2f} goal<={self.limit:g}", *map(str, self.beside)]
        return f"{' '.join(numbers)} {verdict}"


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of the benchmark found."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Timings:
    """What many calls of one kind took, each in seconds, and the CPU of each round of them."""

    each: list[float]
    cpu_of_rounds: list[float]

    @property
    def cpu_us(self) -> float:
        """CPU of a call in microseconds: the median of the rounds."""
        return median(self.cpu_of_rounds) * 1e6

    def quantile_ms(self, share: float) -> float:
        """Return the time within which this share of the calls ended, in milliseconds."""
        ordered = sorted(self.each)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3

    def figures(self, name: str) -> list[Figure]:
        """Return CPU, p50 and p99."""
        numbers = {"p50": self.quantile_ms(0.50), "p99": self.quantile_ms(0.99)}
        return [
            Figure(f"{name}, CPU of a call", self.cpu_us, f"{self.cpu_us:.0f} µs"),
            *(Figure(f"{name}, {which}", ms, f"{ms:.2f} ms") for which, ms in numbers.items()),
        ]


def interleaved(
    calls: Sequence[Sequence[Callable[[], object]]], rounds: int
) -> tuple[Timings, ...]:
    """Time several kinds of calls in turns, so that what else the machine does hits all alike.

    `calls` holds for each kind its calls; each round takes the next share of each kind.
    """
    measured = tuple(Timings([], []) for _ in calls)
    for number in range(rounds):
        order = range(len(calls)) if number % 2 else reversed(range(len(calls)))
        for kind in order:
            share = len(calls[kind]) // rounds
            _round(calls[kind][number * share : (number + 1) * share], measured[kind])
    return measured


def _round(calls: Sequence[Callable[[], object]], into: Timings) -> None:
    cpu = time.process_time()
    for call in calls:
        began = time.perf_counter()
        call()
        into.each.append(time.perf_counter() - began)
    into.cpu_of_rounds.append((time.process_time() - cpu) / len(calls))


def machine() -> dict[str, str]:
    """Return what the numbers depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
