"""What many calls took: percentiles by the clock, CPU by the system's count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Timed:
    """Calls of one kind, each in seconds, and the CPU of all of them."""

    each: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def figures(self, name: str) -> dict[str, float]:
        """Return CPU of a call in microseconds, p50 and p99 in milliseconds, and how many."""
        return {
            f"{name}_cpu_us": self.cpu_seconds / len(self.each) * 1e6,
            f"{name}_p50_ms": self._quantile(0.50) * 1e3,
            f"{name}_p99_ms": self._quantile(0.99) * 1e3,
            f"{name}_calls": len(self.each),
        }

    def _quantile(self, share: float) -> float:
        ordered = sorted(self.each)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def timed(calls: Iterable[Callable[[], object]]) -> Timed:
    """Make calls one after the other, and say what they took in this process."""
    each, cpu = [], time.process_time()
    for call in calls:
        began = time.perf_counter()
        call()
        each.append(time.perf_counter() - began)
    return Timed(each, time.process_time() - cpu)
