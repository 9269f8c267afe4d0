"""When an agency's refusals are an alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.agencies.alarms import AlarmRule, Refusals

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
RULE = AlarmRule(refusals=3, within=timedelta(minutes=10))


def alarms(seconds: list[int], rule: AlarmRule = RULE) -> list[bool]:
    """Return for each refusal whether it was an alarm."""
    known, raised = Refusals(), []
    for moment in seconds:
        known, is_alarm = known.with_one_at(START + timedelta(seconds=moment), rule)
        raised.append(is_alarm)
    return raised


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0, 1], [False, False]),
        ([0, 1, 2], [False, False, True]),
        ([0, 300, 600], [False, False, True]),
        ([0, 300, 601], [False, False, False]),
        ([0, 300, 601, 602], [False, False, False, True]),
        ([0, 1, 2, 3, 4, 5], [False, False, True, False, False, True]),
    ],
)
def test_so_many_refusals_within_the_window_are_an_alarm(
    seconds: list[int], expected: list[bool]
) -> None:
    """Case 37: alarm after N."""
    assert alarms(seconds) == expected


@given(st.lists(st.integers(0, 3_000)).map(sorted))
def test_what_is_remembered_never_grows_beyond_the_rule(seconds: list[int]) -> None:
    known = Refusals()

    for moment in seconds:
        known, _ = known.with_one_at(START + timedelta(seconds=moment), RULE)

    assert len(known.times) < RULE.refusals
