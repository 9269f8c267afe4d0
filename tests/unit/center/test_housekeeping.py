"""What a running center forgets by itself, when, and what it leaves alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from juki_center.areas.agencies.batches import open_batch
from juki_center.areas.agencies.commands import Confirm, OpenBatch
from juki_center.areas.agencies.confirm import confirm
from juki_center.areas.residents.locks import LOCKED_FOR, EditLock
from juki_center.cli import housekeeping
from juki_center.errors import Reason, Refusal
from tests.support.agencies import (
    FOUR,
    PASSPORT,
    PASSPORT_OFFICE,
    PENSION,
    PENSION_OFFICE,
    POLICY,
    authorise_usual,
    code_of,
    provision_rows,
)
from tests.support.center import CHIYODA, NOW, SAMPLES, Center

if TYPE_CHECKING:
    from collections.abc import Callable

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


async def test_a_lock_that_has_run_out_goes_and_a_running_one_stays(center: Center) -> None:
    found = center.store.read(lambda tx: tx.residents.by_code(SAMPLES["yoshida-taro"].record.code))
    assert found is not None
    lock = EditLock(found.person, bytes(16), CHIYODA.uri, "窓口\u3000案内子", NOW + LOCKED_FOR)
    await center.store.act(lambda tx: tx.locks.put(lock))

    await housekeeping.forget(center.store, NOW + LOCKED_FOR)
    before = center.store.read(lambda tx: tx.locks.of_person(found.person))
    await housekeeping.forget(center.store, NOW + LOCKED_FOR + timedelta(microseconds=1))
    after = center.store.read(lambda tx: tx.locks.of_person(found.person))

    assert (before, after) == (lock, None)


async def test_provisions_go_after_seven_years_and_batches_after_thirty_days(
    center: Center,
) -> None:
    question = Confirm(PASSPORT_OFFICE, PASSPORT, code_of("takahashi-ichiro"), FOUR)
    batch = OpenBatch(PENSION_OFFICE, UUID(int=1), PENSION, 1)
    await center.store.act(authorise_usual)
    await center.store.act(lambda tx: confirm(tx, question, NOW, POLICY))
    await center.store.act(lambda tx: open_batch(tx, batch, NOW, POLICY))

    def there() -> tuple[int, bool]:
        is_kept = center.store.read(lambda tx: tx.batches.find("pension-1", UUID(int=1)))
        return len(provision_rows(center.store)), is_kept is not None

    kept = []
    for years, days in ((0, 30), (0, 31), (7, 0), (7, 1)):
        moment = NOW.replace(year=NOW.year + years) + days * DAY
        await housekeeping.forget(center.store, moment)
        kept.append(there())

    assert kept == [(1, True), (1, False), (1, False), (0, False)]


class Failing:
    """A store in which every act fails in the same way."""

    def __init__(self, error: Exception) -> None:
        self.asked = 0
        self._error = error

    async def act(self, _act: Callable[[Tx], object]) -> object:
        self.asked += 1
        raise self._error

    def read(self, _question: Callable[[Tx], object]) -> object:
        self.asked += 1
        raise self._error


async def test_a_store_that_cannot_be_written_is_tried_again_by_every_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Failing(Refusal(Reason.STORE_UNAVAILABLE))

    await housekeeping.forget(store, NOW)  # type: ignore[arg-type]  # only acts are used
    asked = store.asked
    await housekeeping.forget(store, NOW)  # type: ignore[arg-type]  # only acts are used

    assert (asked, store.asked) == (9, 18)
    assert "STORE_UNAVAILABLE" in caplog.text


async def test_a_job_with_a_defect_keeps_no_other_from_its_work_and_tells_no_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Failing(ValueError("\u9ad9\u6a4b\u3000\u4e00\u90ce"))

    await housekeeping.forget(store, NOW)  # type: ignore[arg-type]  # only acts are used

    assert store.asked == 9
    assert "ValueError" in caplog.text
    assert "\u9ad9" not in caplog.text
