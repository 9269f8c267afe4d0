"""Notices to an office that is cut off: they wait in order, and are delivered once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.fleet.queues import QuarantineUpdates, quarantine
from juki_center.areas.moves import waiting
from juki_center.areas.moves.answer_codec import encode_answer
from juki_center.areas.moves.answers import NoticeGiven, notice_given
from juki_center.areas.moves.commands import GetMove, Look
from juki_center.areas.moves.corrections import correct_move_out
from juki_center.areas.moves.day_end import Round, lapse
from juki_center.areas.moves.deliveries import deliver_next, drop, retry
from juki_center.areas.moves.reads import get_move
from juki_center.areas.moves.rows import AlertKind, Correction, Move, MoveAlert
from juki_center.areas.moves.states import MoveState
from juki_center.areas.moves.transfers import abandon_move_in
from juki_center.areas.moves.waiting_rows import (
    NoticeFate,
    NoticeQueue,
    NoticeQueueState,
    WaitingNotice,
)
from juki_center.areas.moves.withdrawals import cancel_move_out
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.housekeeping import forget
from juki_center.cli.queue_drain import drain
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet
from juki_center.storage.rotation import Target
from juki_center.storage.sqlite import SQLiteStore
from tests.contract.test_move_corrections import NAME, fetched, in_chiyoda
from tests.support import cut_off
from tests.support.arrivals import DESTINATION, ORIGIN, Arrivals
from tests.support.card_window import CLERK
from tests.support.center import CHIYODA, NOW, SAMPLES, TOKOROZAWA
from tests.support.cut_off import OPERATOR
from tests.support.leaves import leaves
from tests.support.origin_window import (
    CHIYODA_OFFICE,
    HANAKO,
    TARO,
    TOKOROZAWA_REGISTER,
    OriginWindow,
    facts,
    noon,
)

PUSHED = RuleSet.R2023_02_06


@pytest.fixture
def window(store: SQLiteStore) -> OriginWindow:
    """Give the window of Tokorozawa."""
    return OriginWindow(store)


def alerts(window: OriginWindow, office: MunicipalityCode = CHIYODA_OFFICE) -> list[AlertKind]:
    return window.alerts(office)


def queues(window: OriginWindow) -> list[NoticeQueue]:
    return window.store.read(lambda tx: tx.notices.every())


def waiting_entries(window: OriginWindow, move: Move) -> list[Correction]:
    return window.store.read(lambda tx: tx.moves.corrections(move))


async def drained(window: OriginWindow) -> None:
    await drain(window.store, lambda: NOW)


async def connected(window: OriginWindow, office: MunicipalityCode = CHIYODA_OFFICE) -> None:
    """Connect an office again, and deliver what has waited."""
    await cut_off.connect(window.store, office)
    await drained(window)


# What waits


async def test_case_41_a_correction_for_who_is_cut_off_waits_and_is_delivered(
    window: OriginWindow,
) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)

    answer = await window.do(correct_move_out, window.correction(move, name=NAME))
    before = alerts(window)
    (queue,) = queues(window)
    await connected(window)

    assert answer == NoticeGiven(move, waits=True)
    assert (queue.state, queue.waiting, queue.oldest) == (NoticeQueueState.CLOSED, 1, NOW)
    assert AlertKind.CORRECTION not in before
    (correction,) = waiting_entries(window, move)
    assert correction.record == replace(SAMPLES[TARO].record, name=NAME)
    assert correction.sent_at == NOW
    assert alerts(window) == [*before, AlertKind.CORRECTION]
    assert queues(window) == []


@pytest.mark.embedded
async def test_what_waits_says_nothing_to_the_keys_that_are_left(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))

    with closing(sqlite3.connect(window.store.path)) as sql:
        ((sealed,),) = sql.execute("SELECT sealed FROM queued_notices").fetchall()
    with pytest.raises(Refusal) as refused:
        window.store.read(lambda tx: tx.notices.correction(_first(tx)))

    assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED
    assert NAME.encode() not in sealed


def _first(tx: Tx) -> WaitingNotice:
    found = tx.notices.first(CHIYODA_OFFICE)
    assert found is not None
    return found


async def test_information_is_given_back_while_its_origin_is_cut_off(store: SQLiteStore) -> None:
    chiyoda = Arrivals(store)
    move = await chiyoda.notice(TARO)
    giving_back = chiyoda.giving_back(await chiyoda.fetch())
    await cut_off.cut(store, ORIGIN)

    answer = await chiyoda.do(abandon_move_in, giving_back)
    before = chiyoda.alerts(ORIGIN)
    await cut_off.connect(store, ORIGIN)
    await drain(store, lambda: NOW)

    assert (answer.move.state, answer.waits) == (MoveState.NOTIFIED, True)
    assert before == []
    assert chiyoda.alerts(ORIGIN) == [AlertKind.TRANSFER_GIVEN_BACK]
    assert chiyoda.alerts(DESTINATION) == [AlertKind.TRANSFER_GIVEN_BACK]
    assert chiyoda.kept(move).state is MoveState.NOTIFIED


async def test_who_expected_somebody_is_told_in_order_once_connected(
    window: OriginWindow,
) -> None:
    window = window.under(PUSHED)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    move = (await window.file()).move
    expecting = window.store.read(lambda tx: tx.moves.expecting(move.number))
    await window.do(cancel_move_out, window.withdrawal(move))
    nobody = window.store.read(lambda tx: tx.moves.expecting(move.number))

    assert alerts(window) == []
    await connected(window)

    assert alerts(window) == [AlertKind.EXPECTED, AlertKind.NO_LONGER_EXPECTED]
    assert (expecting, nobody) == (CHIYODA_OFFICE, None)


async def test_an_expectation_that_was_told_at_once_is_ended_behind_the_cut(
    window: OriginWindow,
) -> None:
    window = window.under(PUSHED)
    move = (await window.file()).move
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(cancel_move_out, window.withdrawal(move))

    assert window.store.read(lambda tx: tx.moves.expecting(move.number)) is None
    await connected(window)

    assert alerts(window) == [AlertKind.EXPECTED, AlertKind.NO_LONGER_EXPECTED]


async def test_a_deadline_that_passes_meanwhile_is_told_in_its_turn(window: OriginWindow) -> None:
    move = (await window.file()).move
    await cut_off.cut(window.store, TOKOROZAWA_REGISTER)
    long_after = Round(noon(date(2027, 3, 1)), "juki://center/job")

    was_due = await window.store.act(lambda tx: lapse(tx, move.number, long_after))
    before = alerts(window, TOKOROZAWA_REGISTER)
    await connected(window, TOKOROZAWA_REGISTER)

    assert (was_due, before) == (True, [])
    assert alerts(window, TOKOROZAWA_REGISTER) == [AlertKind.LAPSED]


async def test_what_comes_before_the_delivery_stands_behind_what_waits(
    window: OriginWindow,
) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    await cut_off.connect(window.store, CHIYODA_OFFICE)

    late = await window.do(correct_move_out, window.correction(move, kana="ヨシダ\u3000タロオ"))
    await drained(window)

    (correction,) = waiting_entries(window, move)
    assert late.waits
    assert correction.record.kana == "ヨシダ\u3000タロオ"


async def test_an_office_that_is_cut_off_again_keeps_what_is_left(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    await cut_off.connect(window.store, CHIYODA_OFFICE)
    await cut_off.cut(window.store, CHIYODA_OFFICE)

    await drained(window)
    (queue,) = queues(window)
    await connected(window)

    assert (queue.state, queue.waiting) == (NoticeQueueState.CLOSED, 1)
    assert len(waiting_entries(window, move)) == 1


async def test_others_are_told_at_once(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, MunicipalityCode("131121"))

    answer = await window.do(correct_move_out, window.correction(move, name=NAME))

    assert not answer.waits
    assert alerts(window)[-1] is AlertKind.CORRECTION


async def test_a_correction_of_what_was_only_fetched_lies_with_its_own_origin(
    window: OriginWindow,
) -> None:
    move = await fetched(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)

    answer = await window.do(correct_move_out, window.correction(move, name=NAME))
    (lying,) = waiting_entries(window, move)
    await connected(window)

    assert answer.waits
    assert lying.municipality == move.origin
    assert alerts(window) == [AlertKind.CORRECTION]


async def test_the_same_request_is_told_the_same_after_the_delivery(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    command = window.correction(move, name=NAME)
    first = await window.do(correct_move_out, command)
    await connected(window)

    again = await window.do(correct_move_out, command)

    assert again == first
    assert alerts(window).count(AlertKind.CORRECTION) == 1


async def test_an_answer_of_before_is_a_notice_that_does_not_wait(window: OriginWindow) -> None:
    move = await in_chiyoda(window)

    assert notice_given(encode_answer(move)) == NoticeGiven(move, waits=False)


# What does not wait


async def test_a_quarantine_keeps_no_notice_back(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    command = QuarantineUpdates(
        OPERATOR, cut_off.cutting(CHIYODA_OFFICE).request_id, CHIYODA_OFFICE, "nonsense"
    )
    await window.store.act(lambda tx: quarantine(tx, command, NOW))

    at_once = await window.do(correct_move_out, window.correction(move, name=NAME))
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    later = await window.do(correct_move_out, window.correction(move, HANAKO, name=NAME))
    await connected(window)

    assert (at_once.waits, later.waits) == (False, True)
    assert len(waiting_entries(window, move)) == 2
    held = window.store.read(lambda tx: tx.queues.of(CHIYODA_OFFICE))
    assert held is not None


async def test_a_full_queue_takes_no_further_entries_and_still_tells(
    window: OriginWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_HELD", 1)
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))

    refused = await window.refused(correct_move_out, window.correction(move, HANAKO, name=NAME))
    pushed = window.under(PUSHED)
    await pushed.file(("takahashi-ichiro",))

    assert facts(refused) == (Reason.NOTICE_QUEUE_FULL, {})
    (queue,) = queues(window)
    assert queue.held == 2


# Delivery


async def test_each_delivery_has_its_leaf(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    for key in (TARO, HANAKO):
        await window.do(correct_move_out, window.correction(move, key, name=NAME))

    await connected(window)

    found = [one for one in leaves(window.store) if one["ev"] == "NOTICE_DELIVERED"]
    assert [one["id"] for one in found] == [move.number] * 2
    assert [one["more"]["kind"] for one in found] == ["CORRECTION"] * 2
    assert [one["more"]["fate"] for one in found] == ["DELIVERED"] * 2


async def test_a_correction_of_a_move_that_was_taken_back_meanwhile_is_overtaken(
    window: OriginWindow,
) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    await window.keep(replace(move, state=MoveState.CANCELLED_AFTER))

    await connected(window)

    assert waiting_entries(window, move) == []
    assert AlertKind.CORRECTION not in alerts(window)
    (sent,) = window.store.read(lambda tx: tx.notices.of_move(move.number))
    assert sent.fate is NoticeFate.OVERTAKEN


async def test_delivering_again_delivers_nothing_twice(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    await connected(window)
    before = alerts(window)

    await drained(window)
    nothing = await window.store.act(
        lambda tx: deliver_next(tx, CHIYODA_OFFICE, NOW, caller_uri="juki://center/job")
    )

    assert alerts(window) == before
    assert nothing is None


async def test_it_is_delivered_after_the_registers_key_was_replaced(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    await cut_off.connect(window.store, CHIYODA_OFFICE)
    target = Target("municipality", CHIYODA_OFFICE)
    await window.store.act(lambda tx: tx.rotations.begin(target, NOW))
    while not (await window.store.act(lambda tx: tx.rotations.step(target, 50))).is_last:
        pass

    await drained(window)

    assert len(waiting_entries(window, move)) == 1


# What was set aside


async def poisoned(window: OriginWindow, move: Move) -> None:
    """Let three wait whose first cannot be opened; the last is of another move."""
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    for key in (TARO, HANAKO):
        await window.do(correct_move_out, window.correction(move, key, name=NAME))
    await window.under(PUSHED).file(("takahashi-ichiro",))
    damage(window, "UPDATE queued_notices SET sealed = zeroblob(600) WHERE place = 1")
    await connected(window)


def damage(window: OriginWindow, statement: str) -> None:
    """Change the tables as a defect would."""
    with closing(sqlite3.connect(window.store.path)) as sql, sql:
        sql.execute(statement)


@pytest.mark.embedded
async def test_what_cannot_be_opened_is_set_aside_and_stops_its_own_move_alone(
    window: OriginWindow,
) -> None:
    move = await in_chiyoda(window)

    await poisoned(window, move)

    (queue,) = queues(window)
    assert (queue.waiting, queue.set_aside, queue.is_whole) == (1, 1, True)
    assert alerts(window)[-1] is AlertKind.EXPECTED
    assert waiting_entries(window, move) == []
    (aside,) = window.store.read(lambda tx: tx.notices.aside(CHIYODA_OFFICE))
    assert (aside.set_aside, aside.place) == ("UNREADABLE", 1)
    (leaf,) = [one for one in leaves(window.store) if one["ev"] == "NOTICE_SET_ASIDE"]
    assert leaf["more"]["rule"] == "UNREADABLE"


@pytest.mark.embedded
async def test_what_was_given_up_sets_free_what_stood_behind_it(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await poisoned(window, move)

    await window.store.act(lambda tx: drop(tx, CHIYODA_OFFICE, 1, NOW, OPERATOR))
    await drained(window)

    (correction,) = waiting_entries(window, move)
    assert correction.person == window.person(HANAKO)
    assert queues(window) == []
    fates = [one.fate for one in window.store.read(lambda tx: tx.notices.of_move(move.number))]
    assert sorted(fates) == [NoticeFate.DELIVERED, NoticeFate.DROPPED]
    assert [one["ev"] for one in leaves(window.store)].count("NOTICE_DROPPED") == 1


@pytest.mark.embedded
async def test_what_was_set_aside_is_tried_again_at_its_place(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    with closing(sqlite3.connect(window.store.path)) as sql:
        ((taken,),) = sql.execute("SELECT id FROM queued_notices").fetchall()
    twin = MoveAlert(taken, CHIYODA_OFFICE, move.number, AlertKind.CORRECTION, NOW)
    await window.store.act(lambda tx: tx.moves.add_alerts([twin]))
    await connected(window)
    (aside,) = window.store.read(lambda tx: tx.notices.aside(CHIYODA_OFFICE))
    damage(window, f"DELETE FROM move_alerts WHERE id = x'{taken.hex()}'")

    count = await window.store.act(lambda tx: retry(tx, CHIYODA_OFFICE, NOW, OPERATOR))
    await drained(window)

    assert (aside.set_aside, count) == ("CONTRADICTS_THE_REGISTER", 1)
    assert len(waiting_entries(window, move)) == 1
    assert queues(window) == []


async def test_only_what_was_set_aside_is_given_up(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))

    with pytest.raises(Refusal) as refused:
        await window.store.act(lambda tx: drop(tx, CHIYODA_OFFICE, 1, NOW, OPERATOR))
    nothing = await window.store.act(lambda tx: retry(tx, CHIYODA_OFFICE, NOW, OPERATOR))

    assert refused.value.reason is Reason.NOTICE_NOT_FOUND
    assert nothing == 0


@pytest.mark.embedded
async def test_a_notice_that_is_missing_shows_and_the_queue_stays(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    damage(window, "DELETE FROM queued_notices")

    await connected(window)

    (queue,) = queues(window)
    assert (queue.held, queue.waiting, queue.is_whole) == (1, 0, False)


@pytest.mark.embedded
async def test_an_inbox_that_does_not_open_sets_nothing_aside(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    damage(window, "UPDATE notice_queues SET sealed = zeroblob(60)")

    await connected(window)

    (queue,) = queues(window)
    assert (queue.waiting, queue.set_aside) == (1, 0)


# Looking it up


async def test_the_sender_sees_whether_it_waits_and_when_it_was_delivered(
    window: OriginWindow,
) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    look = GetMove(Look(TOKOROZAWA, CLERK), move.number)

    before = (await window.do(get_move, look)).notices
    await connected(window)
    after = (await window.do(get_move, look)).notices

    assert [(one.fate, one.ended_at) for one in before] == [(NoticeFate.WAITS, None)]
    assert [(one.fate, one.ended_at) for one in after] == [(NoticeFate.DELIVERED, NOW)]
    assert {(one.municipality, one.kind) for one in after} == {
        (CHIYODA_OFFICE, AlertKind.CORRECTION)
    }


async def test_a_destination_is_shown_nothing_of_what_others_are_told(
    window: OriginWindow,
) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    await connected(window)
    there = replace(window, terminal=CHIYODA)

    shown = await there.do(get_move, GetMove(Look(CHIYODA, CLERK), move.number))

    assert shown.notices == ()
    assert len(shown.corrections) == 1


async def test_what_has_become_of_notices_is_forgotten_after_ninety_days(
    window: OriginWindow,
) -> None:
    move = await in_chiyoda(window)
    await cut_off.cut(window.store, CHIYODA_OFFICE)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    await connected(window)

    await forget(window.store, NOW + waiting.FATES_KEPT)
    kept = window.store.read(lambda tx: tx.notices.of_move(move.number))
    await forget(window.store, NOW + waiting.FATES_KEPT + timedelta(seconds=1))
    gone = window.store.read(lambda tx: tx.notices.of_move(move.number))

    assert (len(kept), gone) == (1, [])
