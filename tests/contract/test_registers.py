"""Acts on a register: births, deaths, corrections, households, codes, cancellations, locks."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.residents.births import register_birth
from juki_center.areas.residents.cancellations import cancel_entry
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.commands import (
    BeginMeasure,
    CancelEntry,
    ChangeHousehold,
    ChangeResidentCode,
    CorrectRecord,
    DeleteRecord,
    GetRecord,
    ListHousehold,
    LockRecord,
    Member,
    RegisterBirth,
    RegisterDeath,
    SetProtectiveMeasure,
    UnlockRecord,
)
from juki_center.areas.residents.corrections import correct_record
from juki_center.areas.residents.deletions import delete_record, register_death
from juki_center.areas.residents.edit_locks import lock_record, unlock_record
from juki_center.areas.residents.households import change_household
from juki_center.areas.residents.measures import set_protective_measure
from juki_center.areas.residents.read import get_record, list_household
from juki_center.areas.residents.records import ChangeReason, Nationality, ResidenceState, Sex
from juki_center.errors import Reason, Refusal
from juki_center.storage.samples import load_samples
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, NOW, SAMPLES, Center, serial_of
from tests.support.leaves import leaves
from tests.support.register_desk import (
    CHILD,
    CLERK,
    TODAY,
    TOMORROW,
    YESTERDAY,
    RegisterDesk,
    code_of,
    entries_of,
    renewed,
)

TARO = "yoshida-taro"
NOBODY = ResidentCode("12345678903")


@pytest.fixture
def desk(store: SQLiteStore) -> RegisterDesk:
    """The desk of Tokorozawa."""
    return RegisterDesk(store)


def birth(desk: RegisterDesk, **changes: object) -> RegisterBirth:
    """Return the birth of a child of the Yoshida family."""
    entries = replace(CHILD, **changes)  # type: ignore[arg-type]  # fields of Entries
    return RegisterBirth(desk.terminal, uuid.uuid4(), CLERK, code_of(TARO), entries)


# Births


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
    assert (leaf["ev"], leaf["more"]) == ("RECORD_READ", {"clerk": "unverified"})


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


# Deaths and deletions


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


# Versions and locks


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


# Corrections


def correction(desk: RegisterDesk, key: str, **changes: object) -> CorrectRecord:
    """Return the correction of some entries by the municipality's own authority."""
    entries = replace(entries_of(desk.record(key)), **changes)  # type: ignore[arg-type]  # fields of Entries
    return CorrectRecord(desk.edit(key), entries, ChangeReason.CORRECTION_EX_OFFICIO, TODAY)


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


# Households


def move(desk: RegisterDesk, *places: tuple[str, str], to: str | None = None) -> ChangeHousehold:
    """Return a change of households: who takes which place, in whose household or a new one."""
    members = tuple(
        Member(code_of(key), desk.record(key).version, relationship) for key, relationship in places
    )
    target = code_of(to) if to else None
    return ChangeHousehold(desk.terminal, uuid.uuid4(), CLERK, members, target, TODAY)


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
