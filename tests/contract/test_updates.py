"""Updates from a municipality's own system: in order, once, held until the gap is closed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from juki_center.areas.residents.cancellations import cancel_entry
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.commands import (
    CancelEntry,
    CorrectRecord,
    RegisterDeath,
)
from juki_center.areas.residents.corrections import correct_record
from juki_center.areas.residents.deletions import register_death
from juki_center.areas.residents.records import ChangeReason
from juki_center.areas.residents.updates import (
    Applied,
    Outcome,
    Update,
    UpdateReason,
)
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, NOW
from tests.support.register_desk import (
    TODAY,
    YESTERDAY,
    entries_of,
)
from tests.support.updates import (
    ACTIVE,
    DECEASED,
    DELETED,
    NEW,
    Register,
    corrected,
    record,
    update,
)


@pytest.fixture
def register(store: SQLiteStore) -> Register:
    """The register of Tokorozawa."""
    return Register(store)


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


async def test_a_refused_update_leaves_alone_what_is_held_in_its_version(
    register: Register,
) -> None:
    await register.apply(update(1))
    await register.apply(corrected(3))
    await register.do(register_death, RegisterDeath(register.edit(NEW), TODAY))

    refused = await register.apply(update(3, ChangeReason.MOVE_IN))

    whose = register.terminal.municipality
    held = await register.store.act(lambda tx: tx.pending.take(whose, NEW, 3))
    assert refused.outcome is Outcome.REFUSED
    assert held == corrected(3)


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


# Beside the desk


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
