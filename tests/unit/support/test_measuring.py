"""What the benchmark calculates from its timings."""

from __future__ import annotations

from itertools import count

import pytest

from tests.bench.measuring import Goal, Timings, interleaved, machine


def test_quantiles_are_of_the_ordered_times() -> None:
    timings = Timings([n / 1000 for n in reversed(range(1, 101))], [])

    assert timings.quantile_ms(0.50) == 51
    assert timings.quantile_ms(0.99) == 100


def test_cpu_of_a_call_is_the_median_of_the_rounds() -> None:
    assert Timings([], [1e-6, 900e-6, 3e-6]).cpu_us == pytest.approx(3)


@pytest.mark.parametrize(("number", "verdict"), [(1.5, "met"), (1.51, "missed")])
def test_a_goal_is_met_up_to_its_limit(number: float, verdict: str) -> None:
    goal = Goal("ratio", number, 1.5)

    assert goal.is_met == (verdict == "met")
    assert str(goal).endswith(f"goal<=1.5 {verdict}")


def test_kinds_take_turns_and_change_who_is_first() -> None:
    order: list[str] = []
    numbers = count()
    calls = [
        [lambda kind=kind: order.append(kind) or next(numbers) for _ in range(6)] for kind in "ab"
    ]

    small, large = interleaved(calls, rounds=3)

    assert "".join(order) == "bbaa" + "aabb" + "bbaa"
    assert len(small.each) == len(large.each) == 6
    assert len(small.cpu_of_rounds) == 3


def test_the_machine_and_the_day_stand_in_a_report() -> None:
    assert {"processor", "memory", "date"} <= set(machine())
