"""The generator and the search at a server whose capacity is known."""

from __future__ import annotations

import os

import pytest

from juki_load.calibration import Calibration, Order, calibrate

LONG = bool(os.environ.get("JUKI_LONG"))
CAPACITY = 500.0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("run", range(3 if LONG else 1))
def test_a_known_capacity_is_found_within_a_tenth(run: int) -> None:
    """Three searches in a row with JUKI_LONG=1; otherwise a short one, and another one where the
    machine was too busy for measurements that are so short."""
    order = Order(CAPACITY, 4.0, 1_000 * run)
    if not LONG:
        order = Order(CAPACITY, 1.5, first_share=0.8, tolerance=0.06)

    found = calibrate(order, lambda _: None)
    if not found.is_good and not LONG:
        found = calibrate(order, lambda _: None)

    assert found.is_good, found
    assert 0 < found.cpu_us_per_call < 20_000


@pytest.mark.parametrize(("found", "good"), [(451, True), (549, True), (449, False), (551, False)])
def test_a_tenth_is_the_limit(found: float, *, good: bool) -> None:
    assert Calibration(CAPACITY, found, 1, 1.0).is_good is good
