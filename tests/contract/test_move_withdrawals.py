"""Notices of moving out that are withdrawn before an arrival: everybody stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.answers import MoveCancelled
from juki_center.areas.moves.changes import change_move_out
from juki_center.areas.moves.rows import AlertKind
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.moves.withdrawals import cancel_move_out
from juki_center.areas.residents.records import (
    ChangeReason,
    ProtectiveMeasure,
    ResidenceState,
)
from juki_center.errors import Reason
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, NOW
from tests.support.leaves import leaves
from tests.support.origin_window import (
    CHIYODA_OFFICE,
    FAMILY,
    NO_SUCH,
    TARO,
    TOKOROZAWA_REGISTER,
    OriginWindow,
    departed,
    facts,
)

ACTIVE, MOVED_OUT = ResidenceState.ACTIVE, ResidenceState.MOVED_OUT
LATER = date(2026, 12, 20)
AFTER = date(2026, 12, 2)


@pytest.fixture
def window(store: SQLiteStore) -> OriginWindow:
    """Give the window of Tokorozawa."""
    return OriginWindow(store)


# Withdrawn


@pytest.mark.parametrize("kind", MoveKind)
async def test_a_withdrawn_notice_has_ended_and_everybody_stays(
    window: OriginWindow, kind: MoveKind
) -> None:
    move = (await window.file(kind=kind)).move

    answer = await window.do(cancel_move_out, window.withdrawal(move))

    assert isinstance(answer, MoveCancelled)
    assert (answer.move.state, answer.move.ended_at, answer.restored) == (
        MoveState.CANCELLED,
        NOW,
        0,
    )
    assert {one.state for one in answer.move.members} == {MemberState.STAYED}
    assert window.kept(move.number) == answer.move
    assert [window.record(key).version for key in FAMILY] == [1, 1, 1]
    assert (await window.file()).move.state is MoveState.NOTIFIED


async def test_who_was_deleted_by_the_planned_day_is_there_again_with_a_card_that_holds(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move
    next_day = await departed(window, move, AFTER)

    answer = await next_day.do(cancel_move_out, next_day.withdrawal(move))

    assert (answer.restored, answer.move.departed) == (3, False)
    assert window.states() == [ACTIVE] * 3
    back = window.record()
    assert back.change is not None
    assert (back.change.reason, back.change.cancels) == (ChangeReason.CANCELLATION, 2)
    assert {window.card(key).status for key in FAMILY} == {CardStatus.ACTIVE}


async def test_a_card_that_lapsed_with_the_day_stays_so_when_the_notice_is_withdrawn(
    window: OriginWindow,
) -> None:
    move = (await window.file_by_paper()).move
    next_day = await departed(window, move, AFTER)

    await next_day.do(cancel_move_out, next_day.withdrawal(move))

    assert window.states() == [ACTIVE] * 3
    assert {window.card(key).status for key in FAMILY} == {CardStatus.LAPSED}


async def test_a_measure_that_was_begun_meanwhile_holds_on(window: OriginWindow) -> None:
    move = (await window.file((TARO,))).move
    next_day = await departed(window, move, AFTER)
    gone = window.record()
    protected = replace(gone, record=replace(gone.record, measure=ProtectiveMeasure()))
    await window.store.act(lambda tx: tx.residents.replace(protected))

    await next_day.do(cancel_move_out, next_day.withdrawal(move))

    assert window.record().record.measure == ProtectiveMeasure()
    assert window.states(TARO) == [ACTIVE]


async def test_a_notice_that_has_run_out_can_be_withdrawn(window: OriginWindow) -> None:
    move = await window.keep(replace((await window.file()).move, state=MoveState.LAPSED))

    answer = await window.do(cancel_move_out, window.withdrawal(move))

    assert answer.move.state is MoveState.CANCELLED


async def test_the_planned_destination_is_told_that_nobody_comes(window: OriginWindow) -> None:
    pushing = window.under(RuleSet.R2023_02_06)
    move = (await pushing.file()).move

    await pushing.do(cancel_move_out, pushing.withdrawal(move))

    assert window.alerts(CHIYODA_OFFICE) == [AlertKind.EXPECTED, AlertKind.NO_LONGER_EXPECTED]


async def test_a_withdrawal_that_is_sent_again_gets_its_first_answer(
    window: OriginWindow,
) -> None:
    command = window.withdrawal((await window.file()).move)

    first = await window.do(cancel_move_out, command)
    again = await window.do(cancel_move_out, command)

    assert again == first
    assert [one["ev"] for one in leaves(window.store)].count("MOVE_OUT_CANCELLED") == 1


@pytest.mark.parametrize(
    "state",
    [
        MoveState.TRANSFERRED,
        MoveState.COMPLETED,
        MoveState.CANCELLED,
        MoveState.CANCELLED_AFTER,
    ],
)
async def test_a_notice_is_withdrawn_before_an_arrival_and_once(
    window: OriginWindow, state: MoveState
) -> None:
    move = await window.keep(replace((await window.file()).move, state=state))

    refused = await window.refused(cancel_move_out, window.withdrawal(move))

    assert facts(refused) == (
        Reason.NOT_IN_THIS_STATE,
        {"state": state.value, "event": "WITHDRAWN"},
    )


# Whose


async def test_a_move_of_others_is_as_unknown_as_none(window: OriginWindow) -> None:
    move = (await window.file()).move
    unknown = replace(move, number=NO_SUCH)
    elsewhere = replace(window, terminal=CHIYODA)
    theirs = replace(window.change(move, planned_on=LATER), at=elsewhere.by_clerk())

    refusals = [
        await elsewhere.refused(cancel_move_out, elsewhere.withdrawal(move)),
        await elsewhere.refused(change_move_out, theirs),
        await window.refused(cancel_move_out, window.withdrawal(unknown)),
        await window.refused(change_move_out, window.change(unknown, planned_on=LATER)),
    ]

    assert [facts(one) for one in refusals] == [(Reason.MOVE_NOT_FOUND, {})] * 4


async def test_nothing_is_changed_while_the_origin_is_disconnected(window: OriginWindow) -> None:
    move = (await window.file()).move
    change = window.change(move, planned_on=LATER)
    await window.connect(TOKOROZAWA_REGISTER, connected=False)

    refusals = [
        await window.refused(change_move_out, change),
        await window.refused(cancel_move_out, window.withdrawal(move)),
    ]

    assert {facts(one)[0] for one in refusals} == {Reason.RESIDENCE_DISCONNECTED}
    assert window.kept(move.number) == move


async def test_a_clerk_without_a_name_changes_nothing(window: OriginWindow) -> None:
    move = (await window.file()).move
    nameless = replace(window.by_clerk(), clerk_name="")

    refusals = [
        await window.refused(change_move_out, replace(window.change(move), at=nameless)),
        await window.refused(cancel_move_out, replace(window.withdrawal(move), at=nameless)),
    ]

    assert {one.reason for one in refusals} == {Reason.CLERK_NAME_REQUIRED}
