"""Choices by chance for invented residents, all made of one stream of numbers in [0, 1).

Python promises the same stream for the same seed in every version, and promises it for nothing
else that `random` offers; so a seed names the same people everywhere.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Generic, Protocol, TypeVar

Choice = TypeVar("Choice")


class Draws(Protocol):
    """Where the numbers come from."""

    def random(self) -> float:
        """Return the next number, at least 0 and below 1."""


class Weighted(Generic[Choice]):
    """Things of which some are chosen more often than others."""

    def __init__(self, choices: Iterable[tuple[Choice, int]]) -> None:
        pairs = list(choices)
        self._choices = [choice for choice, _ in pairs]
        self._sums = list(accumulate(weight for _, weight in pairs))

    def pick(self, draws: Draws) -> Choice:
        """Choose one by weight."""
        return self._choices[bisect(self._sums, draws.random() * self._sums[-1])]


def pick(draws: Draws, choices: Sequence[Choice]) -> Choice:
    """Choose one, each as often as the others."""
    return choices[int(draws.random() * len(choices))]


def between(draws: Draws, low: int, high: int) -> int:
    """Choose a whole number from low to high, both included."""
    return low + int(draws.random() * (high - low + 1))


def happens(draws: Draws, share: float) -> bool:
    """Let something happen in this share of all cases."""
    return draws.random() < share


def spread(draws: Draws, mean: float, deviation: float) -> float:
    """Choose a number around a mean, near the normal distribution and never 3.5 deviations off."""
    total = draws.random() + draws.random() + draws.random() + draws.random()
    return mean + (total - 2) * 1.732 * deviation
