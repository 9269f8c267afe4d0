"""Updates from a municipality's own system: in order, once, held until the gap is closed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.residents.cancellations import cancel_entry
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.commands import (
    BeginMeasure,
    CancelEntry,
    ChangeResidentCode,
    CorrectRecord,
    RegisterDeath,
    SetProtectiveMeasure,
)
from juki_center.areas.residents.corrections import correct_record
from juki_center.areas.residents.deletions import register_death
from juki_center.areas.residents.measures import set_protective_measure
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.areas.residents.rules import CheckedRecord, checked
from juki_center.areas.residents.updates import (
    Applied,
    Outcome,
    Update,
    UpdateReason,
    apply_update,
)
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, NOW, SAMPLES, Center, serial_of
from tests.support.leaves import leaves
from tests.support.register_desk import (
    TODAY,
    TOMORROW,
    YESTERDAY,
    RegisterDesk,
    code_of,
    entries_of,
)

CALLER = "juki://municipality/112089/terminal/01"
NEW = ResidentCode("12345678903")
TARO = "yoshida-taro"
ACTIVE, DECEASED = ResidenceState.ACTIVE, ResidenceState.DECEASED
MOVED_OUT, DELETED = ResidenceState.MOVED_OUT, ResidenceState.DELETED


@dataclass(slots=True)
class Register(RegisterDesk):
    """A desk whose municipality sends updates too."""

    async def apply(self, update: Update) -> Applied:
        """Apply an update."""
        return await self.store.act(
            lambda tx: apply_update(tx, update, self.now, caller_uri=CALLER)
        )


@pytest.fixture
def register(store: SQLiteStore) -> Register:
    """The register of Tokorozawa."""
    return Register(store)


def record(
    code: ResidentCode = NEW, *, kana: str = "ヨシダ　タロウ", building: str = ""
) -> CheckedRecord:
    """Return entries under a code."""
    entries = replace(SAMPLES[TARO].record, code=code, kana=kana, building=building)
    return checked(entries)


def update(
    version: int,
    reason: ChangeReason | None = None,
    state: ResidenceState = ACTIVE,
    **changes: object,
) -> Update:
    """Return an update of Tokorozawa."""
    change = UpdateReason(reason, YESTERDAY) if reason else None
    return replace(
        Update(MunicipalityCode("112089"), "0001", version, state, record(), change),
        **changes,  # type: ignore[arg-type]  # fields of Update
    )


def corrected(version: int) -> Update:
    """Return a correction whose entries tell its version."""
    entries = record(building=f"{version}号室")
    return update(version, ChangeReason.CORRECTION_EX_OFFICIO, record=entries)


# In order and once


async def test_an_unknown_person_enters_by_version_1_and_the_initial_load_makes_no_notice(
    register: Register,
) -> None:
    assert await register.apply(update(1)) == Applied(Outcome.APPLIED, 1)

    found = register.record(NEW)
    assert (found.version, found.state, found.change) == (1, ACTIVE, None)
    assert found.record == record()
    assert register.notice_count() == 0


async def test_an_update_with_a_reason_makes_a_notice(register: Register) -> None:
    await register.apply(update(1, ChangeReason.MOVE_IN))

    change = register.record(NEW).change
    assert change is not None
    assert (change.reason, change.date, change.recorded_at) == (
        ChangeReason.MOVE_IN,
        YESTERDAY,
        NOW,
    )
    assert register.notice_count() == 1


async def test_members_with_the_same_number_are_one_household_of_one_municipality(
    register: Register,
) -> None:
    await register.apply(update(1))
    other = record(ResidentCode("01234567892"))

    await register.apply(update(1, record=other))

    here = register.record(NEW)
    assert register.record(other.code).household == here.household
    assert here.household != register.store.read(
        lambda tx: tx.residents.numbered_household(CHIYODA.municipality, "0001")
    )


async def test_a_version_that_comes_again_is_a_duplicate_whenever_it_comes(
    register: Register,
) -> None:
    await register.apply(update(1))
    await register.apply(corrected(2))

    again = [await register.apply(one) for one in (corrected(2), update(1))]

    assert again == [Applied(Outcome.DUPLICATE, 2), Applied(Outcome.DUPLICATE, 1)]
    assert register.record(NEW).version == 2
    assert register.notice_count() == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(corrected(2), household_number="0002"),
        replace(corrected(2), state=DELETED),
        replace(corrected(2), record=record(kana="ヨシダ　ジロウ")),
        replace(corrected(2), change=None),
        replace(corrected(2), change=UpdateReason(ChangeReason.CORRECTION_EX_OFFICIO, TODAY)),
        update(1, record=record(kana="ヨシダ　ジロウ")),
    ],
)
async def test_another_content_in_a_version_that_exists_is_refused(
    register: Register, other: Update
) -> None:
    await register.apply(update(1))
    await register.apply(corrected(2))

    applied = await register.apply(other)

    assert applied == Applied(Outcome.REFUSED, other.version, "version", "VERSION_OLD")
    assert register.record(NEW).record == corrected(2).record


# Held


async def test_what_comes_too_early_is_held_and_changes_nothing(register: Register) -> None:
    unknown = await register.apply(corrected(2))
    await register.apply(update(1, record=record(code=NEW)))
    known = await register.apply(corrected(4))

    assert unknown == Applied(Outcome.HELD, 2, missing=1)
    assert known == Applied(Outcome.HELD, 4, missing=3)
    assert register.record(NEW).version == 2


@pytest.mark.parametrize("order", [*itertools.permutations((1, 2, 3, 4))])
async def test_every_order_of_arrival_ends_in_the_same_register(
    register: Register, order: tuple[int, ...]
) -> None:
    updates = {1: update(1)} | {version: corrected(version) for version in (2, 3, 4)}

    answers = [await register.apply(updates[version]) for version in order]

    applied = [one for answer in answers for one in (answer, *answer.followed)]
    versions = [one.version for one in applied if one.outcome is Outcome.APPLIED]
    assert versions == [1, 2, 3, 4]
    history = register.history(NEW)
    assert [one.version for one in history] == [1, 2, 3, 4]
    assert [one.record for one in history] == [updates[one].record for one in range(1, 5)]


async def test_a_held_update_that_is_wrong_when_its_turn_comes_is_reported_and_gone(
    register: Register,
) -> None:
    await register.apply(update(3, ChangeReason.MOVE_IN))
    await register.apply(update(4, ChangeReason.DEATH, DECEASED))
    await register.apply(update(1))

    applied = await register.apply(corrected(2))

    refused = Applied(Outcome.REFUSED, 3, "state", "NOT_IN_THIS_STATE")
    assert applied == Applied(Outcome.APPLIED, 2, followed=(refused,))
    mended = await register.apply(corrected(3))
    assert mended.followed == (Applied(Outcome.APPLIED, 4),)


async def test_the_newest_content_of_a_held_version_counts(register: Register) -> None:
    await register.apply(corrected(2))
    mended = update(2, ChangeReason.NAME_CHANGE)
    await register.apply(mended)

    await register.apply(update(1))

    change = register.record(NEW).change
    assert change is not None
    assert change.reason is ChangeReason.NAME_CHANGE


async def test_a_held_update_waits_for_its_own_municipality_only(register: Register) -> None:
    await register.apply(replace(corrected(2), municipality=CHIYODA.municipality))

    applied = await register.apply(update(1))

    assert applied.followed == ()


# Whose code it is


async def test_a_code_of_another_municipality_is_refused(register: Register) -> None:
    elsewhere = next(
        one.record for one in SAMPLES.values() if one.municipality == CHIYODA.municipality
    )

    applied = await register.apply(update(2, record=checked(elsewhere)))

    assert applied == Applied(Outcome.REFUSED, 2, "code", "CODE_ELSEWHERE")


async def test_case_06_a_former_code_is_refused_at_home_and_unknown_elsewhere(
    register: Register,
) -> None:
    await register.stock(1)
    await register.do(change_resident_code, ChangeResidentCode(register.edit(TARO)))
    former = update(3, record=record(code_of(TARO)))

    at_home = await register.apply(former)
    elsewhere = await register.apply(replace(former, municipality=CHIYODA.municipality))

    assert (at_home.rule, elsewhere.rule) == ("CODE_CHANGED", "CODE_ELSEWHERE")


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


async def test_desk_and_updates_count_the_same_versions(register: Register) -> None:
    await register.apply(update(1))
    edit = register.edit(NEW)
    await register.do(register_death, RegisterDeath(edit, TODAY))
    late = await register.apply(corrected(2))
    await register.do(cancel_entry, CancelEntry(register.edit(NEW)), NOW + timedelta(minutes=1))

    following = await register.apply(corrected(4))

    assert late.rule == "VERSION_OLD"
    assert following.outcome is Outcome.APPLIED
    assert [one.version for one in register.history(NEW)] == [1, 2, 3, 4]


async def test_what_is_held_after_an_entry_at_the_desk_is_applied_when_it_is_sent_again(
    register: Register,
) -> None:
    await register.apply(update(1))
    await register.apply(corrected(3))
    entries = replace(entries_of(register.record(NEW)), building="1号室")
    command = CorrectRecord(register.edit(NEW), entries, ChangeReason.CORRECTION_EX_OFFICIO, TODAY)
    await register.do(correct_record, command)

    applied = await register.apply(corrected(3))

    whose = register.terminal.municipality
    assert applied == Applied(Outcome.APPLIED, 3)
    assert await register.store.act(lambda tx: tx.pending.take(whose, NEW, 3)) is None
