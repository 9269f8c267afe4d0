"""Corrected entries, their reasons, and what a correction leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.commands import (
    BeginMeasure,
    ChangeResidentCode,
    CorrectRecord,
    DeleteRecord,
    SetProtectiveMeasure,
)
from juki_center.areas.residents.corrections import correct_record
from juki_center.areas.residents.deletions import delete_record
from juki_center.areas.residents.measures import set_protective_measure
from juki_center.areas.residents.records import ChangeReason, Nationality
from juki_center.errors import Reason
from tests.support.center import SAMPLES
from tests.support.register_desk import (
    CLERK,
    TARO,
    TODAY,
    TOMORROW,
    RegisterDesk,
    code_of,
    correction,
    entries_of,
)


async def test_case_45_a_corrected_name_is_the_next_version_and_the_old_one_stays(
    desk: RegisterDesk,
) -> None:
    answer = await desk.do(correct_record, correction(desk, TARO, name="神\ufa19　葛\U000e0100"))

    old, new = desk.history(TARO)
    assert new == answer.record
    assert new.record.name == "神\ufa19　葛\U000e0100"
    assert old.record == SAMPLES[TARO].record
    assert replace(new.record, name=old.record.name) == old.record
    assert new.change is not None
    assert new.change.clerk_name == CLERK
    assert desk.notice_count() == 1


async def test_a_correction_of_an_entry_that_nobody_is_told_of_makes_no_notice(
    desk: RegisterDesk,
) -> None:
    await desk.do(correct_record, correction(desk, TARO, previous_address=""))

    assert desk.notice_count() == 0


async def test_a_correction_keeps_measure_and_former_codes(desk: RegisterDesk) -> None:
    await desk.stock(1)
    measure = SetProtectiveMeasure(desk.edit(TARO), BeginMeasure())
    await desk.do(set_protective_measure, measure)
    changed = await desk.do(change_resident_code, ChangeResidentCode(desk.edit(TARO)))
    code = changed.record.record.code
    entries = replace(entries_of(changed.record), kana="ヨシタ　タロウ")
    command = CorrectRecord(desk.edit(code), entries, ChangeReason.NAME_CHANGE, TODAY)

    answer = await desk.do(correct_record, command)

    assert answer.record.record.measure is not None
    assert answer.record.record.former_codes == (code_of(TARO),)


@pytest.mark.parametrize(
    ("field", "rule", "changes"),
    [
        ("entries", "NOTHING_CHANGED", {}),
        ("entries.date_of_birth", "REQUIRED", {"birth": None}),
        ("entries.date_of_birth", "FUTURE", {"birth": TOMORROW}),
    ],
)
async def test_entries_that_correct_nothing_or_break_a_rule_are_refused(
    desk: RegisterDesk, field: str, rule: str, changes: dict[str, object]
) -> None:
    refused = await desk.refused(correct_record, correction(desk, TARO, **changes))

    assert refused.metadata == {"field": field, "rule": rule}
    assert desk.record(TARO).version == 1


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        (ChangeReason.DEATH, "NOT_A_CORRECTION"),
        (ChangeReason.NATURALISATION, "REASON_AND_NATIONALITY"),
        (ChangeReason.NATIONALITY_LOST, "REASON_AND_NATIONALITY"),
    ],
)
async def test_a_reason_that_does_not_fit_the_entries_is_refused(
    desk: RegisterDesk, reason: ChangeReason, rule: str
) -> None:
    command = replace(correction(desk, TARO, kana="ヨシタ　タロウ"), reason=reason)

    refused = await desk.refused(correct_record, command)

    assert refused.metadata == {"field": "reason", "rule": rule}


async def test_a_national_who_lost_the_nationality_has_foreign_entries_from_then_on(
    desk: RegisterDesk,
) -> None:
    command = correction(
        desk,
        TARO,
        nationality=Nationality.FOREIGN,
        birth=parse_date("1970年3月2日"),
        name="YOSHIDA\u3000TARO",
        registered_domicile="",
        family_register_head="",
    )

    answer = await desk.do(correct_record, replace(command, reason=ChangeReason.NATIONALITY_LOST))

    assert answer.record.record.nationality is Nationality.FOREIGN


async def test_a_correction_from_a_day_that_has_not_come_is_refused(desk: RegisterDesk) -> None:
    command = replace(correction(desk, TARO, kana="ヨシタ　タロウ"), change_date=TOMORROW)

    refused = await desk.refused(correct_record, command)

    assert refused.metadata == {"field": "change_date", "rule": "FUTURE"}


async def test_a_deleted_record_is_not_corrected(desk: RegisterDesk) -> None:
    await desk.do(delete_record, DeleteRecord(desk.edit(TARO), TODAY))

    refused = await desk.refused(correct_record, correction(desk, TARO, kana="ヨシタ　タロウ"))

    assert refused.reason is Reason.NOT_IN_THIS_STATE
