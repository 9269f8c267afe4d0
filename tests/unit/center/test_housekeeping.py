"""What a running center forgets by itself, when, and what it leaves alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from juki_center.cli import housekeeping
from juki_center.errors import Reason, Refusal
from tests.support.center import CHIYODA, NOW, Center

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from juki_center.areas.ports import Tx

DAY = timedelta(days=1)
USABLE = timedelta(seconds=300)


def is_kept(center: Center, request_id: UUID) -> bool:
    return center.store.read(lambda tx: tx.answers.answer_of(CHIYODA.uri, request_id)) is not None


def is_known(center: Center, session_id: bytes) -> bool:
    return center.store.read(lambda tx: tx.cards.session(session_id)) is not None


async def test_sessions_are_removed_a_day_after_their_time(center: Center) -> None:
    unused = await center.session("yoshida-taro")
    younger = await center.session("yoshida-taro", now=NOW + timedelta(seconds=1))

    await housekeeping.forget(center.store, NOW + USABLE + DAY)
    before = is_known(center, unused.session_id)
    await housekeeping.forget(center.store, NOW + USABLE + DAY + timedelta(microseconds=1))
    after = is_known(center, unused.session_id)

    assert (before, after) == (True, False)
    assert is_known(center, younger.session_id)


async def test_a_request_whose_session_is_gone_has_no_second_effect(center: Center) -> None:
    command = await center.command("yoshida-taro")
    copy = await center.issue(command, NOW + USABLE)

    await housekeeping.forget(center.store, NOW + USABLE + DAY)
    in_time = await center.issue(command, NOW + USABLE + DAY)
    late = NOW + USABLE + DAY + timedelta(microseconds=1)
    await housekeeping.forget(center.store, late)

    assert in_time == copy
    with pytest.raises(Refusal) as refused:
        await center.issue(command, late)
    assert refused.value.reason is Reason.ANSWER_EXPIRED
    assert refused.value.metadata == {"resource": copy.issue.issue_number}


async def test_a_running_center_forgets_at_its_start_and_in_each_round(center: Center) -> None:
    command = await center.command("yoshida-taro")
    await center.issue(command)
    kept: list[bool] = []

    async def next_round() -> None:
        kept.append(is_kept(center, command.request_id))
        if len(kept) == 3:
            raise asyncio.CancelledError
        center.now += DAY / 2 + timedelta(minutes=1)

    with pytest.raises(asyncio.CancelledError):
        await housekeeping.keep_house(center.store, lambda: center.now, next_round)

    assert kept == [True, True, False]


class Failing:
    """A store that cannot be written."""

    def __init__(self) -> None:
        self.asked = 0

    async def act(self, _act: Callable[[Tx], object]) -> object:
        self.asked += 1
        raise Refusal(Reason.STORE_UNAVAILABLE)


async def test_a_store_that_cannot_be_written_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Failing()

    await housekeeping.forget(store, NOW)  # type: ignore[arg-type]  # only its act is used
    await housekeeping.forget(store, NOW)  # type: ignore[arg-type]  # only its act is used

    assert store.asked == 2
    assert "STORE_UNAVAILABLE" in caplog.text
