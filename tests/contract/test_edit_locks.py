"""Two clerks and one record: versions, and exclusive edit locks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from juki_center.areas.callers import Terminal
from juki_center.areas.residents.commands import (
    DeleteRecord,
    LockRecord,
    RegisterDeath,
    UnlockRecord,
)
from juki_center.areas.residents.deletions import delete_record, register_death
from juki_center.areas.residents.edit_locks import lock_record, unlock_record
from juki_center.errors import Reason
from tests.support.center import CHIYODA, NOW
from tests.support.register_desk import (
    CLERK,
    TARO,
    TODAY,
    RegisterDesk,
    code_of,
    renewed,
)


async def test_a_change_of_a_version_that_is_no_longer_the_newest_is_refused(
    desk: RegisterDesk,
) -> None:
    seen = desk.edit(TARO)
    await desk.do(delete_record, DeleteRecord(desk.edit(TARO), TODAY))

    refused = await desk.refused(register_death, RegisterDeath(seen, TODAY))

    assert (refused.reason, refused.metadata) == (Reason.RECORD_CHANGED, {"version": "2"})


async def test_a_record_under_another_terminals_lock_is_left_alone(desk: RegisterDesk) -> None:
    lock = await desk.do(lock_record, LockRecord(desk.terminal, CLERK, code_of(TARO)))

    refused = await desk.refused(delete_record, DeleteRecord(desk.edit(TARO), TODAY))

    assert refused.reason is Reason.RECORD_LOCKED
    assert refused.metadata == {"until": lock.until.isoformat()}


async def test_another_window_cannot_use_a_lock_whose_id_it_has_learned(
    desk: RegisterDesk,
) -> None:
    lock = await desk.do(lock_record, LockRecord(desk.terminal, CLERK, code_of(TARO)))
    other = RegisterDesk(desk.store, Terminal(f"{desk.terminal.uri}9", desk.terminal.municipality))

    refused = await other.refused(
        delete_record, DeleteRecord(other.edit(TARO, lock_id=lock.lock_id), TODAY)
    )

    assert refused.reason is Reason.RECORD_LOCKED


async def test_the_holder_of_a_lock_changes_the_record(desk: RegisterDesk) -> None:
    lock = await desk.do(lock_record, LockRecord(desk.terminal, CLERK, code_of(TARO)))

    answer = await desk.do(
        delete_record, DeleteRecord(desk.edit(TARO, lock_id=lock.lock_id), TODAY)
    )

    assert (lock.version, answer.record.version) == (1, 2)


async def test_a_lock_runs_out_after_ten_minutes(desk: RegisterDesk) -> None:
    await desk.do(lock_record, LockRecord(desk.terminal, CLERK, code_of(TARO)))
    edit = desk.edit(TARO)

    before = await desk.refused(
        delete_record, DeleteRecord(edit, TODAY), NOW + timedelta(minutes=9, seconds=59)
    )
    answer = await desk.do(
        delete_record, DeleteRecord(renewed(edit), TODAY), NOW + timedelta(minutes=10)
    )

    assert before.reason is Reason.RECORD_LOCKED
    assert answer.record.version == 2


async def test_the_holder_gets_the_same_lock_again_and_another_clerk_is_refused(
    desk: RegisterDesk,
) -> None:
    asked = LockRecord(desk.terminal, CLERK, code_of(TARO))
    first = await desk.do(lock_record, asked)

    again = await desk.do(lock_record, asked, NOW + timedelta(minutes=5))
    refused = await desk.refused(lock_record, replace(asked, clerk_name="鈴木　一"))

    assert again.lock_id == first.lock_id
    assert again.until == NOW + timedelta(minutes=15)
    assert refused.reason is Reason.RECORD_LOCKED


async def test_a_lock_that_is_given_back_keeps_nobody_out(desk: RegisterDesk) -> None:
    lock = await desk.do(lock_record, LockRecord(desk.terminal, CLERK, code_of(TARO)))
    given = UnlockRecord(desk.terminal, lock.lock_id)

    for _ in range(2):
        await desk.store.act(lambda tx: unlock_record(tx, given))

    assert (await desk.do(delete_record, DeleteRecord(desk.edit(TARO), TODAY))).record.version == 2


async def test_nobody_gives_another_terminals_lock_back(desk: RegisterDesk) -> None:
    lock = await desk.do(lock_record, LockRecord(desk.terminal, CLERK, code_of(TARO)))

    await desk.store.act(lambda tx: unlock_record(tx, UnlockRecord(CHIYODA, lock.lock_id)))

    refused = await desk.refused(delete_record, DeleteRecord(desk.edit(TARO), TODAY))
    assert refused.reason is Reason.RECORD_LOCKED
