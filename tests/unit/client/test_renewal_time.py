"""When a certificate is renewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from juki_client.renewal_time import renew_at

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = BEGINS + timedelta(days=360)


def test_a_renewal_is_due_between_two_thirds_and_three_quarters_of_a_life() -> None:
    times = [renew_at(BEGINS, ENDS, number.to_bytes(32, "big")) for number in range(500)]

    assert min(times) >= BEGINS + timedelta(days=240)
    assert max(times) < BEGINS + timedelta(days=270)


def test_the_same_certificate_is_due_at_the_same_time() -> None:
    assert renew_at(BEGINS, ENDS, b"a" * 32) == renew_at(BEGINS, ENDS, b"a" * 32)


def test_a_fleet_that_was_enrolled_on_one_day_is_spread() -> None:
    days = [renew_at(BEGINS, ENDS, number.to_bytes(32, "big")).date() for number in range(3000)]

    busiest = max(days.count(day) for day in set(days))

    assert len(set(days)) == 30
    assert busiest < 3000 / 30 * 1.5
