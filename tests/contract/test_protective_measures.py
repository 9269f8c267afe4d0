"""Protective measures at the desk, and what they hold back elsewhere (domain cases 15 to 17)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.copies.commands import Scope
from juki_center.areas.residents.cancellations import cancel_entry
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.commands import (
    BeginMeasure,
    CancelEntry,
    EndMeasure,
    LiftMeasure,
    RegisterDeath,
    SetProtectiveMeasure,
)
from juki_center.areas.residents.deletions import register_death
from juki_center.areas.residents.measures import Step, set_protective_measure
from juki_center.areas.residents.records import ProtectiveMeasure, Resident
from juki_center.errors import Reason
from tests.support.center import NOW, Center, subject
from tests.support.leaves import leaves
from tests.support.register_desk import TODAY, YESTERDAY, RegisterDesk

TARO, HANAKO = "yoshida-taro", "yoshida-hanako"
MINUTE = timedelta(minutes=1)


async def step(desk: RegisterDesk, what: Step, now: datetime = NOW, key: str = TARO) -> Resident:
    """Change a person's measure."""
    command = SetProtectiveMeasure(desk.edit(key), what)
    return (await desk.do(set_protective_measure, command, now)).record


async def refused(
    center: Center, now: datetime = NOW, key: str = TARO, scope: Scope = Scope.SELF, **named: object
) -> DeniedAttempt:
    """Return the refusal of a copy elsewhere."""
    # The session is finished at the time of the request.
    center.now = now
    command = await center.command(key, scope=scope, **named)  # type: ignore[arg-type]  # subjects
    with pytest.raises(DeniedAttempt) as caught:
        await center.issue(command, now)
    return caught.value


async def is_issued(center: Center, now: datetime, key: str = TARO) -> bool:
    """Tell whether a copy is issued elsewhere."""
    center.now = now
    command = await center.command(key)
    return bool((await center.issue(command, now)).signed_content)


async def test_case_15_from_the_moment_of_the_measure_nothing_is_issued_elsewhere(
    center: Center, desk: RegisterDesk
) -> None:
    assert await is_issued(center, NOW)

    record = await step(desk, BeginMeasure())
    denied = await refused(center)

    assert record.record.measure == ProtectiveMeasure()
    assert (denied.reason, denied.metadata) == (Reason.ISSUE_SUPPRESSED, {})
    assert leaves(desk.store)[-1]["out"] == "PROTECTIVE_MEASURE"


async def test_a_measure_is_in_the_log_under_its_own_name_and_makes_no_notice(
    desk: RegisterDesk,
) -> None:
    await step(desk, BeginMeasure())

    assert leaves(desk.store)[-1]["ev"] == "PROTECTION_CHANGED"
    assert desk.notice_count() == 0


@pytest.mark.parametrize(
    ("scope", "subjects"),
    [(Scope.HOUSEHOLD, ()), (Scope.LISTED, (subject(TARO), subject(HANAKO)))],
)
async def test_case_16_a_household_with_one_protected_member_is_refused_whole(
    center: Center, desk: RegisterDesk, scope: Scope, subjects: Sequence[object]
) -> None:
    await step(desk, BeginMeasure(), key=HANAKO)

    denied = await refused(center, key=TARO, scope=scope, subjects=tuple(subjects))

    assert denied.reason is Reason.ISSUE_SUPPRESSED
    assert await is_issued(center, NOW)


async def test_case_17_a_lift_of_ten_minutes_is_over_by_itself_after_ten(
    center: Center, desk: RegisterDesk
) -> None:
    await step(desk, BeginMeasure())
    await step(desk, LiftMeasure(10 * MINUTE))

    last = await is_issued(center, NOW + 10 * MINUTE - timedelta(microseconds=1))
    at_ten = await refused(center, NOW + 10 * MINUTE)
    at_eleven = await refused(center, NOW + 11 * MINUTE)

    assert last
    assert at_ten.reason is at_eleven.reason is Reason.ISSUE_SUPPRESSED
    assert desk.record(TARO).version == 3


async def test_case_17_the_planned_end_passes_and_the_measure_holds_until_it_is_ended(
    center: Center, desk: RegisterDesk
) -> None:
    record = await step(desk, BeginMeasure(parse_date("令和9年3月31日")))
    later = datetime.fromisoformat("2027-04-02T01:00:00+00:00")

    denied = await refused(center, later)
    ended = await step(desk, EndMeasure(), later)

    assert record.record.measure == ProtectiveMeasure(date(2027, 3, 31))
    assert denied.reason is Reason.ISSUE_SUPPRESSED
    assert ended.record.measure is None
    assert await is_issued(center, later)


async def test_a_measure_that_is_begun_again_is_in_force_at_once_with_its_new_end(
    center: Center, desk: RegisterDesk
) -> None:
    await step(desk, BeginMeasure())
    await step(desk, LiftMeasure(timedelta(hours=24)))

    record = await step(desk, BeginMeasure(TODAY))

    assert record.record.measure == ProtectiveMeasure(date(2026, 11, 23))
    assert (await refused(center)).reason is Reason.ISSUE_SUPPRESSED


async def test_a_lift_keeps_the_planned_end(desk: RegisterDesk) -> None:
    await step(desk, BeginMeasure(TODAY))

    record = await step(desk, LiftMeasure(MINUTE))

    assert record.record.measure == ProtectiveMeasure(date(2026, 11, 23), NOW + MINUTE)


@pytest.mark.parametrize(
    ("what", "metadata"),
    [
        (LiftMeasure(MINUTE), {"state": "MEASURE_NONE", "event": "LIFTED"}),
        (EndMeasure(), {"state": "MEASURE_NONE", "event": "ENDED"}),
    ],
)
async def test_no_measure_is_neither_lifted_nor_ended(
    desk: RegisterDesk, what: Step, metadata: dict[str, str]
) -> None:
    command = SetProtectiveMeasure(desk.edit(TARO), what)

    denied = await desk.refused(set_protective_measure, command)

    assert (denied.reason, denied.metadata) == (Reason.NOT_IN_THIS_STATE, metadata)


@pytest.mark.parametrize(
    "span", [MINUTE - timedelta(microseconds=1), timedelta(hours=24, microseconds=1)]
)
async def test_a_lift_shorter_than_a_minute_or_longer_than_a_day_is_refused(
    desk: RegisterDesk, span: timedelta
) -> None:
    await step(desk, BeginMeasure())

    denied = await desk.refused(
        set_protective_measure, SetProtectiveMeasure(desk.edit(TARO), LiftMeasure(span))
    )

    assert denied.metadata == {"field": "lift", "rule": "ONE_MINUTE_TO_ONE_DAY"}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("令和8年11月22日", "PAST"),
        ("令和9年3月 日不詳", "DAY_NEEDED"),
        ("令和9年2月29日", "DAY"),
    ],
)
async def test_a_planned_end_that_is_no_day_to_come_is_refused(
    desk: RegisterDesk, text: str, rule: str
) -> None:
    command = SetProtectiveMeasure(desk.edit(TARO), BeginMeasure(parse_date(text)))

    denied = await desk.refused(set_protective_measure, command)

    assert denied.metadata == {"field": "begin.planned_end", "rule": rule}


async def test_a_deleted_record_keeps_its_measure_and_may_get_one(desk: RegisterDesk) -> None:
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), YESTERDAY))

    begun = await step(desk, BeginMeasure())
    ended = await step(desk, EndMeasure())

    assert (begun.record.measure, ended.record.measure) == (ProtectiveMeasure(), None)


async def test_no_other_entry_and_no_cancellation_of_one_ends_a_measure(
    desk: RegisterDesk,
) -> None:
    await step(desk, BeginMeasure())
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), YESTERDAY))

    await desk.do(cancel_entry, CancelEntry(desk.edit(TARO)))

    assert desk.record(TARO).record.measure == ProtectiveMeasure()
