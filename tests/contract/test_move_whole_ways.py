"""Moves from the notice to the registration, by the acts of both offices and the day's end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.moves.accepted_corrections import accept_correction
from juki_center.areas.moves.answers import MoveFiled
from juki_center.areas.moves.certificates import issue_certificate
from juki_center.areas.moves.commands import (
    AcceptCorrection,
    Arrival,
    CancelMoveIn,
    CancelMoveOut,
    CorrectMoveOut,
    FileMoveOut,
    IssueCertificate,
    Mover,
    Notification,
    Paper,
    Plan,
)
from juki_center.areas.moves.corrections import correct_move_out
from juki_center.areas.moves.day_end import Round, depart, give_back, lapse
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.notices import file_move_out
from juki_center.areas.moves.rows import Channel, Filer
from juki_center.areas.moves.states import MoveKind, MoveState
from juki_center.areas.moves.take_backs import cancel_move_in
from juki_center.areas.moves.transfers import fetch_transfer
from juki_center.areas.moves.withdrawals import cancel_move_out
from juki_center.areas.residents.records import ResidenceState
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    DESTINATION,
    FAMILY,
    HANAKO,
    ORIGIN,
    PLANNED,
    SAKURA,
    SETAGAYA,
    TARO,
    Arrivals,
    at,
    code_of,
)
from tests.support.center import TOKOROZAWA
from tests.support.move_books import disagreements
from tests.support.register_desk import entries_of

HERE, AT_HOME = (DESTINATION, ResidenceState.ACTIVE), (ORIGIN, ResidenceState.ACTIVE)
NIGHT = "juki://center/test"


@pytest.fixture
def chiyoda(store: SQLiteStore) -> Arrivals:
    """Give the window of the planned destination."""
    return Arrivals(store)


async def filed(chiyoda: Arrivals, kind: MoveKind = MoveKind.SPECIAL) -> MoveFiled:
    """Let the origin enter the family's notice, which came by post."""
    origin = chiyoda.at_window(TOKOROZAWA).on("2027-03-20")
    command = FileMoveOut(
        origin.new_request,
        kind,
        Notification(Channel.POST, Filer.HOUSEHOLDER),
        Plan(DESTINATION, PLANNED, "神田錦町一丁目1番地"),
        tuple(Mover(code_of(key), chiyoda.record(key).version) for key in FAMILY),
    )
    return await origin.do(file_move_out, command)


async def test_case_22_a_notice_by_post_leads_to_a_move_in_by_card(chiyoda: Arrivals) -> None:
    """Case 22: posted notice, planned for 31 March; moved on 1 April, registered on the 14th."""
    move = (await filed(chiyoda)).move
    night = Round(at("2027-03-31", 0), NIGHT)
    assert await chiyoda.store.act(lambda tx: depart(tx, move.number, night))

    answer = await chiyoda.do(register_move_in, chiyoda.move_in(await chiyoda.fetch()))

    assert answer.move.state is MoveState.COMPLETED
    assert {chiyoda.where(key) for key in FAMILY} == {HERE}
    assert disagreements(chiyoda.store) == []


async def test_case_24_nothing_is_possible_before_the_origin_has_processed_the_letter(
    chiyoda: Arrivals,
) -> None:
    """Case 24: NO_MOVE_OUT before the notice is processed; afterwards the move succeeds."""
    command = await chiyoda.by_card()
    before = [chiyoda.record(key) for key in FAMILY]
    refused = await chiyoda.refused(fetch_transfer, command)
    untouched = [chiyoda.record(key) for key in FAMILY] == before
    books_before = disagreements(chiyoda.store)
    await filed(chiyoda)

    fetched = await chiyoda.do(fetch_transfer, replace(command, at=chiyoda.new_request))
    answer = await chiyoda.do(register_move_in, chiyoda.move_in(fetched))

    assert refused.reason is Reason.NO_MOVE_OUT
    assert untouched
    assert books_before == []
    assert answer.move.state is MoveState.COMPLETED
    assert {chiyoda.where(key) for key in FAMILY} == {HERE}


async def test_a_paper_leads_to_a_move_in_and_an_older_one_does_not(chiyoda: Arrivals) -> None:
    notice = await filed(chiyoda, MoveKind.ORDINARY)
    origin = chiyoda.at_window(TOKOROZAWA).on("2027-03-25")
    again = IssueCertificate(origin.new_request, notice.move.number)
    newer = (await origin.do(issue_certificate, again)).certificate
    assert notice.certificate is not None
    assert newer is not None
    papers = [Paper(one.number, one.code, date(2027, 4, 1)) for one in (notice.certificate, newer)]

    refused = await chiyoda.refused(
        register_move_in, chiyoda.by_paper(notice.move, ground=papers[0])
    )
    answer = await chiyoda.do(register_move_in, chiyoda.by_paper(notice.move, ground=papers[1]))

    assert refused.reason is Reason.CERTIFICATE_NOT_FOUND
    assert answer.move.state is MoveState.COMPLETED
    assert disagreements(chiyoda.store) == []


async def test_what_a_destination_has_fetched_the_origin_withdraws_only_after_it_is_given_back(
    chiyoda: Arrivals,
) -> None:
    move = (await filed(chiyoda)).move
    command = chiyoda.move_in(await chiyoda.fetch())
    origin = chiyoda.at_window(TOKOROZAWA)
    withdrawal = CancelMoveOut(origin.new_request, move.number)
    refused = await origin.refused(cancel_move_out, withdrawal)
    next_day = replace(chiyoda, now=chiyoda.now + timedelta(hours=25))
    night = Round(next_day.now, NIGHT)
    assert await chiyoda.store.act(lambda tx: give_back(tx, move.number, night))

    await origin.do(cancel_move_out, replace(withdrawal, at=origin.new_request))

    assert refused.reason is Reason.NOT_IN_THIS_STATE
    late = await chiyoda.refused(register_move_in, command)
    assert late.reason is Reason.TRANSFER_NOT_FOUND
    assert {chiyoda.where(key) for key in FAMILY} == {AT_HOME}


async def test_after_the_last_day_paper_is_needed_and_enough(chiyoda: Arrivals) -> None:
    move = (await filed(chiyoda)).move
    late = chiyoda.on("2027-05-06")
    session = await late.by_card(moved_on=date(2027, 4, 25))
    assert await chiyoda.store.act(lambda tx: lapse(tx, move.number, Round(late.now, NIGHT)))
    refused = await late.refused(fetch_transfer, session)
    origin = late.at_window(TOKOROZAWA)
    asked = IssueCertificate(origin.new_request, move.number)
    paper = (await origin.do(issue_certificate, asked)).certificate
    assert paper is not None

    answer = await late.do(
        register_move_in,
        late.by_paper(move, ground=Paper(paper.number, paper.code, date(2027, 4, 25))),
    )

    # The cards have ended with the special case, before the notice is even looked at.
    assert refused.reason is Reason.CARD_REVOKED
    assert (answer.move.kind, answer.move.state) == (MoveKind.ORDINARY, MoveState.COMPLETED)


async def test_a_correction_of_the_origin_is_entered_by_the_destination(
    chiyoda: Arrivals,
) -> None:
    move = (await filed(chiyoda)).move
    entries = replace(entries_of(chiyoda.record(TARO)), kana="ヨシダ　タロ")
    await chiyoda.do(register_move_in, chiyoda.move_in(await chiyoda.fetch()))
    before = chiyoda.record(TARO)
    origin = chiyoda.at_window(TOKOROZAWA)
    await origin.do(
        correct_move_out, CorrectMoveOut(origin.new_request, move.number, code_of(TARO), entries)
    )

    accepting = AcceptCorrection(chiyoda.new_request, move.number, code_of(TARO), before.version)
    answer = await chiyoda.do(accept_correction, accepting)

    assert answer.record.record == replace(before.record, kana="ヨシダ　タロ")


async def test_a_family_that_was_sent_back_moves_on_elsewhere(chiyoda: Arrivals) -> None:
    await filed(chiyoda)
    moved = await chiyoda.do(register_move_in, chiyoda.move_in(await chiyoda.fetch()))
    named = tuple(Arrival(code_of(key), 3) for key in (TARO, HANAKO, SAKURA))
    taking_back = CancelMoveIn(chiyoda.new_request, moved.move.number, named)
    await chiyoda.do(cancel_move_in, taking_back)
    notice = await filed(chiyoda)
    assert notice.certificate is not None
    paper = Paper(notice.move.number, notice.certificate.code, date(2027, 4, 1))
    setagaya = chiyoda.at_window(SETAGAYA)

    answer = await setagaya.do(register_move_in, setagaya.by_paper(notice.move, ground=paper))

    # The cards lapsed in the move that was taken back, so that the notice went by paper.
    assert answer.move.arrived_in == SETAGAYA.municipality
    assert disagreements(chiyoda.store) == []
