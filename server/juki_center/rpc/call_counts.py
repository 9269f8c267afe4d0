"""Calls that ended, counted: how many, by method, code and reason, and how long they took.

Every call is counted, so that counting is one step in a mapping and one in a list; what a reader of
`/metrics` sees is made when it asks. For the event loop alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable

_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_NAMES: Final = (*(str(float(bound)) for bound in _BUCKETS), "+Inf")


@dataclass(slots=True)
class _Durations:
    """How long calls of one method took: how many in each bucket, and all together."""

    counts: list[int] = field(default_factory=lambda: [0] * len(_NAMES))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_BUCKETS, seconds)] += 1
        self.seconds += seconds


class CallCounts(Collector):
    """The counters and the histogram of calls."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str, str]] = Counter()
        self._durations: dict[str, _Durations] = {}

    def add(self, method: str, code: str, reason: str, seconds: float) -> None:
        """Count a call that ended."""
        self._calls[method, code, reason] += 1
        durations = self._durations.get(method)
        if durations is None:
            durations = self._durations[method] = _Durations()
        durations.add(seconds)

    def collect(self) -> Iterable[CounterMetricFamily | HistogramMetricFamily]:
        """Return how many calls ended, and how long they took."""
        calls = CounterMetricFamily(
            "juki_calls",
            "Calls that ended, by method, code and reason.",
            labels=("method", "code", "reason"),
        )
        for which, count in self._calls.items():
            calls.add_metric(which, count)
        seconds = HistogramMetricFamily(
            "juki_call_seconds", "How long calls took.", labels=("method",)
        )
        for method, durations in self._durations.items():
            buckets = list(zip(_NAMES, accumulate(durations.counts), strict=True))
            seconds.add_metric((method,), buckets, durations.seconds)
        return (calls, seconds)
