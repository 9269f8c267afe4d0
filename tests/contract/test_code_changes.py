"""Changed codes and cancelled entries (domain case 6)."""

from __future__ import annotations

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.residents.cancellations import cancel_entry
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.commands import (
    BeginMeasure,
    CancelEntry,
    ChangeResidentCode,
    GetRecord,
    RegisterDeath,
    SetProtectiveMeasure,
)
from juki_center.areas.residents.deletions import register_death
from juki_center.areas.residents.households import change_household
from juki_center.areas.residents.measures import set_protective_measure
from juki_center.areas.residents.read import get_record
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.errors import Reason, Refusal
from tests.support.center import CHIYODA, Center, serial_of
from tests.support.leaves import leaves
from tests.support.register_desk import (
    CLERK,
    TARO,
    TODAY,
    RegisterDesk,
    code_of,
    move,
)

# Codes


async def test_case_06_a_changed_code_comes_from_the_stock_and_the_card_is_revoked(
    center: Center, desk: RegisterDesk
) -> None:
    await desk.stock(1)
    old = code_of(TARO)
    ready = await center.command(TARO)

    answer = await desk.do(change_resident_code, ChangeResidentCode(desk.edit(TARO)))

    new = answer.record.record.code
    assert new != old
    assert answer.record.record.former_codes == (old,)
    assert (answer.revoked_card_count, answer.code_stock_is_low) == (1, True)
    card = desk.store.read(lambda tx: tx.cards.card(serial_of(TARO)))
    assert card is not None
    assert card.status is CardStatus.REVOKED
    with pytest.raises(Refusal) as session_of_before:
        await center.issue(ready)
    assert session_of_before.value.reason is Reason.CARD_REVOKED


async def test_case_06_the_old_code_is_answered_by_its_change_and_without_the_new_one(
    desk: RegisterDesk,
) -> None:
    await desk.stock(1)
    answer = await desk.do(change_resident_code, ChangeResidentCode(desk.edit(TARO)))

    at_home = await desk.refused(get_record, GetRecord(desk.terminal, CLERK, code_of(TARO)))
    elsewhere = await RegisterDesk(desk.store, CHIYODA).refused(
        get_record, GetRecord(CHIYODA, CLERK, code_of(TARO))
    )
    by_new = await desk.do(
        get_record,
        GetRecord(desk.terminal, CLERK, answer.record.record.code, with_history=True),
    )

    assert (at_home.reason, at_home.metadata) == (Reason.CODE_CHANGED, {})
    assert elsewhere.reason is Reason.RESIDENT_NOT_FOUND
    assert [one.record.code for one in by_new.earlier] == [code_of(TARO)]


async def test_case_06_no_former_code_is_ever_given_again(desk: RegisterDesk) -> None:
    await desk.stock(20)
    code, seen = code_of(TARO), [code_of(TARO)]
    for _ in range(20):
        answer = await desk.do(change_resident_code, ChangeResidentCode(desk.edit(code)))
        code = answer.record.record.code
        seen.append(code)

    empty = await desk.refused(change_resident_code, ChangeResidentCode(desk.edit(code)))
    added = await desk.store.act(lambda tx: tx.codes.add(desk.terminal.municipality, seen))

    assert len(set(seen)) == 21
    assert desk.record(code).record.former_codes == tuple(seen[:-1])
    assert empty.reason is Reason.CODE_STOCK_EMPTY
    assert added == 0


async def test_a_deleted_record_keeps_its_code(desk: RegisterDesk) -> None:
    await desk.stock(1)
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))

    refused = await desk.refused(change_resident_code, ChangeResidentCode(desk.edit(TARO)))

    assert refused.reason is Reason.NOT_IN_THIS_STATE
    assert desk.left() == 1


# Cancellations


async def test_a_cancelled_death_is_a_further_entry_and_the_card_does_not_come_back(
    desk: RegisterDesk,
) -> None:
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))

    answer = await desk.do(cancel_entry, CancelEntry(desk.edit(TARO)))

    first, death, cancelled = desk.history(TARO)
    assert cancelled == answer.record
    assert (cancelled.state, cancelled.record) == (first.state, first.record)
    assert death.state is ResidenceState.DECEASED
    assert cancelled.change is not None
    assert (cancelled.change.reason, cancelled.change.cancels) == (ChangeReason.CANCELLATION, 2)
    card = desk.store.read(lambda tx: tx.cards.card(serial_of(TARO)))
    assert card is not None
    assert card.status is CardStatus.LAPSED
    assert desk.notice_count() == 2


async def test_a_cancelled_cancellation_brings_the_death_back(desk: RegisterDesk) -> None:
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))
    await desk.do(cancel_entry, CancelEntry(desk.edit(TARO)))

    answer = await desk.do(cancel_entry, CancelEntry(desk.edit(TARO)))

    assert (answer.record.state, answer.record.version) == (ResidenceState.DECEASED, 4)


async def test_a_cancelled_household_change_leads_back_to_the_old_household(
    desk: RegisterDesk,
) -> None:
    before = desk.record("yoshida-sakura")
    await desk.do(change_household, move(desk, ("yoshida-sakura", "世帯主")))

    answer = await desk.do(cancel_entry, CancelEntry(desk.edit("yoshida-sakura")))

    assert answer.record.household == before.household
    assert answer.record.record == before.record


async def test_a_cancelled_measure_is_in_the_log_as_a_change_of_protection(
    desk: RegisterDesk,
) -> None:
    begin = SetProtectiveMeasure(desk.edit(TARO), BeginMeasure())
    await desk.do(set_protective_measure, begin)

    answer = await desk.do(cancel_entry, CancelEntry(desk.edit(TARO)))

    assert answer.record.record.measure is None
    assert leaves(desk.store)[-1]["ev"] == "PROTECTION_CHANGED"


async def test_what_is_first_or_old_or_a_change_of_code_is_not_cancelled(
    desk: RegisterDesk,
) -> None:
    await desk.stock(1)
    first = await desk.refused(cancel_entry, CancelEntry(desk.edit(TARO)))
    changed = await desk.do(change_resident_code, ChangeResidentCode(desk.edit(TARO)))
    code = changed.record.record.code

    code_change = await desk.refused(cancel_entry, CancelEntry(desk.edit(code)))
    old = await desk.refused(cancel_entry, CancelEntry(desk.edit(code, version=1)))
    unseen = await desk.refused(cancel_entry, CancelEntry(desk.edit(code, version=3)))

    refused = [first, code_change, old]
    assert [one.reason for one in refused] == [Reason.ENTRY_NOT_CANCELLABLE] * 3
    assert unseen.reason is Reason.RECORD_CHANGED
    assert desk.record(code).version == 2
