"""When calls are due."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest

from juki_load import arrivals


def test_constant_arrivals_come_at_even_distances() -> None:
    assert list(arrivals.constant(4, 1)) == [0, 0.25, 0.5, 0.75]


def test_poisson_arrivals_have_the_rate_and_the_spread_of_one() -> None:
    times = list(arrivals.poisson(100, 100, seed=7))
    gaps = [after - before for before, after in pairwise(times)]

    assert len(times) == pytest.approx(10_000, rel=0.05)
    assert statistics.mean(gaps) == pytest.approx(0.01, rel=0.05)
    assert statistics.stdev(gaps) == pytest.approx(0.01, rel=0.05)
    assert times == sorted(times)
    assert times[-1] < 100


def test_the_same_seed_gives_the_same_times_and_another_does_not() -> None:
    first, again, other = (list(arrivals.poisson(10, 10, seed)) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_processes_together_make_what_one_would_have_made() -> None:
    parts = [arrivals.share(arrivals.poisson(50, 10, 3), part, 3) for part in range(3)]

    together = sorted(second for part in parts for second in part)

    assert together == list(arrivals.poisson(50, 10, 3))


def test_an_office_connects_in_time_and_calls_again_after_its_pauses() -> None:
    for number in range(50):
        times = list(arrivals.office(number, 600, 1, within=60, pause=(60, 120)))
        pauses = [after - before for before, after in pairwise(times)]

        assert times[0] <= 60
        assert all(60 <= pause <= 120 for pause in pauses)
        assert 5 <= len(times) <= 10


def test_offices_are_drawn_evenly_and_for_good() -> None:
    drawn = [arrivals.draw(1, number) for number in range(2_000)]

    assert sum(one < 0.3 for one in drawn) == pytest.approx(600, rel=0.1)
    assert drawn[7] == arrivals.draw(1, 7)
