"""A completed move that is taken back: a further version in both books, and both offices told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.answers import MovedIn
from juki_center.areas.moves.commands import (
    Arrival,
    CancelMoveIn,
)
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.rows import AlertKind, Correction
from juki_center.areas.moves.states import MoveKind, MoveState
from juki_center.areas.moves.take_backs import cancel_move_in
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.locks import EditLock
from juki_center.areas.residents.records import ChangeReason, ProtectiveMeasure, ResidenceState
from juki_center.errors import Reason
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    CLERK,
    DESTINATION,
    FAMILY,
    HANAKO,
    ORIGIN,
    SAKURA,
    SETAGAYA,
    TARO,
    Arrivals,
    code_of,
    day,
)
from tests.support.books import move as move_books
from tests.support.center import CHIYODA

ACTIVE, DELETED = ResidenceState.ACTIVE, ResidenceState.DELETED


@pytest.fixture
def chiyoda(store: SQLiteStore) -> Arrivals:
    """Give the window of the planned destination."""
    return Arrivals(store)


def taking_back(chiyoda: Arrivals, moved: MovedIn, *keys: str) -> CancelMoveIn:
    """Return the request to take a move back, for those who are named."""
    return CancelMoveIn(
        chiyoda.new_request,
        moved.move.number,
        tuple(Arrival(code_of(key), chiyoda.record(key).version) for key in keys or FAMILY),
    )


async def test_everybody_is_again_where_they_were_and_both_books_say_why(
    chiyoda: Arrivals,
) -> None:
    before = chiyoda.record(TARO)
    moved = await chiyoda.moved_in()

    taken_back = await chiyoda.on("2027-04-20").do(
        cancel_move_in, taking_back(chiyoda, moved, SAKURA, TARO, HANAKO)
    )

    (_, left, arrived, deleted, again) = chiyoda.history(TARO)
    assert [one.municipality for one in (left, arrived, deleted, again)] == [
        ORIGIN,
        DESTINATION,
        DESTINATION,
        ORIGIN,
    ]
    assert (deleted.state, deleted.record, deleted.version) == (DELETED, arrived.record, 4)
    assert (again.state, again.record, again.household, again.version) == (
        ACTIVE,
        before.record,
        before.household,
        5,
    )
    assert deleted.change is not None
    assert again.change is not None
    assert {deleted.change.reason, again.change.reason} == {ChangeReason.CANCELLATION}
    assert (deleted.change.cancels, again.change.cancels) == (3, 2)
    assert (deleted.change.clerk_name, again.change.clerk_name) == (CLERK, "")
    assert deleted.change.date == again.change.date == day("令和9年4月20日")
    assert {chiyoda.where(key) for key in FAMILY} == {(ORIGIN, ACTIVE)}
    assert chiyoda.kept(moved.move) == taken_back
    assert taken_back.state is MoveState.CANCELLED_AFTER
    assert taken_back.ended_at == chiyoda.on("2027-04-20").now


async def test_both_offices_are_told_and_changes_are_noticed_in_both_books(
    chiyoda: Arrivals,
) -> None:
    moved = await chiyoda.moved_in()
    last = chiyoda.store.read(lambda tx: tx.changes.last_position())

    await chiyoda.do(cancel_move_in, taking_back(chiyoda, moved))

    assert chiyoda.alerts(ORIGIN) == [AlertKind.ARRIVED, AlertKind.CANCELLED_AFTER]
    assert chiyoda.alerts(DESTINATION) == [AlertKind.CANCELLED_AFTER]
    notices = chiyoda.store.read(lambda tx: [tx.changes.at(last + one) for one in range(1, 7)])
    assert [one.municipality for one in notices] == [DESTINATION, ORIGIN] * 3


async def test_who_stayed_is_no_matter_of_it(chiyoda: Arrivals) -> None:
    moved = await chiyoda.moved_in(TARO, HANAKO)
    staying = chiyoda.record(SAKURA)

    await chiyoda.do(cancel_move_in, taking_back(chiyoda, moved, TARO, HANAKO))

    assert chiyoda.record(SAKURA) == staying


async def test_the_same_request_gets_its_first_answer(chiyoda: Arrivals) -> None:
    command = taking_back(chiyoda, await chiyoda.moved_in())

    first = await chiyoda.do(cancel_move_in, command)
    again = await replace(chiyoda, now=chiyoda.now + timedelta(hours=9)).do(cancel_move_in, command)

    assert again == first
    assert chiyoda.record(TARO).version == 5


async def test_a_move_is_taken_back_once(chiyoda: Arrivals) -> None:
    moved = await chiyoda.moved_in()
    await chiyoda.do(cancel_move_in, taking_back(chiyoda, moved))

    refused = await chiyoda.refused(cancel_move_in, taking_back(chiyoda, moved))

    assert refused.reason is Reason.NOT_IN_THIS_STATE
    assert refused.metadata["state"] == "CANCELLED_AFTER"


async def test_a_measure_that_was_begun_after_the_departure_holds_on_at_the_origin(
    chiyoda: Arrivals,
) -> None:
    move = await chiyoda.notice(TARO)
    await chiyoda.day_has_come(move)
    await chiyoda.change_record(TARO, measure=ProtectiveMeasure())
    command = chiyoda.move_in(await chiyoda.fetch(), TARO)
    moved = await chiyoda.do(register_move_in, command)

    await chiyoda.do(cancel_move_in, taking_back(chiyoda, moved, TARO))

    assert chiyoda.where(TARO) == (ORIGIN, ACTIVE)
    assert chiyoda.record(TARO).record.measure == ProtectiveMeasure()


async def test_a_move_by_paper_is_taken_back_too(chiyoda: Arrivals) -> None:
    move = await chiyoda.paper_notice(TARO)
    moved = await chiyoda.do(register_move_in, chiyoda.by_paper(move, TARO))

    taken_back = await chiyoda.do(cancel_move_in, taking_back(chiyoda, moved, TARO))

    assert taken_back.kind is MoveKind.ORDINARY
    assert chiyoda.where(TARO) == (ORIGIN, ACTIVE)
    assert chiyoda.card().status is CardStatus.LAPSED


async def test_a_card_that_waits_to_be_continued_is_the_origins_again(chiyoda: Arrivals) -> None:
    chiyoda = chiyoda.under(RuleSet.R2012_07_09)
    moved = await chiyoda.moved_in()
    assert chiyoda.card().continue_until == date(2027, 7, 13)

    await chiyoda.do(cancel_move_in, taking_back(chiyoda, moved))

    card = chiyoda.card()
    assert (card.status, card.municipality, card.continue_until) == (
        CardStatus.ACTIVE,
        ORIGIN,
        None,
    )


async def test_a_correction_that_waited_waits_no_more(chiyoda: Arrivals) -> None:
    moved = await chiyoda.moved_in()
    taro = chiyoda.record(TARO)
    sent = Correction(moved.move.number, taro.person, DESTINATION, chiyoda.now, taro.record)
    await chiyoda.store.act(lambda tx: tx.moves.put_correction(sent))

    await chiyoda.do(cancel_move_in, taking_back(chiyoda, moved))

    assert chiyoda.store.read(lambda tx: tx.moves.corrections(moved.move)) == []


async def test_who_has_a_newer_entry_is_not_sent_back(chiyoda: Arrivals) -> None:
    moved = await chiyoda.moved_in()
    await chiyoda.change_record(HANAKO, relationship="妻（未届）")

    refused = await chiyoda.refused(cancel_move_in, taking_back(chiyoda, moved))

    assert (refused.reason, refused.metadata) == (Reason.RECORD_CHANGED, {"version": "4"})


async def test_who_has_died_since_is_not_sent_back(chiyoda: Arrivals) -> None:
    moved = await chiyoda.moved_in()
    await chiyoda.set_state(HANAKO, ResidenceState.DECEASED)

    refused = await chiyoda.refused(cancel_move_in, taking_back(chiyoda, moved))

    assert refused.reason is Reason.RECORD_CHANGED


async def test_nothing_is_told_of_the_book_to_which_somebody_has_moved_on(
    chiyoda: Arrivals,
) -> None:
    moved = await chiyoda.moved_in()
    await move_books(chiyoda.store, HANAKO, str(SETAGAYA.municipality))
    await chiyoda.change_record(HANAKO, kana="ヨシダ　ハナ")

    refused = await chiyoda.refused(cancel_move_in, taking_back(chiyoda, moved))

    assert (refused.reason, refused.metadata) == (Reason.RECORD_CHANGED, {"version": "4"})
    assert chiyoda.record(HANAKO).version == 6


async def test_who_was_taken_back_does_not_come_by_the_same_claim(chiyoda: Arrivals) -> None:
    await chiyoda.notice()
    fetched = await chiyoda.fetch()
    moved = await chiyoda.do(register_move_in, chiyoda.move_in(fetched))
    await chiyoda.do(cancel_move_in, taking_back(chiyoda, moved))

    refused = await chiyoda.refused(register_move_in, chiyoda.move_in(fetched))

    assert (refused.reason, refused.metadata) == (
        Reason.NOT_IN_THIS_STATE,
        {"state": "CANCELLED_AFTER", "event": "ARRIVED"},
    )


async def test_a_version_that_the_clerk_has_not_seen_is_refused(chiyoda: Arrivals) -> None:
    command = taking_back(chiyoda, await chiyoda.moved_in())
    older = replace(command, moved=tuple(replace(one, expected_version=2) for one in command.moved))

    refused = await chiyoda.refused(cancel_move_in, older)

    assert (refused.reason, refused.metadata) == (Reason.RECORD_CHANGED, {"version": "3"})


async def test_who_is_about_to_move_on_is_not_sent_back(chiyoda: Arrivals) -> None:
    moved = await chiyoda.moved_in()
    await chiyoda.notice(
        HANAKO, origin=DESTINATION, destination=SETAGAYA.municipality, planned_on=date(2027, 5, 1)
    )

    refused = await chiyoda.refused(cancel_move_in, taking_back(chiyoda, moved))

    assert refused.reason is Reason.MOVE_OPEN


async def test_a_record_that_somebody_edits_is_not_sent_back(chiyoda: Arrivals) -> None:
    moved = await chiyoda.moved_in()
    person, until = chiyoda.person(SAKURA), chiyoda.now + timedelta(minutes=9)
    lock = EditLock(person, bytes(16), CHIYODA.uri, CLERK, until)
    await chiyoda.store.act(lambda tx: tx.locks.put(lock))

    refused = await chiyoda.refused(cancel_move_in, taking_back(chiyoda, moved))

    assert (refused.reason, refused.metadata) == (
        Reason.RECORD_LOCKED,
        {"until": until.isoformat()},
    )


@pytest.mark.parametrize(
    "keys", [(TARO, HANAKO), (TARO, HANAKO, HANAKO), (*FAMILY, "tsuji-makoto"), (TARO,)]
)
async def test_everybody_who_moved_is_named_once_and_nobody_else(
    chiyoda: Arrivals, keys: tuple[str, ...]
) -> None:
    moved = await chiyoda.moved_in()

    refused = await chiyoda.refused(cancel_move_in, taking_back(chiyoda, moved, *keys))

    assert refused.reason is Reason.FIELD_INVALID
    assert refused.metadata == {"field": "moved", "rule": "ALL_WHO_MOVED"}


async def test_another_municipality_finds_no_such_move(chiyoda: Arrivals) -> None:
    moved = await chiyoda.moved_in()
    setagaya = chiyoda.at_window(SETAGAYA)

    refused = await setagaya.refused(cancel_move_in, taking_back(setagaya, moved))

    assert refused.reason is Reason.MOVE_NOT_FOUND


async def test_a_move_that_has_not_arrived_is_not_found_here(chiyoda: Arrivals) -> None:
    move = (await chiyoda.fetch()).move if await chiyoda.notice() else None
    assert move is not None

    refused = await chiyoda.refused(cancel_move_in, taking_back(chiyoda, MovedIn(move, ())))

    assert refused.reason is Reason.MOVE_NOT_FOUND


@pytest.mark.parametrize("municipality", [ORIGIN, DESTINATION])
async def test_nothing_is_taken_back_while_either_book_is_closed(
    chiyoda: Arrivals, municipality: MunicipalityCode
) -> None:
    command = taking_back(chiyoda, await chiyoda.moved_in())
    await chiyoda.cut_off(municipality)

    refused = await chiyoda.refused(cancel_move_in, command)

    assert refused.reason is Reason.RESIDENCE_DISCONNECTED


async def test_after_it_a_further_notice_leads_here_again(chiyoda: Arrivals) -> None:
    chiyoda = chiyoda.under(RuleSet.R2012_07_09)
    moved = await chiyoda.moved_in()
    await chiyoda.do(cancel_move_in, taking_back(chiyoda, moved))
    await chiyoda.notice(TARO)

    again = await chiyoda.do(register_move_in, chiyoda.move_in(await chiyoda.fetch(), TARO))

    assert chiyoda.where(TARO) == (DESTINATION, ACTIVE)
    assert again.move.number != moved.move.number
