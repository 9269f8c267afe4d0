"""Latencies as counts in buckets: small, and two of them add up to the one of both.

Buckets are as wide as 1/128 of their power of two, so a percentile is at most 0.8 % above what was
measured, and never below it. One microsecond is the smallest, about 4 hours the largest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BITS: Final = 7
_EACH: Final = 1 << _BITS
_LARGEST_US: Final = (1 << 34) - 1


class Histogram:
    """How often which latency was measured."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        """Nothing was measured."""
        self._counts: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        """Count one latency; one below zero counts as none."""
        index = _index(int(seconds * 1e6))
        self._counts[index] = self._counts.get(index, 0) + 1

    def merge(self, other: Histogram) -> None:
        """Count everything that the other has counted."""
        for index, count in other._counts.items():
            self._counts[index] = self._counts.get(index, 0) + count

    @property
    def count(self) -> int:
        """How many latencies were counted."""
        return sum(self._counts.values())

    def quantile(self, share: float) -> float:
        """Return the seconds within which this share of the calls ended; NaN where none did."""
        left = max(1, math.ceil(self.count * share))
        for index in sorted(self._counts):
            left -= self._counts[index]
            if left <= 0:
                return _upper(index) / 1e6
        return math.nan

    def above(self, seconds: float) -> int:
        """Return how many took longer; those in the bucket of the limit itself do not count."""
        limit = _index(int(seconds * 1e6))
        return sum(count for index, count in self._counts.items() if index > limit)

    def to_json(self) -> dict[str, int]:
        """Return the counts by bucket."""
        return {str(index): self._counts[index] for index in sorted(self._counts)}

    @classmethod
    def from_json(cls, counts: Mapping[str, int]) -> Histogram:
        """Return what `to_json` gave; raise ValueError for anything else."""
        found = cls()
        found._counts = {int(index): int(count) for index, count in counts.items()}
        if any(index < 0 or count < 1 for index, count in found._counts.items()):
            raise ValueError("histogram: a bucket or a count is out of range")
        return found

    @classmethod
    def of(cls, latencies: Iterable[float]) -> Histogram:
        """Return a histogram of latencies in seconds."""
        found = cls()
        for seconds in latencies:
            found.add(seconds)
        return found


def _index(microseconds: int) -> int:
    number = min(max(microseconds, 0), _LARGEST_US)
    shift = max(0, number.bit_length() - _BITS - 1)
    return (shift << _BITS) + (number >> shift)


def _upper(index: int) -> int:
    """Return the largest number of microseconds in a bucket."""
    if index < 2 * _EACH:
        return index
    shift = (index >> _BITS) - 1
    return ((index - (shift << _BITS)) << shift) + (1 << shift) - 1
