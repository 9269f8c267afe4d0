"""Reconnect storms: who comes too early is told when, and all come in at a steady rate."""

from __future__ import annotations

import heapq
from collections import Counter

import pytest

from juki_center.areas.fleet.admission import MOST_SECONDS, Admission, Pace, backoff, spread

PACE = Pace(per_second=100.0, burst=200)
STORM = 2_000


def chances(count: int) -> list[float]:
    """Numbers from 0 up to 1, spread without any order: the golden ratio's multiples."""
    return [number * 0.6180339887498949 % 1 for number in range(count)]


def storm() -> tuple[list[float], list[int]]:
    """Let everybody come at once; each comes again when it is told to. Return times and tries."""
    state = Admission()
    coming = [(one * 0.5, number) for number, one in enumerate(chances(STORM))]
    heapq.heapify(coming)
    admitted, tries = [], [0] * STORM
    while coming:
        now, who = heapq.heappop(coming)
        tries[who] += 1
        state, wait = state.asked(now, PACE)
        if wait == 0:
            admitted.append(now)
        else:
            heapq.heappush(coming, (now + wait, who))
    return admitted, tries


def test_first_ones_come_in_at_once_up_to_the_burst() -> None:
    state, waits = Admission(), []
    for _ in range(PACE.burst + 1):
        state, wait = state.asked(1000.0, PACE)
        waits.append(wait)

    assert waits[: PACE.burst] == [0.0] * PACE.burst
    assert waits[-1] > 0


def test_who_comes_back_at_its_time_comes_in() -> None:
    state = Admission()
    for _ in range(PACE.burst):
        state, _ = state.asked(1000.0, PACE)
    state, wait = state.asked(1000.0, PACE)

    state, again = state.asked(1000.0 + wait, PACE)

    assert again == 0.0


def test_two_that_are_refused_are_told_different_times() -> None:
    state = Admission()
    for _ in range(PACE.burst):
        state, _ = state.asked(1000.0, PACE)
    state, first = state.asked(1000.0, PACE)
    state, second = state.asked(1000.0, PACE)

    assert second > first


def test_nobody_is_told_to_wait_longer_than_the_longest_time() -> None:
    _, wait = Admission(tokens=0.0, at=1000.0, line=10_000.0).asked(1000.0, PACE)

    assert wait == MOST_SECONDS


def test_storm_of_two_thousand_becomes_a_line() -> None:
    admitted, tries = storm()

    each_second = Counter(int(moment) for moment in admitted)
    print(
        f"\n{STORM:,} reconnects in 0.5 s: all in after {max(admitted):.1f} s, at most"
        f" {max(each_second.values())} a second, tries at most {max(tries)},"
        f" {sum(tries) / STORM:.2f} each"
    )
    assert len(admitted) == STORM
    assert max(each_second.values()) <= PACE.burst + 2 * PACE.per_second
    assert max(admitted) <= 2.5 * STORM / PACE.per_second
    assert sum(tries) / STORM <= 4


@pytest.mark.parametrize("streams", [0, 1, 2_000])
def test_backoff_is_spread_evenly_over_what_the_door_admits(streams: int) -> None:
    delays = sorted(backoff(chance, streams, PACE) for chance in chances(2_000))

    width = spread(streams, PACE)
    assert delays[0] >= 1.0
    assert delays[-1] <= 1.0 + width
    assert delays[1_000] == pytest.approx(1.0 + width / 2, rel=0.1)
