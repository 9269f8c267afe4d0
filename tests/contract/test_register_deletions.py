"""Deaths and deletions at the desk, and the cards that lapse with them (domain case 36)."""

from __future__ import annotations

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.commands import (
    DeleteRecord,
    RegisterDeath,
)
from juki_center.areas.residents.deletions import delete_record, register_death
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.errors import Reason, Refusal
from tests.support.center import Center, serial_of
from tests.support.register_desk import (
    TARO,
    TODAY,
    TOMORROW,
    YESTERDAY,
    RegisterDesk,
)


async def test_case_36_a_dead_persons_card_is_lapsed_before_the_next_request(
    center: Center, desk: RegisterDesk
) -> None:
    ready = await center.command(TARO)

    answer = await desk.do(register_death, RegisterDeath(desk.edit(TARO), YESTERDAY))

    assert (answer.lapsed_card_count, answer.record.state) == (1, ResidenceState.DECEASED)
    card = desk.store.read(lambda tx: tx.cards.card(serial_of(TARO)))
    assert card is not None
    assert card.status is CardStatus.LAPSED
    with pytest.raises(Refusal) as session_of_before:
        await center.issue(ready)
    with pytest.raises(Refusal) as new_session:
        await center.session(TARO)
    assert session_of_before.value.reason is new_session.value.reason is Reason.CARD_REVOKED


async def test_a_household_without_its_head_says_so_and_gets_none_by_itself(
    desk: RegisterDesk,
) -> None:
    answer = await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))

    assert answer.household_needs_head
    assert desk.record("yoshida-hanako").version == 1


async def test_the_last_member_leaves_a_household_that_needs_nobody(desk: RegisterDesk) -> None:
    for key in ("yoshida-sakura", "yoshida-hanako"):
        await desk.do(delete_record, DeleteRecord(desk.edit(key), TODAY))

    answer = await desk.do(delete_record, DeleteRecord(desk.edit(TARO), TODAY))

    assert answer.record.state is ResidenceState.DELETED
    assert answer.record.change is not None
    assert answer.record.change.reason is ChangeReason.DELETION_EX_OFFICIO
    assert not answer.household_needs_head


@pytest.mark.parametrize(
    ("day", "rule"), [(TOMORROW, "FUTURE"), (parse_date("昭和45年3月1日"), "BEFORE_BIRTH")]
)
async def test_a_death_on_a_day_that_cannot_be_is_refused(
    desk: RegisterDesk, day: object, rule: str
) -> None:
    refused = await desk.refused(register_death, RegisterDeath(desk.edit(TARO), day))  # type: ignore[arg-type]  # a date

    assert refused.metadata == {"field": "date_of_death", "rule": rule}


async def test_a_deletion_on_a_day_that_has_not_come_is_refused(desk: RegisterDesk) -> None:
    refused = await desk.refused(delete_record, DeleteRecord(desk.edit(TARO), TOMORROW))

    assert refused.metadata == {"field": "change_date", "rule": "FUTURE"}


async def test_nobody_dies_twice(desk: RegisterDesk) -> None:
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))

    refused = await desk.refused(register_death, RegisterDeath(desk.edit(TARO), TODAY))

    assert refused.reason is Reason.NOT_IN_THIS_STATE
    assert refused.metadata == {"state": "DECEASED", "event": "DIED"}
    assert len(refused.event.subjects) == 1
