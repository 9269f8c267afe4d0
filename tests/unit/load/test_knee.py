"""The search for the knee, at a server that is only computed."""

from __future__ import annotations

import random  # noqa: TID251  # the same stalls for the same seed
from collections.abc import Callable

import pytest

from juki_load import arrivals, knee
from juki_load.knee import Knee
from juki_load.measure.histogram import Histogram

CAPACITY = 500.0


def found_by(is_good: Callable[[float], bool], first: float) -> Knee | None:
    """Run a search to its end."""
    search = knee.search(first)
    rate = next(search)
    while True:
        try:
            rate = search.send(is_good(rate))
        except StopIteration as end:
            result: Knee | None = end.value
            return result


class ComputedServer:
    """One clerk with a fixed time for each call, in a time that only is computed."""

    def __init__(self, *, stalls: float = 0.0, seed: int = 1) -> None:
        """With a share of the measurements spoilt by a stall of the machine."""
        self._stalls = stalls
        self._draws = random.Random(seed)
        self._seed = seed

    def answers_in_time(self, rate: float) -> bool:
        self._seed += 1
        latencies, free_at = Histogram(), 0.0
        if self._draws.random() < self._stalls:
            free_at = 2.0
        for due in arrivals.poisson(rate, 20, self._seed):
            free_at = max(free_at, due) + 1 / CAPACITY
            latencies.add(free_at - due)
        return latencies.quantile(0.99) <= 0.1


@pytest.mark.parametrize("first", [1.0, 170.0, 500.0, 2_000.0])
def test_a_known_capacity_is_found_within_a_tenth(first: float) -> None:
    found = found_by(ComputedServer().answers_in_time, first)

    assert found is not None
    assert found.rate == pytest.approx(CAPACITY, rel=0.10)
    assert found.rate < found.too_high <= found.rate * 1.04


@pytest.mark.parametrize("seed", range(3))
def test_stalls_of_the_machine_do_not_decide(seed: int) -> None:
    server = ComputedServer(stalls=0.1, seed=seed * 1_000)

    found = found_by(server.answers_in_time, 100)

    assert found is not None
    assert found.rate == pytest.approx(CAPACITY, rel=0.10)


def test_a_server_that_never_answers_in_time_has_no_knee() -> None:
    assert found_by(lambda _: False, 100) is None


def test_a_server_that_always_does_has_a_knee_beyond_what_was_tried() -> None:
    found = found_by(lambda _: True, 1)

    assert found is not None
    assert (found.rate, found.too_high) == (2**15, float("inf"))


def test_each_rate_is_measured_until_two_measurements_agree() -> None:
    asked: list[float] = []

    def is_good(rate: float) -> bool:
        asked.append(rate)
        return rate < 100

    found = found_by(is_good, 64)

    assert found is not None
    assert len(asked) == found.measurements
    assert all(asked.count(rate) >= 2 for rate in asked)


def test_a_rate_that_was_good_by_luck_is_given_up_at_last() -> None:
    tried: dict[float, int] = {}

    def is_good(rate: float) -> bool:
        tried[rate] = tried.get(rate, 0) + 1
        # What seemed to hold up to 100 does not hold above 90 when it is asked again.
        return rate < 100 if tried[rate] <= 2 else rate < 90

    found = found_by(is_good, 64)

    assert found is not None
    assert found.rate < 97
