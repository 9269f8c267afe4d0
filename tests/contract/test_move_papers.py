"""The paper of a move out: the first, those that follow, and the special case that it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.certificates import issue_certificate
from juki_center.areas.moves.changes import change_move_out
from juki_center.areas.moves.commands import (
    GetMove,
    Look,
    Plan,
)
from juki_center.areas.moves.day_end import Round, lapse
from juki_center.areas.moves.reads import get_move
from juki_center.areas.moves.rows import AlertKind, Document
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import ProtectiveMeasure, ResidenceState
from juki_center.errors import Reason
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.books import give_code
from tests.support.books import move as move_books
from tests.support.card_window import CLERK
from tests.support.center import CHIYODA, SAMPLES
from tests.support.leaves import leaves
from tests.support.origin_window import (
    ADDRESS,
    CHIYODA_OFFICE,
    FAMILY,
    HANAKO,
    NO_SUCH,
    PLANNED,
    SAKURA,
    TARO,
    TOKOROZAWA_REGISTER,
    OriginWindow,
    departed,
    facts,
    noon,
)

JOB = "juki://center/job"


@pytest.fixture
def window(store: SQLiteStore) -> OriginWindow:
    """Give the window of Tokorozawa."""
    return OriginWindow(store)


# Again


async def test_a_second_paper_counts_and_the_first_one_opens_nothing_any_more(
    window: OriginWindow,
) -> None:
    filed = await window.file_by_paper()

    answer = await window.do(issue_certificate, window.paper(filed.move))

    first, second = filed.certificate, answer.certificate
    assert first is not None
    assert second is not None
    assert (second.count, second.number, second.document) == (
        2,
        first.number,
        Document.CERTIFICATE,
    )
    assert second.persons == first.persons
    assert not second.code.is_same(first.code)
    assert (answer.move.certificates, answer.move.state) == (2, MoveState.ORDINARY)
    kept = window.store.read(lambda tx: tx.moves.papers(answer.move))
    assert kept.verification_code == second.code
    assert window.kept(answer.move.number) == answer.move


async def test_a_second_paper_after_the_planned_day_shows_what_the_first_one_did(
    window: OriginWindow,
) -> None:
    filed = await window.file_by_paper()
    await departed(window, filed.move, PLANNED)

    answer = await window.at(PLANNED).do(issue_certificate, window.paper(filed.move))

    assert filed.certificate is not None
    assert answer.certificate is not None
    assert [one.record for one in answer.certificate.persons] == [
        one.record for one in filed.certificate.persons
    ]
    assert answer.certificate.issued_on == PLANNED


async def test_a_second_document_of_a_late_notice_is_an_equivalent_one_too(
    window: OriginWindow,
) -> None:
    late = Plan(CHIYODA_OFFICE, PLANNED.replace(month=9), ADDRESS)
    filed = await window.file_by_paper(plan=late)

    answer = await window.do(issue_certificate, window.paper(filed.move))

    assert answer.certificate is not None
    assert (answer.certificate.document, answer.certificate.count) == (Document.EQUIVALENT, 2)


async def test_a_paper_shows_the_household_in_its_order_and_nobody_who_is_gone(
    window: OriginWindow,
) -> None:
    move = (await window.file_by_paper((SAKURA, TARO, HANAKO))).move
    gone = tuple(
        replace(one, state=MemberState.GONE) if one.person == window.person(HANAKO) else one
        for one in move.members
    )
    await window.keep(replace(move, members=gone))

    answer = await window.do(issue_certificate, window.paper(move))

    assert answer.certificate is not None
    names = [one.record.name for one in answer.certificate.persons]
    assert names == [SAMPLES[key].record.name for key in (TARO, SAKURA)]


async def test_a_paper_needs_no_book_of_where_somebody_who_is_gone_from_the_notice_lives_now(
    window: OriginWindow,
) -> None:
    move = (await window.file_by_paper((TARO, HANAKO))).move
    gone = replace(move.members[1], state=MemberState.GONE)
    await window.keep(replace(move, members=(move.members[0], gone)))
    await move_books(window.store, HANAKO, str(CHIYODA_OFFICE))
    await give_code(window.store, HANAKO, ResidentCode("24727059608"))
    await window.connect(CHIYODA_OFFICE, connected=False)

    answer = await window.do(issue_certificate, window.paper(move))
    read = await window.do(get_move, GetMove(Look(window.terminal, CLERK), move.number))

    kept = window.store.read(lambda tx: tx.moves.papers(answer.move))
    assert kept.printed_codes == tuple(SAMPLES[key].record.code for key in (TARO, HANAKO))
    assert not read.reissue_certificate


async def test_a_measure_that_was_begun_after_the_notice_is_on_the_next_paper(
    window: OriginWindow,
) -> None:
    move = (await window.file_by_paper((TARO,))).move
    taro = window.record()
    protected = replace(taro, record=replace(taro.record, measure=ProtectiveMeasure()))
    await window.store.act(lambda tx: tx.residents.replace(protected))

    answer = await window.do(issue_certificate, window.paper(move))

    assert answer.certificate is not None
    (person,) = answer.certificate.persons
    assert (person.record.measure, person.version) == (ProtectiveMeasure(), 2)


async def test_a_new_code_makes_a_paper_outdated_until_the_next_one(window: OriginWindow) -> None:
    move = (await window.file_by_paper((TARO,))).move
    await give_code(window.store, TARO, ResidentCode("24727059608"))
    question = GetMove(Look(window.terminal, CLERK), move.number)

    before = await window.do(get_move, question)
    answer = await window.do(issue_certificate, window.paper(move))
    after = await window.do(get_move, question)

    assert answer.certificate is not None
    assert [one.record.code.digits for one in answer.certificate.persons] == ["24727059608"]
    assert (before.reissue_certificate, after.reissue_certificate) == (True, False)


async def test_a_notice_that_goes_abroad_has_no_paper_to_replace(window: OriginWindow) -> None:
    move = (await window.file_by_paper()).move
    question = GetMove(Look(window.terminal, CLERK), move.number)

    await window.do(change_move_out, window.change(move, destination=None))

    assert not (await window.do(get_move, question)).reissue_certificate


# The special case given up


async def test_a_paper_gives_the_special_case_up_for_good_if_the_clerk_says_so(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move

    refused = await window.refused(issue_certificate, window.paper(move))
    answer = await window.do(issue_certificate, window.paper(move, give_up=True))

    assert facts(refused) == (Reason.SPECIAL_MUST_BE_GIVEN_UP, {})
    assert (answer.move.kind, answer.move.state) == (MoveKind.ORDINARY, MoveState.ORDINARY)
    assert (answer.move.last_day, answer.move.certificates) == (None, 1)
    assert answer.certificate is not None
    assert answer.certificate.count == 1
    # Until the planned day they live here, with their cards.
    assert {window.card(key).status for key in FAMILY} == {CardStatus.ACTIVE}


async def test_who_gives_the_special_case_up_before_the_day_loses_the_card_on_it(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move
    await window.do(issue_certificate, window.paper(move, give_up=True))

    await departed(window, move, PLANNED)

    assert {window.card(key).status for key in FAMILY} == {CardStatus.LAPSED}


async def test_who_gives_the_special_case_up_after_the_day_loses_the_card_at_once(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move
    await departed(window, move, PLANNED)
    before = {window.card(key).status for key in FAMILY}

    await window.at(PLANNED).do(issue_certificate, window.paper(move, give_up=True))

    assert before == {CardStatus.ACTIVE}
    assert {window.card(key).status for key in FAMILY} == {CardStatus.LAPSED}
    assert window.states() == [ResidenceState.MOVED_OUT] * 3


async def test_a_special_notice_that_has_run_out_gets_its_paper_without_ado(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move
    assert move.last_day is not None
    over = noon(move.last_day.replace(month=2))
    await window.store.act(lambda tx: lapse(tx, move.number, Round(over, JOB)))

    answer = await window.do(issue_certificate, window.paper(move))

    assert (answer.move.kind, answer.move.state) == (MoveKind.ORDINARY, MoveState.ORDINARY)
    assert answer.certificate is not None
    assert answer.certificate.document is Document.CERTIFICATE


async def test_a_destination_that_was_told_is_told_that_nobody_comes_by_card(
    window: OriginWindow,
) -> None:
    pushing = window.under(RuleSet.R2023_02_06)
    move = (await pushing.file()).move

    await pushing.do(issue_certificate, pushing.paper(move, give_up=True))
    await pushing.do(issue_certificate, pushing.paper(move))

    assert window.alerts(CHIYODA_OFFICE) == [AlertKind.EXPECTED, AlertKind.NO_LONGER_EXPECTED]


async def test_a_move_by_paper_does_not_become_one_by_card_by_any_change(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move
    ordinary = (await window.do(issue_certificate, window.paper(move, give_up=True))).move

    changed = await window.changed(ordinary, (TARO,))

    assert (changed.kind, changed.state) == (MoveKind.ORDINARY, MoveState.ORDINARY)


# Once, and never


async def test_a_paper_that_is_asked_for_again_is_the_same_one(window: OriginWindow) -> None:
    move = (await window.file_by_paper()).move
    command = window.paper(move)

    first = await window.do(issue_certificate, command)
    again = await window.do(issue_certificate, command)

    assert again == first
    assert window.kept(move.number).certificates == 2


async def test_of_two_papers_in_the_same_instant_the_last_one_counts(window: OriginWindow) -> None:
    move = (await window.file_by_paper()).move

    answers = await asyncio.gather(
        *(window.do(issue_certificate, window.paper(move)) for _ in range(2))
    )

    assert {one.move.certificates for one in answers} == {2, 3}
    newest = max(answers, key=lambda one: one.move.certificates).certificate
    kept = window.store.read(lambda tx: tx.moves.papers(move))
    assert newest is not None
    assert kept.verification_code == newest.code


async def test_the_log_shows_which_paper_it_was_and_no_code(window: OriginWindow) -> None:
    move = (await window.file()).move

    answer = await window.do(issue_certificate, window.paper(move, give_up=True))

    leaf = leaves(window.store)[-1]
    assert (leaf["ev"], leaf["id"]) == ("MOVING_OUT_CERTIFIED", move.number)
    assert leaf["more"] == {
        "count": "1",
        "document": "CERTIFICATE",
        "special_given_up": "true",
    }
    assert answer.certificate is not None
    assert answer.certificate.code.digits not in str(leaf)


async def test_a_move_abroad_has_no_paper(window: OriginWindow) -> None:
    filed = await window.file_by_paper(plan=Plan(None, PLANNED))

    refused = await window.refused(issue_certificate, window.paper(filed.move))

    assert facts(refused) == (Reason.FIELD_INVALID, {"field": "move_number", "rule": "ABROAD"})


@pytest.mark.parametrize(
    "state",
    [
        MoveState.TRANSFERRED,
        MoveState.COMPLETED,
        MoveState.CANCELLED,
        MoveState.CANCELLED_AFTER,
    ],
)
async def test_no_paper_is_issued_for_a_move_that_was_fetched_or_has_ended(
    window: OriginWindow, state: MoveState
) -> None:
    move = await window.keep(replace((await window.file()).move, state=state))

    refused = await window.refused(issue_certificate, window.paper(move, give_up=True))

    assert facts(refused) == (
        Reason.NOT_IN_THIS_STATE,
        {"state": state.value, "event": "PAPER_ISSUED"},
    )


async def test_a_move_of_others_is_as_unknown_as_none(window: OriginWindow) -> None:
    move = (await window.file_by_paper()).move
    elsewhere = replace(window, terminal=CHIYODA)

    refusals = [
        await elsewhere.refused(issue_certificate, elsewhere.paper(move)),
        await window.refused(issue_certificate, window.paper(replace(move, number=NO_SUCH))),
    ]

    assert [facts(one) for one in refusals] == [(Reason.MOVE_NOT_FOUND, {})] * 2


async def test_no_paper_is_issued_while_the_origin_is_disconnected(window: OriginWindow) -> None:
    move = (await window.file_by_paper()).move
    await window.connect(TOKOROZAWA_REGISTER, connected=False)

    refused = await window.refused(issue_certificate, window.paper(move))

    assert refused.reason is Reason.RESIDENCE_DISCONNECTED


async def test_a_clerk_without_a_name_issues_none(window: OriginWindow) -> None:
    command = window.paper((await window.file_by_paper()).move)

    refused = await window.refused(
        issue_certificate, replace(command, at=replace(command.at, clerk_name=""))
    )

    assert refused.reason is Reason.CLERK_NAME_REQUIRED
