"""Floods against a center whose only server does 500 look-ups a second, in virtual time."""

from __future__ import annotations

from juki_center.areas.overload.classes import Load
from juki_center.areas.overload.limits import INTERVAL_SECONDS
from tests.support.overloaded import COST, Stream, simulate

CAPACITY = 1 / COST[Load.WINDOW]
SETTLED = 2.0
OFFICES = tuple(f"{number:06}" for number in range(10))


def test_at_three_times_the_capacity_the_admitted_keep_their_time() -> None:
    flood = (Stream(office, Load.WINDOW, 0.3 * CAPACITY) for office in OFFICES)

    found = simulate(*flood)

    # The target is 0.1 s: the limit swings around what it allows.
    assert found.quantile(0.99, Load.WINDOW, SETTLED) < 0.2
    assert len([one for one in found.served if one.due >= SETTLED]) > 0.9 * CAPACITY * 8


def test_the_shed_are_told_to_come_back_each_at_another_time() -> None:
    flood = (Stream(office, Load.WINDOW, 0.3 * CAPACITY) for office in OFFICES)

    waits = [seconds for *_, when, seconds in simulate(*flood).shed if when >= SETTLED]

    # Two are shed for each that is served: three turns of half a second.
    assert 0.5 < min(waits) < 1.0 < sum(waits) / len(waits) < 2.5
    assert len(set(waits)) > len(waits) / 10


def test_shares_at_three_times_the_capacity_are_fair() -> None:
    flood = [Stream(office, Load.WINDOW, 0.3 * CAPACITY) for office in OFFICES]

    found = simulate(*flood)

    counts = [found.count(office, SETTLED) for office in OFFICES]
    assert max(counts) < 1.25 * min(counts)


def test_one_office_that_floods_does_not_starve_the_others() -> None:
    modest = [Stream(office, Load.WINDOW, 0.05 * CAPACITY) for office in OFFICES]

    found = simulate(Stream("131016", Load.WINDOW, 2.5 * CAPACITY), *modest)

    shed = [one for one in found.shed if one[0] != "131016" and one[2] >= SETTLED]
    served = sum(found.count(office, SETTLED) for office in OFFICES)
    assert len(shed) < 0.01 * served
    assert found.quantile(0.99, Load.WINDOW, SETTLED) < 0.2


def test_a_flood_of_broad_searches_does_not_delay_code_look_ups() -> None:
    """Case 44: three times what the center could search, beside look-ups at a third of it."""
    look_ups = Stream("131016", Load.WINDOW, CAPACITY / 3)
    alone = simulate(look_ups)

    found = simulate(look_ups, Stream("agency", Load.BROAD, 3 / COST[Load.BROAD]))

    assert not [one for one in found.shed if one[1] is Load.WINDOW]
    # A look-up waits for the few searches before it, never for a queue of them.
    late = found.quantile(0.99, Load.WINDOW, SETTLED)
    assert late < alone.quantile(0.99, Load.WINDOW) + 6 * COST[Load.BROAD]
    assert found.count("agency", SETTLED) > 0
    assert all(seconds > 0 for *_, seconds in found.shed)


def test_it_recovers_within_seconds_of_a_flood() -> None:
    usual = [Stream(office, Load.WINDOW, 0.07 * CAPACITY, ends=20.0) for office in OFFICES]
    flood = Stream("131016", Load.WINDOW, 5 * CAPACITY, begins=5.0, ends=10.0)

    found = simulate(*usual, flood)

    before = found.quantile(0.99, Load.WINDOW, 1.0, 5.0)
    assert found.quantile(0.99, Load.WINDOW, 12.0) < 2 * before
    assert not [one for one in found.shed if one[2] > 10.0 + 20 * INTERVAL_SECONDS]


def test_what_fits_is_not_shed() -> None:
    usual = [Stream(office, Load.WINDOW, 0.08 * CAPACITY) for office in OFFICES]

    found = simulate(*usual)

    assert found.shed == []
