"""What else ends a move: somebody of the notice dies, is deleted, or is said to be elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.day_end import Round, depart
from juki_center.areas.moves.departures import Entry, restore_members
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import AlertKind, Correction, Move
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.ports import Tx
from juki_center.areas.residents.births import register_birth
from juki_center.areas.residents.cancellations import cancel_entry
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.commands import (
    CancelEntry,
    ChangeResidentCode,
    DeleteRecord,
    RegisterDeath,
)
from juki_center.areas.residents.corrections import correct_record
from juki_center.areas.residents.deletions import delete_record, register_death
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.areas.residents.rules import checked
from juki_center.areas.residents.updates import Outcome, Update, UpdateReason
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.books import move as move_books
from tests.support.center import CHIYODA, NOW, Center
from tests.support.leaves import leaves
from tests.support.planned_moves import FAMILY, PLANNED, PlannedMoves, midnight
from tests.support.register_desk import TODAY, YESTERDAY, birth, correction
from tests.support.updates import Register

TARO, HANAKO, SAKURA = FAMILY
JOB = "juki://center/job"
ALONE = "takahashi-ichiro"


@pytest.fixture
def moves(store: SQLiteStore) -> PlannedMoves:
    """Moves out of Tokorozawa."""
    return PlannedMoves(store)


@pytest.fixture
def register(store: SQLiteStore) -> Register:
    """The register of Tokorozawa, with its desk and its own system."""
    return Register(store)


def states(move: Move) -> list[MemberState]:
    """Return what has become of each person of a move."""
    return [one.state for one in move.members]


def death(register: Register, key: str) -> RegisterDeath:
    """Return a death."""
    return RegisterDeath(register.edit(key), TODAY)


def sent(
    register: Register,
    key: str,
    reason: ChangeReason,
    state: ResidenceState,
    date: object = YESTERDAY,
) -> Update:
    """Return the next version of a record, as the municipality's own system sends it."""
    resident = register.record(key)
    change = UpdateReason(reason, date)  # type: ignore[arg-type]  # a CivilDate
    return Update(
        MunicipalityCode("112089"),
        "0001",
        resident.version + 1,
        state,
        checked(resident.record),
        change,
    )


async def day_comes(moves: PlannedMoves, number: MoveNumber) -> bool:
    """Let the planned day come."""
    this = Round(midnight(PLANNED), JOB)
    return await moves.store.act(lambda tx: depart(tx, number, this))


async def test_a_member_who_dies_is_in_the_notice_no_longer_and_the_others_are(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special()

    closed = await register.do(register_death, death(register, HANAKO))

    move = moves.move(number)
    assert states(move) == [MemberState.MOVING, MemberState.GONE, MemberState.MOVING]
    assert (move.state, move.version, move.ended_at) == (MoveState.NOTIFIED, 2, None)
    assert closed.lapsed_card_count == 1
    assert moves.statuses([TARO, SAKURA]) == {CardStatus.ACTIVE}
    leaf = leaves(moves.store)[-3]
    assert (leaf["ev"], leaf["id"], leaf["more"]) == ("MOVE_OUT_CHANGED", number, {"what": "GONE"})


async def test_somebody_who_is_gone_can_be_named_in_no_notice_and_the_planned_day_leaves_them_alone(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special()
    await register.do(register_death, death(register, HANAKO))

    assert await day_comes(moves, number)

    person = moves.person(HANAKO)
    assert moves.store.read(lambda tx: tx.moves.open_of_person(person)) is None
    assert moves.record(HANAKO).state is ResidenceState.DECEASED
    assert moves.record(TARO).state is ResidenceState.MOVED_OUT


@pytest.mark.parametrize("kind", ["special", "ordinary"])
async def test_the_last_members_end_withdraws_the_notice(
    moves: PlannedMoves, register: Register, kind: str
) -> None:
    number = await getattr(moves, kind)([TARO])

    await register.do(delete_record, DeleteRecord(register.edit(TARO), TODAY))

    move = moves.move(number)
    assert (move.state, move.ended_at) == (MoveState.CANCELLED, NOW)
    assert states(move) == [MemberState.GONE]
    assert leaves(moves.store)[-3]["ev"] == "MOVE_OUT_CANCELLED"
    assert moves.alerts() == []


async def test_what_was_fetched_is_out_of_date_when_a_member_dies_and_withdrawn_with_the_last(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special([TARO, HANAKO])
    await moves.fetch(number, NOW)

    await register.do(register_death, death(register, HANAKO))
    between = moves.move(number)
    told_between = moves.alerts(CHIYODA.municipality)
    await register.do(register_death, death(register, TARO))

    assert (between.state, between.version) == (MoveState.TRANSFERRED, 2)
    assert told_between == []
    assert moves.move(number).state is MoveState.CANCELLED
    assert moves.move(number).transfer is not None
    assert [one.kind for one in moves.alerts(CHIYODA.municipality)] == [
        AlertKind.TRANSFER_GIVEN_BACK
    ]


@pytest.mark.parametrize("is_claimed", [True, False])
async def test_who_was_told_to_expect_a_move_is_told_when_nobody_is_left_to_make_it(
    moves: PlannedMoves, register: Register, *, is_claimed: bool
) -> None:
    number = await moves.special([TARO, HANAKO])
    await moves.tell(number, AlertKind.EXPECTED)
    if is_claimed:
        await moves.fetch(number, NOW)

    await register.do(register_death, death(register, HANAKO))
    between = moves.alerts(CHIYODA.municipality)
    await register.do(register_death, death(register, TARO))

    last = AlertKind.TRANSFER_GIVEN_BACK if is_claimed else AlertKind.NO_LONGER_EXPECTED
    assert [one.kind for one in between] == [AlertKind.EXPECTED]
    assert [one.kind for one in moves.alerts(CHIYODA.municipality)] == [AlertKind.EXPECTED, last]


async def test_a_correction_of_somebody_who_is_gone_waits_no_more(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special([TARO, HANAKO])
    await moves.fetch(number, NOW)
    waiting = [
        Correction(number, one.person, CHIYODA.municipality, NOW, one.record)
        for one in (register.record(TARO), register.record(HANAKO))
    ]

    def send(tx: Tx) -> None:
        for one in waiting:
            tx.moves.put_correction(one)

    await moves.store.act(send)

    await register.do(register_death, death(register, HANAKO))

    move = moves.move(number)
    assert moves.store.read(lambda tx: tx.moves.corrections(move)) == waiting[:1]


async def test_a_death_counts_while_the_destination_is_cut_off(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special([TARO])
    await moves.fetch(number, NOW)
    await moves.connect(CHIYODA.municipality, connected=False)

    await register.do(register_death, death(register, TARO))

    assert moves.move(number).state is MoveState.CANCELLED


async def test_an_entry_that_changes_no_state_leaves_the_notice_alone(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special()
    before = moves.move(number)

    await register.do(correct_record, correction(register, TARO, building="２号室"))

    assert moves.move(number) == before


async def test_a_code_change_leaves_the_notice_to_the_person(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special()
    before = moves.move(number)
    await register.stock(5)

    await register.do(change_resident_code, ChangeResidentCode(register.edit(TARO)))

    assert moves.move(number) == before


async def test_a_child_born_into_a_household_that_moves_is_not_in_the_notice(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special()
    before = moves.move(number)
    await register.stock(5)

    born = await register.do(register_birth, birth(register))
    await day_comes(moves, number)

    assert born.record.household == moves.record(TARO).household
    assert before.persons == moves.move(number).persons
    assert register.record(born.record.record.code).state is ResidenceState.ACTIVE


async def test_the_own_systems_move_out_is_the_departure_and_the_planned_day_deletes_nothing_again(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special()

    applied = await register.apply(
        sent(register, HANAKO, ChangeReason.MOVE_OUT, ResidenceState.MOVED_OUT)
    )
    move = moves.move(number)
    await day_comes(moves, number)

    assert applied.outcome is Outcome.APPLIED
    assert states(move) == [MemberState.MOVING] * 3
    assert [one.left_version for one in move.members] == [0, 2, 0]
    assert (move.state, move.version, move.departed) == (MoveState.NOTIFIED, 1, False)
    assert moves.record(HANAKO).version == 2
    assert [one.left_version for one in moves.move(number).members] == [2, 2, 2]
    assert moves.card(HANAKO).status is CardStatus.ACTIVE


async def test_by_paper_the_own_systems_move_out_lets_cards_lapse(
    moves: PlannedMoves, register: Register
) -> None:
    await moves.ordinary()

    await register.apply(sent(register, HANAKO, ChangeReason.MOVE_OUT, ResidenceState.MOVED_OUT))

    assert moves.card(HANAKO).status is CardStatus.LAPSED
    assert moves.statuses([TARO, SAKURA]) == {CardStatus.ACTIVE}


async def test_the_own_systems_move_out_is_restored_when_the_notice_is_withdrawn(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special()
    await register.apply(sent(register, HANAKO, ChangeReason.MOVE_OUT, ResidenceState.MOVED_OUT))

    move = moves.move(number)
    await moves.store.act(
        lambda tx: tx.moves.update(restore_members(tx, move, move.persons, Entry(NOW, "係")))
    )

    assert moves.record(HANAKO).state is ResidenceState.ACTIVE
    assert moves.record(TARO).version == 1


async def test_without_a_notice_the_own_systems_move_out_is_what_it_was(
    moves: PlannedMoves, register: Register
) -> None:
    await register.apply(sent(register, ALONE, ChangeReason.MOVE_OUT, ResidenceState.MOVED_OUT))

    assert moves.record(ALONE).state is ResidenceState.MOVED_OUT
    assert moves.card(ALONE).status is CardStatus.LAPSED


@pytest.mark.parametrize(
    ("reason", "state", "voided"),
    [
        (ChangeReason.MOVE_OUT, ResidenceState.MOVED_OUT, True),
        (ChangeReason.MOVE_WITHIN, ResidenceState.ACTIVE, True),
        (ChangeReason.CORRECTION_EX_OFFICIO, ResidenceState.ACTIVE, False),
    ],
)
async def test_a_move_by_the_own_system_voids_copies_that_are_not_printed(
    register: Register, center: Center, reason: ChangeReason, state: ResidenceState, *, voided: bool
) -> None:
    command = await center.command(TARO)
    await center.issue(command)

    await register.apply(sent(register, TARO, reason, state))

    found = center.found(command)
    assert found is not None
    assert (found.issue.recalled_at is not None) is voided


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (ChangeReason.DEATH, ResidenceState.DECEASED),
        (ChangeReason.DELETION_EX_OFFICIO, ResidenceState.DELETED),
    ],
)
async def test_another_end_by_the_own_system_takes_the_person_out_of_the_notice(
    moves: PlannedMoves, register: Register, reason: ChangeReason, state: ResidenceState
) -> None:
    number = await moves.special([TARO])

    await register.apply(sent(register, TARO, reason, state))

    assert moves.move(number).state is MoveState.CANCELLED
    assert moves.card(TARO).status is CardStatus.LAPSED


async def test_a_member_whom_the_own_system_has_back_is_in_the_notice_no_longer(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special()
    await day_comes(moves, number)
    at = replace(register, now=midnight(PLANNED))

    applied = await at.apply(sent(at, HANAKO, ChangeReason.MOVE_IN, ResidenceState.ACTIVE))

    assert applied.outcome is Outcome.APPLIED
    assert states(moves.move(number))[1] is MemberState.GONE
    assert moves.card(HANAKO).status is CardStatus.ACTIVE


# Taking entries back


def cancel(register: Register, key: str) -> CancelEntry:
    """Return the cancellation of the newest entry."""
    return CancelEntry(register.edit(key))


async def test_the_entry_of_a_departure_is_taken_back_as_a_move_only(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special()
    await day_comes(moves, number)
    at = replace(register, now=midnight(PLANNED))
    stood = moves.record(TARO).record

    refused = await at.refused(cancel_entry, cancel(at, TARO))
    cancelled = sent(at, TARO, ChangeReason.CANCELLATION, ResidenceState.ACTIVE)
    by_system = await at.apply(cancelled)

    assert refused.reason is Reason.ENTRY_NOT_CANCELLABLE
    assert (by_system.outcome, by_system.rule) == (Outcome.REFUSED, "ENTRY_NOT_CANCELLABLE")
    assert moves.record(TARO).record == stood
    assert moves.record(TARO).state is ResidenceState.MOVED_OUT


async def test_what_a_withdrawn_notice_has_restored_is_not_deleted_by_cancelling_that(
    moves: PlannedMoves, register: Register
) -> None:
    number = await moves.special()
    await day_comes(moves, number)
    move = moves.move(number)
    await moves.store.act(
        lambda tx: tx.moves.update(restore_members(tx, move, move.persons, Entry(NOW, "係")))
    )
    at = replace(register, now=midnight(PLANNED))

    refused = await at.refused(cancel_entry, cancel(at, TARO))

    assert refused.reason is Reason.ENTRY_NOT_CANCELLABLE
    assert moves.record(TARO).state is ResidenceState.ACTIVE


async def test_the_first_entry_in_a_book_is_not_cancelled_and_later_ones_are(
    register: Register,
) -> None:
    moved = await move_books(register.store, TARO, "131016")
    there = replace(register, terminal=CHIYODA)

    refused = await there.refused(cancel_entry, cancel(there, TARO))
    await there.do(correct_record, correction(there, TARO, building="２号室"))
    taken_back = await there.do(cancel_entry, cancel(there, TARO))

    assert refused.reason is Reason.ENTRY_NOT_CANCELLABLE
    assert (taken_back.record.version, taken_back.record.record) == (5, moved.record)


async def test_coming_back_is_not_cancelled_into_what_stood_there_years_ago(
    register: Register,
) -> None:
    await move_books(register.store, TARO, "131016")
    back = await move_books(register.store, TARO, "112089")

    refused = await register.refused(cancel_entry, cancel(register, TARO))
    by_system = await register.apply(
        sent(register, TARO, ChangeReason.CANCELLATION, ResidenceState.MOVED_OUT)
    )

    assert refused.reason is Reason.ENTRY_NOT_CANCELLABLE
    assert (by_system.outcome, by_system.rule) == (Outcome.REFUSED, "ENTRY_NOT_CANCELLABLE")
    assert register.record(TARO) == back


async def test_the_own_systems_move_out_without_a_notice_can_still_be_cancelled(
    register: Register,
) -> None:
    await register.apply(sent(register, ALONE, ChangeReason.MOVE_OUT, ResidenceState.MOVED_OUT))

    taken_back = await register.do(cancel_entry, cancel(register, ALONE))

    assert taken_back.record.state is ResidenceState.ACTIVE


# The own system of a municipality that was left


async def test_the_system_of_the_origin_sends_what_the_book_has_and_nothing_newer(
    register: Register,
) -> None:
    corrected = sent(register, TARO, ChangeReason.CORRECTION_EX_OFFICIO, ResidenceState.ACTIVE)
    entries = replace(corrected.record, building="２号室")
    corrected = replace(corrected, record=checked(entries))
    await register.apply(corrected)
    await move_books(register.store, TARO, "131016")

    again = await register.apply(corrected)
    other = await register.apply(replace(corrected, record=checked(replace(entries, building=""))))
    newer = [await register.apply(replace(corrected, version=version)) for version in (4, 5, 9)]

    assert again.outcome is Outcome.DUPLICATE
    assert (other.outcome, other.rule) == (Outcome.REFUSED, "VERSION_OLD")
    assert {(one.outcome, one.rule) for one in newer} == {(Outcome.REFUSED, "CODE_ELSEWHERE")}
    assert register.record(TARO).version == 4


async def test_the_system_of_the_destination_does_not_learn_what_the_origin_had(
    register: Register,
) -> None:
    moved = await move_books(register.store, TARO, "131016")
    own = sent(register, TARO, ChangeReason.CORRECTION_EX_OFFICIO, ResidenceState.ACTIVE)
    theirs = replace(own, municipality=MunicipalityCode("131016"))

    old = await register.apply(replace(theirs, version=2))
    following = await register.apply(
        replace(theirs, record=checked(replace(moved.record, building="３号室")))
    )

    assert (old.outcome, old.rule) == (Outcome.REFUSED, "VERSION_OLD")
    assert (following.outcome, following.version) == (Outcome.APPLIED, 4)


async def test_an_update_of_somebody_whom_the_book_never_had_is_held_like_one_of_nobody(
    register: Register,
) -> None:
    own = sent(register, TARO, ChangeReason.CORRECTION_EX_OFFICIO, ResidenceState.ACTIVE)
    theirs = replace(own, municipality=MunicipalityCode("131016"))

    held = await register.apply(theirs)

    assert (held.outcome, held.missing) == (Outcome.HELD, 1)
