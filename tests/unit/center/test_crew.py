"""Which workers a supervisor starts, ends and gives up, without a process and without a clock."""

from __future__ import annotations

import pytest

from juki_center.cli.crew import Crew, Drain, Kill, Patience, Phase, Start

PATIENCE = Patience()


def serving(size: int = 2) -> Crew:
    """Return a crew whose workers all serve since 0."""
    crew = Crew(size)
    crew.steps(0.0)
    for serial in range(size):
        crew.has_got_ready(serial, 0.0)
    return crew


def test_crew_that_begins_fills_every_place_once() -> None:
    crew = Crew(3)

    assert crew.steps(0.0) == [Start(0, 0), Start(1, 1), Start(2, 2)]
    assert crew.steps(0.0) == []
    assert crew.ready == ()


def test_worker_that_dies_is_replaced_after_a_pause() -> None:
    crew = serving()

    crew.has_ended(1, 10.0)

    assert crew.steps(10.0 + PATIENCE.first_pause - 0.01) == []
    assert crew.steps(10.0 + PATIENCE.first_pause) == [Start(1, 2)]
    assert crew.places[1].restarts == 1


def pauses_of_ten_deaths(*, get_ready: bool) -> list[float]:
    """Return how long the one place stays empty after each of ten deaths in a row."""
    crew, now, pauses = Crew(1), 0.0, []
    for _ in range(10):
        (start,) = crew.steps(now)
        assert isinstance(start, Start)
        if get_ready:
            crew.has_got_ready(start.serial, now)
        crew.has_ended(start.serial, now)
        pauses.append(crew.places[0].empty_until - now)
        now = crew.places[0].empty_until
    return pauses


def test_pause_doubles_while_deaths_follow_each_other_and_has_an_end() -> None:
    pauses = pauses_of_ten_deaths(get_ready=False)

    assert pauses[:4] == [0.25, 0.5, 1.0, 2.0]
    assert pauses[-1] == PATIENCE.longest_pause


def test_pause_stays_short_where_workers_serve_in_between() -> None:
    pauses = pauses_of_ten_deaths(get_ready=True)

    assert pauses[:3] == [0.25, 0.5, 1.0]
    assert pauses[-1] == PATIENCE.served_pause


def test_death_after_a_long_life_is_the_first_one_again() -> None:
    crew = serving(1)
    for _ in range(3):
        crew.places[0].deaths += 1

    crew.has_ended(0, PATIENCE.steady)

    assert crew.places[0].deaths == 1


def test_crew_is_hopeless_when_every_place_has_failed_too_often() -> None:
    crew, now = Crew(2), 0.0
    for _ in range(PATIENCE.failed_starts):
        assert not crew.is_hopeless
        for step in crew.steps(now):
            assert isinstance(step, Start)
            crew.has_ended(step.serial, now)
        now += PATIENCE.longest_pause

    assert crew.is_hopeless


def test_crew_with_one_worker_that_serves_is_never_hopeless() -> None:
    crew = serving()
    crew.places[1].failed_starts = 99

    assert not crew.is_hopeless


def test_worker_that_does_not_get_ready_is_killed_once() -> None:
    crew = Crew(1)
    crew.steps(0.0)

    assert crew.steps(PATIENCE.start) == []
    assert crew.steps(PATIENCE.start + 0.1) == [Kill(0)]
    assert crew.steps(PATIENCE.start + 0.2) == []


def test_renewal_starts_the_new_before_it_ends_the_old_one_place_after_the_other() -> None:
    crew = serving()
    crew.renew()

    assert crew.steps(1.0) == [Start(0, 2)]
    assert crew.steps(2.0) == []
    crew.has_got_ready(2, 3.0)
    assert crew.steps(3.0) == [Drain(0)]
    assert crew.steps(4.0) == []
    crew.has_ended(0, 5.0)
    assert crew.steps(5.0) == [Start(1, 3)]
    crew.has_got_ready(3, 6.0)
    assert crew.steps(6.0) == [Drain(1)]
    assert crew.is_renewing
    crew.has_ended(1, 7.0)

    assert crew.steps(8.0) == []
    assert not crew.is_renewing
    assert [one.serial for one in crew.ready] == [2, 3]
    assert all(place.restarts == 0 for place in crew.places)


def test_renewal_is_given_up_when_the_new_worker_dies_and_the_old_one_serves_on() -> None:
    crew = serving()
    crew.renew()
    crew.steps(1.0)

    crew.has_ended(2, 2.0)

    assert crew.renewals_failed == 1
    assert not crew.is_renewing
    assert crew.steps(100.0) == []
    assert [one.serial for one in crew.ready] == [0, 1]


def test_renewal_asked_for_in_a_renewal_replaces_the_first_ones_again() -> None:
    crew = serving(1)
    crew.renew()
    crew.steps(1.0)
    crew.renew()
    crew.has_got_ready(1, 2.0)
    assert crew.steps(2.0) == [Drain(0)]
    crew.has_ended(0, 3.0)

    assert crew.steps(3.0) == [Start(0, 2)]


def test_old_worker_that_dies_in_a_renewal_leaves_its_place_to_the_new_one() -> None:
    crew = serving(1)
    crew.renew()
    crew.steps(1.0)

    crew.has_ended(0, 2.0)

    assert crew.steps(50.0) == []
    crew.has_got_ready(1, 51.0)
    assert crew.steps(51.0) == []
    assert not crew.is_renewing


def test_worker_that_does_not_drain_is_killed() -> None:
    crew = serving(1)
    crew.end()
    assert crew.steps(1.0) == [Drain(0)]

    assert crew.steps(1.1 + PATIENCE.drain) == [Kill(0)]


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.READY])
def test_crew_that_ends_starts_nobody_and_is_over_with_the_last(phase: Phase) -> None:
    crew = Crew(1)
    crew.steps(0.0)
    if phase is Phase.READY:
        crew.has_got_ready(0, 0.5)

    crew.end()

    assert crew.steps(1.0) == [Drain(0)]
    assert not crew.is_over
    crew.has_ended(0, 2.0)
    assert crew.is_over
    assert crew.steps(100.0) == []
