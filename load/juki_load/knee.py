"""The knee: the highest rate at which a center still answers in time.

The search asks for one measurement after the other and is told whether it was good; it makes none
itself. First the rate is doubled until it is too high (or halved until it is not), then the bracket
is halved. No single measurement decides: a rate counts by the majority of three, because on a
machine that others use too a stall of a moment looks like an overload. At last the rate that was
found must be good once more, or the next lower one is tried.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, TypeAlias

MAJORITY: Final = 2
_MOST_DOUBLINGS: Final = 16
_MOST_HALVINGS: Final = 6


@dataclass(frozen=True, slots=True)
class Knee:
    """What was found: the highest good rate, and the lowest one that is known to be too high."""

    rate: float
    too_high: float
    measurements: int


Search: TypeAlias = Generator[float, bool, Knee | None]
"""Yields rates to measure, takes whether each was good; returns None where no rate is."""


def search(first: float, *, tolerance: float = 0.03) -> Search:
    """Search the knee, beginning at a rate; `tolerance` is how wide the last bracket may be."""
    tally = _Tally()
    low, high = yield from _bracket(first, tally)
    if low == 0 or math.isinf(high):
        return None if low == 0 else Knee(low, high, tally.measurements)
    while high / low > 1 + tolerance:
        middle = math.sqrt(low * high)
        if (yield from _is_good(middle, tally)):
            low = middle
        else:
            high = middle
    while not (yield from _is_good(low, tally)):
        low, high = low / (1 + tolerance), low
    return Knee(low, high, tally.measurements)


@dataclass(slots=True)
class _Tally:
    measurements: int = 0


def _bracket(first: float, tally: _Tally) -> Generator[float, bool, tuple[float, float]]:
    """Return a good rate and one that is too high; 0 or infinity where there is none."""
    if not (yield from _is_good(first, tally)):
        for halvings in range(1, _MOST_HALVINGS + 1):
            rate = first / 2**halvings
            if (yield from _is_good(rate, tally)):
                return rate, rate * 2
        return 0.0, first
    for doublings in range(1, _MOST_DOUBLINGS):
        rate = first * 2**doublings
        if not (yield from _is_good(rate, tally)):
            return rate / 2, rate
    return first * 2 ** (_MOST_DOUBLINGS - 1), math.inf


def _is_good(rate: float, tally: _Tally) -> Generator[float, bool, bool]:
    """Measure a rate until two measurements agree."""
    good = bad = 0
    while max(good, bad) < MAJORITY:
        tally.measurements += 1
        if (yield rate):
            good += 1
        else:
            bad += 1
    return good > bad
