"""What every act on a register has in common: once for each request, whose it is, the log."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from juki_center.areas.callers import Terminal
from juki_center.areas.residents.births import register_birth
from juki_center.areas.residents.cancellations import cancel_entry
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.commands import (
    CancelEntry,
    ChangeResidentCode,
    GetRecord,
    ListHousehold,
    RegisterDeath,
)
from juki_center.areas.residents.deletions import register_death
from juki_center.areas.residents.read import get_record, list_household
from juki_center.areas.residents.records import ResidenceState
from juki_center.errors import Reason, Refusal
from juki_center.storage.samples import load_samples
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES
from tests.support.leaves import leaves
from tests.support.register_desk import (
    CLERK,
    TARO,
    TODAY,
    YESTERDAY,
    RegisterDesk,
    birth,
    code_of,
)

NOBODY = ResidentCode("12345678903")


# Once for each request


async def test_a_request_that_comes_again_gets_the_first_answer_and_changes_nothing(
    desk: RegisterDesk,
) -> None:
    await desk.stock(2)
    command = birth(desk)
    first = await desk.do(register_birth, command)
    written = len(leaves(desk.store))

    again = await desk.do(register_birth, command)

    assert again == first
    assert desk.left() == 1
    assert len(leaves(desk.store)) == written


async def test_the_first_answer_is_the_version_that_was_written_then(desk: RegisterDesk) -> None:
    death = RegisterDeath(desk.edit(TARO), TODAY)
    first = await desk.do(register_death, death)
    await desk.do(cancel_entry, CancelEntry(desk.edit(TARO)))

    again = await desk.do(register_death, death)

    assert again == first
    assert again.record.state is ResidenceState.DECEASED
    assert desk.record(TARO).state is ResidenceState.ACTIVE


async def test_the_same_id_with_another_content_is_refused(desk: RegisterDesk) -> None:
    death = RegisterDeath(desk.edit(TARO), TODAY)
    await desk.do(register_death, death)

    with pytest.raises(Refusal) as refused:
        await desk.do(register_death, replace(death, date_of_death=YESTERDAY))

    assert refused.value.reason is Reason.REQUEST_ID_REUSED


async def test_an_answer_is_given_for_a_day_only(desk: RegisterDesk) -> None:
    death = RegisterDeath(desk.edit(TARO), TODAY)
    await desk.do(register_death, death)

    with pytest.raises(Refusal) as refused:
        await desk.do(register_death, death, NOW + timedelta(hours=24, seconds=1))

    assert refused.value.reason is Reason.ANSWER_EXPIRED


# Who may


async def test_a_person_of_another_municipality_is_not_found_and_neither_is_nobody(
    desk: RegisterDesk,
) -> None:
    elsewhere = next(
        one for one in SAMPLES.values() if one.municipality != desk.terminal.municipality
    )

    refused = [
        await desk.refused(get_record, GetRecord(desk.terminal, CLERK, code))
        for code in (elsewhere.record.code, NOBODY)
    ]

    assert [one.reason for one in refused] == [Reason.RESIDENT_NOT_FOUND] * 2
    assert refused[0].metadata == refused[1].metadata == {}
    assert [one.event.subjects for one in refused] == [(), ()]
    assert [leaf["ev"] for leaf in leaves(desk.store)[-2:]] == ["RECORD_REFUSED"] * 2


async def test_a_ward_office_keeps_its_citys_register(store: SQLiteStore) -> None:
    yokohama = next(one for one in SAMPLES.values() if str(one.municipality) == "141003")
    ward = Terminal("juki://municipality/141046/terminal/01", MunicipalityCode("141046"))
    desk = RegisterDesk(store, ward)

    found = await desk.do(get_record, GetRecord(ward, CLERK, yokohama.record.code))

    assert found.record.record == yokohama.record


@pytest.mark.parametrize("name", ["", "  \u3000"])
async def test_a_clerk_without_a_name_sees_and_changes_nothing(
    desk: RegisterDesk, name: str
) -> None:
    looked = await desk.refused(get_record, GetRecord(desk.terminal, name, code_of(TARO)))
    edit = replace(desk.edit(TARO), clerk_name=name)
    changed = await desk.refused(register_death, RegisterDeath(edit, TODAY))

    assert looked.reason is changed.reason is Reason.CLERK_NAME_REQUIRED
    assert desk.record(TARO).version == 1


async def test_a_window_of_an_abolished_municipality_does_nothing(store: SQLiteStore) -> None:
    gone = next(
        code
        for code in ("221317", "221325", "221333")
        if RegisterDesk(store).policy.municipalities.periods(MunicipalityCode(code))
    )
    window = Terminal(f"juki://municipality/{gone}/terminal/01", MunicipalityCode(gone))
    desk = RegisterDesk(store, window)

    with pytest.raises(Refusal) as refused:
        await desk.do(get_record, GetRecord(window, CLERK, code_of(TARO)))

    assert refused.value.reason is Reason.UNAUTHENTICATED


async def test_samples_loaded_again_after_a_code_change_enter_nobody_twice(
    desk: RegisterDesk,
) -> None:
    await desk.stock(1)
    changed = await desk.do(change_resident_code, ChangeResidentCode(desk.edit(TARO)))

    await desk.store.act(lambda tx: load_samples(tx, NOW))

    found = await desk.do(get_record, GetRecord(desk.terminal, CLERK, changed.record.record.code))
    assert found.record == changed.record


async def test_a_disconnected_register_is_not_opened(desk: RegisterDesk) -> None:
    whose = desk.terminal.municipality
    await desk.store.act(lambda tx: tx.registers.set_connected(whose, connected=False))

    refused = await desk.refused(get_record, GetRecord(desk.terminal, CLERK, code_of(TARO)))

    assert refused.reason is Reason.RESIDENCE_DISCONNECTED


# Looking


async def test_a_record_shows_its_earlier_versions_newest_first(desk: RegisterDesk) -> None:
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))
    await desk.do(cancel_entry, CancelEntry(desk.edit(TARO)))

    plain = await desk.do(get_record, GetRecord(desk.terminal, CLERK, code_of(TARO)))
    full = await desk.do(
        get_record, GetRecord(desk.terminal, CLERK, code_of(TARO), with_history=True)
    )

    assert plain.earlier == ()
    assert [one.version for one in (full.record, *full.earlier)] == [3, 2, 1]
    leaf = leaves(desk.store)[-1]
    assert (leaf["ev"], leaf.get("more", {})) == ("RECORD_READ", {})


async def test_case_04_a_code_keeps_its_leading_zero_through_store_and_acts(
    desk: RegisterDesk,
) -> None:
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))

    read = await desk.do(
        get_record, GetRecord(desk.terminal, CLERK, code_of(TARO), with_history=True)
    )
    listed = await desk.do(
        list_household, ListHousehold(desk.terminal, CLERK, code_of(TARO), with_deleted=True)
    )

    found = [read.record, *read.earlier, listed.records[0]]
    assert {one.record.code.digits for one in found} == {"05769813421"}


async def test_a_household_is_listed_in_the_order_of_its_paper(desk: RegisterDesk) -> None:
    asked = ListHousehold(desk.terminal, CLERK, code_of("yoshida-sakura"))

    found = await desk.do(list_household, asked)

    assert [one.record.relationship for one in found.records] == ["世帯主", "妻", "子"]
    who = leaves(desk.store)[-1]["who"]
    assert isinstance(who, list)
    assert len(who) == 3


async def test_deleted_members_are_listed_only_where_they_are_asked_for(
    desk: RegisterDesk,
) -> None:
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))
    asked = ListHousehold(desk.terminal, CLERK, code_of("yoshida-sakura"))

    living = await desk.do(list_household, asked)
    everybody = await desk.do(list_household, replace(asked, with_deleted=True))

    assert (len(living.records), len(everybody.records)) == (2, 3)
