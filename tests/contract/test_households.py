"""Changes of households: who goes where, and who heads what is left."""

from __future__ import annotations

from dataclasses import replace

from juki_center.areas.residents.commands import (
    DeleteRecord,
    LockRecord,
)
from juki_center.areas.residents.deletions import delete_record
from juki_center.areas.residents.edit_locks import lock_record
from juki_center.areas.residents.households import change_household
from juki_center.errors import Reason
from tests.support.register_desk import (
    CLERK,
    TARO,
    TODAY,
    TOMORROW,
    RegisterDesk,
    code_of,
    move,
)


async def test_a_member_founds_a_household_and_no_notice_is_made(desk: RegisterDesk) -> None:
    old = desk.record("yoshida-sakura").household

    answer = await desk.do(change_household, move(desk, ("yoshida-sakura", "世帯主")))

    (moved,) = answer.records
    assert moved.household != old
    assert moved.record.relationship == "世帯主"
    assert not answer.household_needs_head
    assert desk.notice_count() == 0


async def test_two_members_change_places_in_their_own_household(desk: RegisterDesk) -> None:
    places = ((TARO, "夫"), ("yoshida-hanako", "世帯主"))

    answer = await desk.do(change_household, move(desk, *places, to="yoshida-sakura"))

    assert [one.record.relationship for one in answer.records] == ["夫", "世帯主"]
    assert len({one.household for one in answer.records}) == 1
    assert not answer.household_needs_head


async def test_a_household_whose_head_went_elsewhere_needs_one(desk: RegisterDesk) -> None:
    answer = await desk.do(change_household, move(desk, (TARO, "同居人"), to="takahashi-ichiro"))

    assert answer.household_needs_head
    assert answer.records[0].household == desk.record("takahashi-ichiro").household


async def test_a_household_with_two_heads_needs_one(desk: RegisterDesk) -> None:
    answer = await desk.do(
        change_household, move(desk, ("yoshida-sakura", "世帯主"), to="takahashi-ichiro")
    )

    assert answer.household_needs_head


async def test_a_new_household_without_exactly_one_head_is_refused(desk: RegisterDesk) -> None:
    for places in ([("yoshida-sakura", "子")], [(TARO, "世帯主"), ("yoshida-hanako", "世帯主")]):
        refused = await desk.refused(change_household, move(desk, *places))
        assert refused.metadata == {"field": "members", "rule": "ONE_HEAD"}


async def test_members_that_are_none_or_twice_or_stay_where_they_are_are_refused(
    desk: RegisterDesk,
) -> None:
    nobody = move(desk)
    twice = move(desk, (TARO, "世帯主"), (TARO, "夫"))
    same = move(desk, (TARO, "世帯主"), to=TARO)

    refused = [await desk.refused(change_household, one) for one in (nobody, twice, same)]

    assert [one.metadata["rule"] for one in refused] == [
        "RANGE_1_20",
        "TWICE",
        "NOTHING_CHANGED",
    ]


async def test_one_member_who_may_not_go_holds_all_of_them(desk: RegisterDesk) -> None:
    await desk.do(delete_record, DeleteRecord(desk.edit("yoshida-hanako"), TODAY))
    seen = move(desk, ("yoshida-sakura", "子"), (TARO, "世帯主"))
    stale = replace(seen, members=(seen.members[0], replace(seen.members[1], expected_version=7)))

    gone = await desk.refused(
        change_household, move(desk, ("yoshida-sakura", "子"), ("yoshida-hanako", "世帯主"))
    )
    changed = await desk.refused(change_household, stale)
    joined = await desk.refused(
        change_household, move(desk, ("yoshida-sakura", "子"), to="yoshida-hanako")
    )

    assert gone.reason is joined.reason is Reason.NOT_IN_THIS_STATE
    assert changed.reason is Reason.RECORD_CHANGED
    assert desk.record("yoshida-sakura").version == 1


async def test_a_locked_member_stays(desk: RegisterDesk) -> None:
    await desk.do(lock_record, LockRecord(desk.terminal, CLERK, code_of("yoshida-sakura")))

    refused = await desk.refused(change_household, move(desk, ("yoshida-sakura", "世帯主")))

    assert refused.reason is Reason.RECORD_LOCKED


async def test_a_change_of_households_has_happened(desk: RegisterDesk) -> None:
    command = replace(move(desk, ("yoshida-sakura", "世帯主")), change_date=TOMORROW)

    refused = await desk.refused(change_household, command)

    assert refused.metadata == {"field": "change_date", "rule": "FUTURE"}
