"""When calls are due: an open model, in which nobody waits for the answer before.

Each generator of times depends on its seed alone. Several processes share a rate: each takes every
n-th arrival of the same times, so that together they make what one would have made.
"""

from __future__ import annotations

import random  # noqa: TID251  # times must be the same for the same seed
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Model(StrEnum):
    """How calls are spread."""

    CONSTANT = "constant"
    """One after each 1/rate seconds."""
    POISSON = "poisson"
    """Independent of each other, as people are."""
    OFFICES = "offices"
    """Each office connects once in the first minute, and calls again and again."""


def constant(rate: float, seconds: float) -> Iterator[float]:
    """Yield times at even distances."""
    number = 0
    while (due := number / rate) < seconds:
        yield due
        number += 1


def poisson(rate: float, seconds: float, seed: int) -> Iterator[float]:
    """Yield times at exponential distances."""
    draws = random.Random(seed)  # noqa: S311  # nothing here is to be secret
    due = draws.expovariate(rate)
    while due < seconds:
        yield due
        due += draws.expovariate(rate)


def office(
    number: int, seconds: float, seed: int, *, within: float, pause: tuple[float, float]
) -> Iterator[float]:
    """Yield the times of one office: the first within so many seconds, then after each pause."""
    draws = random.Random(f"{seed}/{number}")  # noqa: S311  # as above
    due = draws.uniform(0, within)
    while due < seconds:
        yield due
        due += draws.uniform(*pause)


def share(times: Iterator[float], part: int, parts: int) -> Iterator[float]:
    """Yield every n-th time, for one of several processes."""
    for number, due in enumerate(times):
        if number % parts == part:
            yield due


def draw(seed: int, number: int) -> float:
    """Return a number from 0 to 1 that belongs to an office for good."""
    return random.Random(f"{seed}:{number}").random()  # noqa: S311  # as above
