"""Newborns at the desk: household, code, entries, and what is refused (domain case 8)."""

from __future__ import annotations

import pytest

from juki_center.areas.residents.births import register_birth
from juki_center.areas.residents.commands import (
    RegisterDeath,
)
from juki_center.areas.residents.deletions import register_death
from juki_center.areas.residents.records import (
    ChangeReason,
    Nationality,
    ResidenceState,
    Sex,
)
from juki_center.errors import Reason
from tests.support.leaves import leaves
from tests.support.register_desk import (
    TARO,
    TODAY,
    TOMORROW,
    YESTERDAY,
    RegisterDesk,
    birth,
)


async def test_a_child_enters_its_parents_household_with_a_code_from_the_stock(
    desk: RegisterDesk,
) -> None:
    await desk.stock(101)

    answer = await desk.do(register_birth, birth(desk))

    child, parent = answer.record, desk.record(TARO)
    assert (child.household, child.municipality) == (parent.household, parent.municipality)
    assert (child.record.address, child.record.building) == (
        parent.record.address,
        parent.record.building,
    )
    assert (child.version, child.state) == (1, ResidenceState.ACTIVE)
    assert child.change is not None
    assert (child.change.reason, child.change.date) == (ChangeReason.BIRTH, YESTERDAY)
    assert desk.record(child.record.code) == child
    assert not answer.code_stock_is_low
    assert desk.left() == 100
    assert desk.notice_count() == 1
    assert leaves(desk.store)[-1]["ev"] == "RECORD_ENTERED"


async def test_the_answer_says_when_the_stock_falls_below_its_alert_level(
    desk: RegisterDesk,
) -> None:
    await desk.stock(100)

    assert (await desk.do(register_birth, birth(desk))).code_stock_is_low


async def test_an_address_of_the_childs_own_is_kept(desk: RegisterDesk) -> None:
    await desk.stock(1)

    answer = await desk.do(register_birth, birth(desk, address="埼玉県所沢市緑町一丁目1番1号"))

    assert answer.record.record.address == "埼玉県所沢市緑町一丁目1番1号"
    assert not answer.record.record.building


async def test_case_08_a_newborn_without_a_name_or_a_sex_is_entered(desk: RegisterDesk) -> None:
    await desk.stock(1)

    answer = await desk.do(register_birth, birth(desk, name="", kana="", sex=Sex.BLANK))

    assert (answer.record.record.name, answer.record.record.sex) == ("", Sex.BLANK)
    assert desk.record(answer.record.record.code) == answer.record


@pytest.mark.parametrize(
    ("field", "rule", "changes"),
    [
        ("entries.date_of_birth", "REQUIRED", {"birth": None}),
        ("entries.resident_since", "REQUIRED", {"resident_since": None}),
        ("entries.date_of_birth", "FUTURE", {"birth": TOMORROW}),
        ("entries.resident_since", "FUTURE", {"resident_since": TOMORROW}),
    ],
)
async def test_case_08_a_blank_birth_date_and_a_day_that_has_not_come_are_refused(
    desk: RegisterDesk, field: str, rule: str, changes: dict[str, object]
) -> None:
    await desk.stock(1)

    refused = await desk.refused(register_birth, birth(desk, **changes))

    assert refused.reason is Reason.FIELD_INVALID
    assert refused.metadata == {"field": field, "rule": rule}
    assert desk.left() == 1


async def test_case_46_a_name_that_no_register_holds_is_refused_by_field_and_code_point(
    desk: RegisterDesk,
) -> None:
    await desk.stock(1)

    refused = await desk.refused(register_birth, birth(desk, name="山田\u202e太郎"))

    assert refused.reason is Reason.FIELD_INVALID
    assert refused.metadata["field"] == "entries.name"
    assert "202E" in refused.metadata["rule"]
    assert "山田" not in str(refused.metadata)
    assert desk.left() == 1


async def test_an_empty_stock_is_refused_and_nobody_is_entered(desk: RegisterDesk) -> None:
    refused = await desk.refused(register_birth, birth(desk))

    assert refused.reason is Reason.CODE_STOCK_EMPTY
    assert desk.notice_count() == 0


async def test_a_child_does_not_enter_through_a_deleted_record(desk: RegisterDesk) -> None:
    await desk.stock(1)
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))

    refused = await desk.refused(register_birth, birth(desk))

    assert refused.reason is Reason.NOT_IN_THIS_STATE
    assert refused.metadata == {"state": "DECEASED", "event": "HOUSEHOLD_JOINED"}


async def test_case_48_a_foreign_child_with_a_birth_date_in_an_era_is_refused(
    desk: RegisterDesk,
) -> None:
    await desk.stock(1)

    refused = await desk.refused(
        register_birth, birth(desk, name="WANG\u3000LI", nationality=Nationality.FOREIGN)
    )

    assert refused.metadata == {
        "field": "entries.date_of_birth",
        "rule": "BIRTH_DATE_NOT_GREGORIAN",
    }
    assert desk.left() == 1
