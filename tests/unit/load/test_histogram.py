"""Latencies in buckets."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_load.measure.histogram import Histogram

LATENCIES = st.lists(st.floats(min_value=0, max_value=10_000), min_size=1, max_size=200)


@given(LATENCIES, st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_at_most_a_bucket_above_what_was_measured(
    latencies: list[float], share: float
) -> None:
    true = sorted(latencies)[math.ceil(len(latencies) * share) - 1]

    found = Histogram.of(latencies).quantile(share)

    assert int(true * 1e6) / 1e6 <= found <= true * 1.008 + 1e-6


@given(LATENCIES, LATENCIES)
def test_two_histograms_add_up_to_the_one_of_both(one: list[float], other: list[float]) -> None:
    merged = Histogram.of(one)

    merged.merge(Histogram.of(other))

    assert merged.to_json() == Histogram.of(one + other).to_json()


@given(LATENCIES)
def test_a_histogram_comes_back_from_its_file(latencies: list[float]) -> None:
    before = Histogram.of(latencies)

    after = Histogram.from_json(json.loads(json.dumps(before.to_json())))

    assert after.to_json() == before.to_json()
    assert after.count == len(latencies)


def test_nothing_measured_has_no_quantile() -> None:
    assert math.isnan(Histogram().quantile(0.5))


def test_latencies_above_a_limit_are_counted() -> None:
    found = Histogram.of([0.1, 0.2, 0.3, 5.0, 21.0])

    assert (found.above(20), found.above(0.25), found.above(30)) == (1, 3, 0)


@pytest.mark.parametrize("counts", [{"-1": 1}, {"3": 0}, {"x": 1}])
def test_a_file_that_is_no_histogram_is_refused(counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"histogram|invalid literal"):
        Histogram.from_json(counts)
