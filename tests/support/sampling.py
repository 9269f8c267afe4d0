"""Which of many places a short run of the tests takes: some by a seed; JUKI_LONG=1 takes them all.

The seed is the same in every process of a run (`tests/conftest.py` settles it), a failure prints
it, and JUKI_SEED=n takes the same places again.
"""

from __future__ import annotations

import os
import random  # noqa: TID251  # seeded, so that a failure can be had again
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

LONG = bool(os.environ.get("JUKI_LONG"))
T = TypeVar("T")


def seed() -> str:
    """Return what chooses in this run."""
    return os.environ["JUKI_SEED"]


def sampled(
    places: Sequence[T],
    count: int,
    *,
    where: str,
    kind: Callable[[T], Hashable] = lambda _: None,
    every: bool = LONG,
) -> list[T]:
    """Return `count` places in their order, more where there are more kinds: one of each at least.

    `where` names who asks, so that two tests do not take the same places. `every`: all of them.
    """
    if every:
        return list(places)
    order = list(range(len(places)))
    random.Random(f"{seed()} {where}").shuffle(order)
    first_of = {kind(places[at]): at for at in reversed(order)}
    others = [at for at in order if at not in first_of.values()]
    chosen = [*first_of.values(), *others[: max(0, count - len(first_of))]]
    return [places[at] for at in sorted(chosen)]


def edges(last: int) -> Callable[[int], Hashable]:
    """Return the kind of a place that is a number from 1: the first, the last, or between."""
    return lambda at: {1: "first", last: "last"}.get(at, "between")
