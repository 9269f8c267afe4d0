"""What an update may say: whose code it carries, which reason leads to which state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.commands import (
    BeginMeasure,
    ChangeResidentCode,
    SetProtectiveMeasure,
)
from juki_center.areas.residents.measures import set_protective_measure
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.areas.residents.rules import checked
from juki_center.areas.residents.updates import (
    Applied,
    Outcome,
    Update,
    UpdateReason,
)
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, SAMPLES, Center, serial_of
from tests.support.leaves import leaves
from tests.support.register_desk import (
    TOMORROW,
    code_of,
)
from tests.support.updates import (
    ACTIVE,
    CALLER,
    DECEASED,
    DELETED,
    MOVED_OUT,
    NEW,
    TARO,
    Register,
    corrected,
    record,
    update,
)


@pytest.fixture
def register(store: SQLiteStore) -> Register:
    """The register of Tokorozawa."""
    return Register(store)


# Whose code it is


async def test_a_code_of_another_municipality_is_refused(register: Register) -> None:
    elsewhere = next(
        one.record for one in SAMPLES.values() if one.municipality == CHIYODA.municipality
    )

    applied = await register.apply(update(1, record=checked(elsewhere)))

    assert applied == Applied(Outcome.REFUSED, 1, "code", "CODE_ELSEWHERE")


@pytest.mark.parametrize(
    "probe",
    [
        update(2, ChangeReason.NAME_CHANGE),
        update(1, ChangeReason.DEATH, DECEASED),
        update(1, ChangeReason.MOVE_IN, MOVED_OUT),
        replace(update(1), change=UpdateReason(ChangeReason.MOVE_IN, TOMORROW)),
    ],
)
async def test_what_would_enter_nobody_does_not_tell_whether_a_code_is_somebodys(
    register: Register, probe: Update
) -> None:
    elsewhere = next(
        one.record for one in SAMPLES.values() if one.municipality == CHIYODA.municipality
    )

    unknown = await register.apply(probe)
    known = await register.apply(
        replace(probe, record=checked(replace(probe.record, code=elsewhere.code)))
    )

    assert unknown.outcome is not Outcome.APPLIED
    assert known == unknown


async def test_case_06_a_former_code_is_refused_at_home_and_unknown_elsewhere(
    register: Register,
) -> None:
    await register.stock(1)
    await register.do(change_resident_code, ChangeResidentCode(register.edit(TARO)))
    former = update(3, record=record(code_of(TARO)))

    at_home = await register.apply(former)
    elsewhere = await register.apply(replace(former, municipality=CHIYODA.municipality))

    assert at_home == Applied(Outcome.REFUSED, 3, "code", "CODE_CHANGED")
    assert elsewhere == Applied(Outcome.HELD, 3, missing=1)


async def test_an_update_leaves_measure_and_former_codes_alone(register: Register) -> None:
    await register.stock(1)
    begin = SetProtectiveMeasure(register.edit(TARO), BeginMeasure())
    await register.do(set_protective_measure, begin)
    changed = await register.do(change_resident_code, ChangeResidentCode(register.edit(TARO)))
    code = changed.record.record.code

    applied = await register.apply(
        update(4, ChangeReason.NAME_CHANGE, record=record(code, kana="ヨシタ　タロウ"))
    )

    found = register.record(code).record
    assert applied.outcome is Outcome.APPLIED
    assert found.kana == "ヨシタ　タロウ"
    assert found.measure is not None
    assert found.former_codes == (code_of(TARO),)


async def test_a_disconnected_register_takes_no_update(register: Register) -> None:
    whose = register.terminal.municipality
    await register.apply(update(1))
    await register.store.act(lambda tx: tx.registers.set_connected(whose, connected=False))

    with pytest.raises(Refusal) as refused:
        await register.apply(corrected(2))

    assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED


# Reasons and states


@pytest.mark.parametrize(
    ("field", "rule", "wrong"),
    [
        ("reason", "NOT_OF_A_FIRST_VERSION", update(1, ChangeReason.DEATH, DECEASED)),
        ("state", "REASON_AND_STATE", update(1, ChangeReason.BIRTH, DECEASED)),
        (
            "change_date",
            "FUTURE",
            update(1, change=UpdateReason(ChangeReason.BIRTH, TOMORROW)),
        ),
        ("date_of_birth", "FUTURE", update(1, record=checked(replace(record(), birth=TOMORROW)))),
    ],
)
async def test_a_first_version_that_cannot_be_is_refused(
    register: Register, field: str, rule: str, wrong: Update
) -> None:
    assert await register.apply(wrong) == Applied(Outcome.REFUSED, 1, field, rule)


@pytest.mark.parametrize(
    ("field", "rule", "wrong"),
    [
        ("state", "REASON_AND_STATE", update(2, ChangeReason.DEATH, ACTIVE)),
        ("state", "REASON_AND_STATE", update(2, ChangeReason.MOVE_WITHIN, MOVED_OUT)),
        ("state", "NOT_IN_THIS_STATE", update(2, ChangeReason.MOVE_IN)),
        ("reason", "NOT_BY_AN_UPDATE", update(2, ChangeReason.CODE_CHANGED)),
        ("reason", "NOT_BY_AN_UPDATE", update(2, ChangeReason.PROTECTION)),
        ("reason", "NOT_BY_AN_UPDATE", update(2, ChangeReason.BIRTH)),
        ("reason", "ENTRY_NOT_CANCELLABLE", update(2, ChangeReason.CANCELLATION)),
        (
            "change_date",
            "FUTURE",
            update(2, change=UpdateReason(ChangeReason.MOVE_WITHIN, TOMORROW)),
        ),
        (
            "change_date",
            "BEFORE_BIRTH",
            update(2, change=UpdateReason(ChangeReason.MOVE_WITHIN, parse_date("大正3年1月1日"))),
        ),
        ("date_of_birth", "FUTURE", update(2, record=checked(replace(record(), birth=TOMORROW)))),
        (
            "reason",
            "REASON_AND_ENTRIES",
            update(2, ChangeReason.HOUSEHOLD_CHANGE, record=record(building="2号室")),
        ),
    ],
)
async def test_a_reason_that_does_not_lead_to_the_state_is_refused(
    register: Register, field: str, rule: str, wrong: Update
) -> None:
    await register.apply(update(1))

    assert await register.apply(wrong) == Applied(Outcome.REFUSED, 2, field, rule)
    assert register.record(NEW).version == 1


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (ChangeReason.DEATH, DECEASED),
        (ChangeReason.MOVE_OUT, MOVED_OUT),
        (ChangeReason.DELETION_EX_OFFICIO, DELETED),
        (None, DECEASED),
    ],
)
async def test_case_36_a_persons_card_lapses_with_the_update_that_deletes_the_record(
    center: Center, register: Register, reason: ChangeReason | None, state: ResidenceState
) -> None:
    ready = await center.command(TARO)

    await register.apply(update(2, reason, state, record=record(code_of(TARO))))

    card = register.store.read(lambda tx: tx.cards.card(serial_of(TARO)))
    assert card is not None
    assert card.status is CardStatus.LAPSED
    with pytest.raises(Refusal) as refused:
        await center.issue(ready)
    assert refused.value.reason is Reason.CARD_REVOKED
    leaf = next(one for one in leaves(register.store) if one["ev"] == "CARD_STATUS_CHANGED")
    assert leaf["by"] == CALLER


async def test_a_household_changes_without_a_notice(register: Register) -> None:
    await register.apply(update(1))
    elsewhere = update(2, ChangeReason.HOUSEHOLD_CHANGE, household_number="0002")

    applied = await register.apply(elsewhere)

    assert applied == Applied(Outcome.APPLIED, 2)
    assert register.notice_count() == 0


async def test_a_move_out_may_be_entered_beforehand(register: Register) -> None:
    await register.apply(update(1))
    planned = UpdateReason(ChangeReason.MOVE_OUT, parse_date("令和9年3月31日"))

    applied = await register.apply(update(2, state=MOVED_OUT, change=planned))

    assert applied.outcome is Outcome.APPLIED


async def test_who_comes_back_is_here_again_but_nobody_from_death(register: Register) -> None:
    await register.apply(update(1))
    await register.apply(update(2, ChangeReason.MOVE_OUT, MOVED_OUT))

    back = await register.apply(update(3, ChangeReason.MOVE_IN))
    await register.apply(update(4, ChangeReason.DEATH, DECEASED))
    from_death = await register.apply(update(5, ChangeReason.MOVE_IN))

    assert back.outcome is Outcome.APPLIED
    assert (from_death.outcome, from_death.rule) == (Outcome.REFUSED, "NOT_IN_THIS_STATE")


async def test_an_initial_load_may_hold_several_versions(register: Register) -> None:
    states = (ACTIVE, MOVED_OUT, ACTIVE, DECEASED)

    applied = [
        await register.apply(update(version, state=state))
        for version, state in enumerate(states, start=1)
    ]
    undead = await register.apply(update(5))

    assert [one.outcome for one in applied] == [Outcome.APPLIED] * 4
    assert undead == Applied(Outcome.REFUSED, 5, "state", "NOT_IN_THIS_STATE")
    assert register.notice_count() == 0


# Cancellations


async def test_a_cancellation_restores_what_stood_before_and_names_what_it_cancels(
    register: Register,
) -> None:
    await register.apply(update(1))
    await register.apply(update(2, ChangeReason.DEATH, DECEASED))

    applied = await register.apply(update(3, ChangeReason.CANCELLATION))

    found = register.record(NEW)
    assert applied.outcome is Outcome.APPLIED
    assert (found.version, found.state) == (3, ACTIVE)
    assert found.change is not None
    assert found.change.cancels == 2
    assert await register.apply(update(3, ChangeReason.CANCELLATION)) == Applied(
        Outcome.DUPLICATE, 3
    )


@pytest.mark.parametrize(
    ("field", "rule", "wrong"),
    [
        (
            "entries",
            "NOT_WHAT_STOOD_BEFORE",
            update(3, ChangeReason.CANCELLATION, record=record(kana="ヨシダ　ジロウ")),
        ),
        (
            "entries",
            "NOT_WHAT_STOOD_BEFORE",
            update(3, ChangeReason.CANCELLATION, household_number="0002"),
        ),
        (
            "entries",
            "NOT_WHAT_STOOD_BEFORE",
            update(3, ChangeReason.CANCELLATION, DECEASED),
        ),
        ("state", "NOT_IN_THIS_STATE", update(3, ChangeReason.CANCELLATION, MOVED_OUT)),
    ],
)
async def test_a_cancellation_that_restores_something_else_is_refused(
    register: Register, field: str, rule: str, wrong: Update
) -> None:
    await register.apply(update(1))
    await register.apply(update(2, ChangeReason.DEATH, DECEASED))

    assert await register.apply(wrong) == Applied(Outcome.REFUSED, 3, field, rule)


@pytest.mark.parametrize("reason", [ChangeReason.NATURALISATION, ChangeReason.NATIONALITY_LOST])
async def test_a_change_of_nationality_that_the_entries_do_not_show_is_refused(
    register: Register, reason: ChangeReason
) -> None:
    await register.apply(update(1))

    applied = await register.apply(update(2, reason, record=record(kana="ヨシタ　タロウ")))

    assert (applied.outcome, applied.rule) == (Outcome.REFUSED, "REASON_AND_NATIONALITY")
