"""Case 19: a residence that is slow gives a deadline error, and never two numbers for a request."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.center import Center
from tests.support.rows import peeking


async def test_case_19_a_retry_after_the_deadline_never_yields_two_numbers(center: Center) -> None:
    command = await center.command("yoshida-taro")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await center.issue(command)

    answers = [await center.issue(command) for _ in range(3)]

    with peeking(center.store) as sql:
        numbers = sql.execute("SELECT number FROM issues").fetchall()
    assert len(numbers) == 1
    assert {answer.issue.issue_number for answer in answers} == {numbers[0][0]}
