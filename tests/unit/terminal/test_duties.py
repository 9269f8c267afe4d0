"""When a terminal does by itself what it must: the table alone, without a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from juki_center.areas.fleet.admission import Pace, backoff
from juki_terminal.duties import Duties, Duty, unhurried

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def table(*wanted: Duty, is_connected: bool = True) -> Duties:
    duties = Duties()
    duties.is_connected = is_connected
    for duty in wanted:
        duties.want(duty, NOW)
    return duties


def test_what_is_due_is_ready_in_order_and_nothing_before_its_time() -> None:
    duties = table(Duty.REPORT, Duty.IDENTITY)
    duties.want(Duty.TRUST, NOW + MINUTE)

    assert duties.ready(NOW) == [Duty.IDENTITY, Duty.REPORT]
    assert duties.ready(NOW + MINUTE) == [Duty.IDENTITY, Duty.TRUST, Duty.REPORT]


def test_a_later_wish_does_not_put_off_an_earlier_one() -> None:
    duties = table(Duty.TRUST)

    duties.want(Duty.TRUST, NOW + MINUTE)

    assert duties.ready(NOW) == [Duty.TRUST]


def test_what_is_begun_is_struck_off_and_wanted_anew_meanwhile_is_done_again() -> None:
    duties = table(Duty.TRUST)

    duties.begin(Duty.TRUST)
    struck = duties.ready(NOW)
    duties.want(Duty.TRUST, NOW)
    duties.done(Duty.TRUST)

    assert (struck, duties.ready(NOW)) == ([], [Duty.TRUST])


def test_without_a_stream_the_certificate_is_still_kept_and_nothing_else_asked() -> None:
    duties = table(*Duty, is_connected=False)

    without = duties.ready(NOW)
    duties.is_connected = True

    assert without == [Duty.IDENTITY, Duty.TRUST]
    assert duties.ready(NOW) == list(Duty)


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5)])
def test_what_fails_waits_twice_as_long_each_time_up_to_an_hour(
    chance: float, share: float
) -> None:
    duties = table(Duty.IDENTITY)

    pauses = [duties.failed(Duty.IDENTITY, NOW, chance) for _ in range(9)]

    minutes = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert pauses == [MINUTE * one * share for one in minutes]


def test_after_a_success_the_first_pause_is_short_again() -> None:
    duties = table(Duty.IDENTITY)
    for _ in range(5):
        duties.failed(Duty.IDENTITY, NOW, 0.5)

    duties.done(Duty.IDENTITY)

    assert duties.failed(Duty.IDENTITY, NOW, 0.5) == MINUTE


def test_the_wait_ends_with_the_first_duty_that_can_be_done() -> None:
    duties = table(is_connected=False)
    duties.want(Duty.REPORT, NOW)
    duties.want(Duty.IDENTITY, NOW + MINUTE)

    assert duties.wait(NOW, MINUTE * 2) == MINUTE
    assert duties.wait(NOW + MINUTE * 2, MINUTE) == timedelta(0)
    assert table().wait(NOW, MINUTE) == MINUTE


@pytest.mark.parametrize(
    ("streams", "chance", "wanted"),
    [(1, 0.0, 0.0), (1, 1.0, 3.0), (10_000, 0.0, 0.0), (10_000, 0.5, 150.0), (10_000, 1.0, 300.0)],
)
def test_what_is_not_urgent_is_spread_over_minutes_by_the_size_of_the_fleet(
    streams: int, chance: float, wanted: float
) -> None:
    named = backoff(chance, streams, Pace(per_second=100, burst=200))

    assert unhurried(named) == timedelta(seconds=wanted)


def test_what_is_not_urgent_is_done_at_once_where_the_center_has_named_no_time() -> None:
    assert unhurried(0.0) == timedelta(0)
