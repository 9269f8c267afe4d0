"""Information of a special move: fetched with the card, looked at beforehand, given back."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.cards.register import CardStatus, Purpose
from juki_center.areas.moves.commands import (
    AbandonMoveIn,
    ByCard,
    FetchTransfer,
)
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import AlertKind, Correction, Move
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.moves.transfers import abandon_move_in, fetch_transfer
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import ProtectiveMeasure
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    DESTINATION,
    FAMILY,
    HANAKO,
    MOVED,
    ORIGIN,
    SAKURA,
    SETAGAYA,
    TARO,
    Arrivals,
    code_of,
)
from tests.support.center import CHIYODA_2, TOKOROZAWA, serial_of


@pytest.fixture
def chiyoda(store: SQLiteStore) -> Arrivals:
    """Give the window of the planned destination."""
    return Arrivals(store)


async def test_case_22_planned_31_march_and_moved_1_april_is_accepted_until_the_15th(
    chiyoda: Arrivals,
) -> None:
    """Case 22: planned for 31 March, moved on 1 April: accepted on 14 April."""
    move = await chiyoda.notice(TARO)

    fetched = await chiyoda.on("2027-04-14").fetch()

    assert fetched.last_day == date(2027, 4, 15)
    assert fetched.move == chiyoda.kept(move)
    assert fetched.move.state is MoveState.TRANSFERRED


async def test_case_22_on_16_april_the_14_days_are_over(chiyoda: Arrivals) -> None:
    """Case 22: planned for 31 March, moved on 1 April: refused on 16 April by DEADLINE_14."""
    await chiyoda.notice(TARO)
    late = chiyoda.on("2027-04-16")

    refused = await late.refused(fetch_transfer, await late.by_card())

    assert (refused.reason, refused.metadata) == (Reason.DEADLINE_14, {"lastDay": "2027-04-15"})


async def test_case_22_moved_25_april_and_notified_1_may_the_30_days_are_over(
    chiyoda: Arrivals,
) -> None:
    """Case 22: planned for 31 March, moved on 25 April: refused on 1 May by DEADLINE_30."""
    await chiyoda.notice(TARO)
    late = chiyoda.on("2027-05-01")

    refused = await late.refused(fetch_transfer, await late.by_card(moved_on=date(2027, 4, 25)))

    assert (refused.reason, refused.metadata) == (Reason.DEADLINE_30, {"lastDay": "2027-04-30"})


async def test_case_24_before_the_origin_has_entered_the_notice_nothing_changes(
    chiyoda: Arrivals,
) -> None:
    """Case 24: NO_MOVE_OUT until the origin has processed the notice; then it succeeds."""
    command = await chiyoda.by_card()
    refused = await chiyoda.refused(fetch_transfer, command)
    await chiyoda.notice(TARO)

    fetched = await chiyoda.do(fetch_transfer, replace(command, at=chiyoda.new_request))

    assert refused.reason is Reason.NO_MOVE_OUT
    assert [one.record.code for one in fetched.persons] == [code_of(TARO)]


async def test_one_card_opens_the_entries_of_everybody_who_moves(chiyoda: Arrivals) -> None:
    move = await chiyoda.notice()
    await chiyoda.change_record(HANAKO, measure=ProtectiveMeasure())

    fetched = await chiyoda.fetch(SAKURA)

    records = [chiyoda.record(key) for key in FAMILY]
    assert [one.record for one in fetched.persons] == [one.record for one in records]
    assert [one.version for one in fetched.persons] == [1, 2, 1]
    assert fetched.origin_name == "埼玉県所沢市"
    assert fetched.destination_address == "神田錦町一丁目1番地"
    transfer = chiyoda.kept(move).transfer
    assert transfer is not None
    assert (transfer.transfer_id, transfer.municipality) == (fetched.transfer_id, DESTINATION)
    assert (transfer.card_serial, transfer.moved_on) == (serial_of(SAKURA), MOVED)


async def test_who_has_gone_from_the_notice_is_not_shown(chiyoda: Arrivals) -> None:
    move = await chiyoda.notice()
    members = list(move.members)
    members[1] = replace(members[1], state=MemberState.GONE)
    await chiyoda.change(move, members=tuple(members))

    fetched = await chiyoda.fetch()

    assert [one.record.code for one in fetched.persons] == [code_of(TARO), code_of(SAKURA)]


async def test_what_was_corrected_since_it_was_fetched_is_in_the_next_information(
    chiyoda: Arrivals,
) -> None:
    await chiyoda.notice(TARO)
    first = await chiyoda.fetch()
    await chiyoda.change_record(TARO, family_register_head="\U00020bb7田　次郎")

    second = await chiyoda.fetch()

    assert first.persons[0].record.family_register_head == "\U00020bb7田　太郎"
    assert second.persons[0].record.family_register_head == "\U00020bb7田　次郎"
    assert second.transfer_id != first.transfer_id
    refused = await chiyoda.refused(abandon_move_in, chiyoda.giving_back(first))
    assert refused.reason is Reason.TRANSFER_NOT_FOUND


async def test_the_same_request_gets_its_first_answer_and_claims_once(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    command = await chiyoda.by_card()

    first = await chiyoda.do(fetch_transfer, command)
    again = await replace(chiyoda, now=chiyoda.now + timedelta(hours=2)).do(fetch_transfer, command)

    assert again == first


async def test_another_request_with_the_same_id_is_refused(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    command = await chiyoda.by_card()
    await chiyoda.do(fetch_transfer, command)
    other = replace(command, by=ByCard(await chiyoda.session(), MOVED - timedelta(days=1)))

    with pytest.raises(Refusal) as refused:
        await chiyoda.do(fetch_transfer, other)

    assert refused.value.reason is Reason.REQUEST_ID_REUSED


async def test_of_two_destinations_the_first_has_it(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    setagaya = chiyoda.at_window(SETAGAYA)
    await chiyoda.fetch()

    refused = await setagaya.refused(fetch_transfer, await setagaya.by_card())

    assert refused.reason is Reason.MOVE_TAKEN_ELSEWHERE


async def test_what_was_given_back_may_be_fetched_by_anybody(chiyoda: Arrivals) -> None:
    move = await chiyoda.notice(TARO)
    setagaya = chiyoda.at_window(SETAGAYA)

    given_back = (
        await chiyoda.do(abandon_move_in, chiyoda.giving_back(await chiyoda.fetch()))
    ).move
    fetched = await setagaya.fetch()

    assert (given_back.state, given_back.transfer) == (MoveState.NOTIFIED, None)
    assert fetched.move.number == move.number
    told = [AlertKind.TRANSFER_GIVEN_BACK]
    assert (chiyoda.alerts(ORIGIN), chiyoda.alerts(DESTINATION)) == (told, told)


async def test_the_same_destination_may_fetch_again_what_it_gave_back(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    command = chiyoda.giving_back(await chiyoda.fetch())
    await chiyoda.do(abandon_move_in, command)

    again = await chiyoda.fetch()

    assert again.move.state is MoveState.TRANSFERRED
    # The request that was lost on its way gives nothing back a second time.
    assert (await chiyoda.do(abandon_move_in, command)).move.state is MoveState.NOTIFIED
    assert chiyoda.kept(again.move).state is MoveState.TRANSFERRED


async def test_a_correction_that_was_sent_meanwhile_follows_to_the_next_destination(
    chiyoda: Arrivals,
) -> None:
    move = await chiyoda.notice(TARO)
    fetched = await chiyoda.fetch()
    taro = chiyoda.record(TARO)
    sent = Correction(move.number, taro.person, ORIGIN, chiyoda.now, taro.record)
    await chiyoda.store.act(lambda tx: tx.moves.put_correction(sent))
    await chiyoda.do(abandon_move_in, chiyoda.giving_back(fetched))
    # Who has given it back stands in nobody's way, cut off or not.
    await chiyoda.cut_off(DESTINATION)
    setagaya = chiyoda.at_window(SETAGAYA)

    again = [await setagaya.fetch(), await setagaya.fetch()]

    assert [one.move.number for one in again] == [move.number] * 2
    assert chiyoda.store.read(lambda tx: tx.moves.corrections(move)) == [sent]
    assert chiyoda.alerts(SETAGAYA.municipality) == [AlertKind.CORRECTION]


@pytest.mark.parametrize("elsewhere", [True, False])
async def test_nobody_gives_back_what_was_not_fetched_here(
    chiyoda: Arrivals, *, elsewhere: bool
) -> None:
    await chiyoda.notice(TARO)
    fetched = await chiyoda.fetch()
    here = chiyoda.at_window(SETAGAYA) if elsewhere else chiyoda
    transfer_id = fetched.transfer_id if elsewhere else bytes(16)

    refused = await here.refused(abandon_move_in, AbandonMoveIn(here.new_request, transfer_id))

    assert refused.reason is Reason.TRANSFER_NOT_FOUND


async def test_another_counter_of_the_same_municipality_may_give_it_back(
    chiyoda: Arrivals,
) -> None:
    await chiyoda.notice(TARO)
    counter = chiyoda.at_window(CHIYODA_2)

    given_back = await counter.do(abandon_move_in, counter.giving_back(await chiyoda.fetch()))

    assert given_back.move.state is MoveState.NOTIFIED
    assert not given_back.waits


async def test_what_was_registered_is_not_given_back(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    fetched = await chiyoda.fetch()
    await chiyoda.do(register_move_in, chiyoda.move_in(fetched, TARO))

    refused = await chiyoda.refused(abandon_move_in, chiyoda.giving_back(fetched))

    assert (refused.reason, refused.metadata["state"]) == (Reason.NOT_IN_THIS_STATE, "COMPLETED")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (MoveState.LAPSED, Reason.SPECIAL_LAPSED),
        (MoveState.ORDINARY, Reason.SPECIAL_LAPSED),
        (MoveState.CANCELLED, Reason.NO_MOVE_OUT),
        (MoveState.CANCELLED_AFTER, Reason.NO_MOVE_OUT),
    ],
)
async def test_a_notice_that_is_not_open_by_card_opens_nothing(
    chiyoda: Arrivals, state: MoveState, reason: Reason
) -> None:
    await chiyoda.notice(TARO, state=state)

    refused = await chiyoda.refused(fetch_transfer, await chiyoda.by_card())

    assert refused.reason is reason


@pytest.mark.parametrize(
    ("member", "arrived_in", "reason"),
    [
        (MemberState.MOVED, DESTINATION, Reason.MOVE_ALREADY_COMPLETED),
        (MemberState.MOVED, SETAGAYA.municipality, Reason.NO_MOVE_OUT),
        (MemberState.STAYED, DESTINATION, Reason.NO_MOVE_OUT),
    ],
)
async def test_a_move_that_was_made_here_already_is_told_from_one_without_a_notice(
    chiyoda: Arrivals, member: MemberState, arrived_in: MunicipalityCode, reason: Reason
) -> None:
    move = await chiyoda.notice(TARO)
    members = (replace(move.members[0], state=member),)
    await chiyoda.change(
        move, state=MoveState.COMPLETED, arrived_in=arrived_in, moved_on=MOVED, members=members
    )

    refused = await chiyoda.refused(fetch_transfer, await chiyoda.by_card())

    assert refused.reason is reason


async def test_the_origin_is_no_destination(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    origin = chiyoda.at_window(TOKOROZAWA)

    refused = await origin.refused(fetch_transfer, await origin.by_card())

    assert refused.reason is Reason.DESTINATION_IS_ORIGIN


async def test_a_municipality_that_was_not_planned_may_fetch_with_the_card(
    chiyoda: Arrivals,
) -> None:
    await chiyoda.notice(TARO)

    fetched = await chiyoda.at_window(SETAGAYA).fetch()

    assert fetched.move.destination == DESTINATION
    assert fetched.move.transfer is not None
    assert fetched.move.transfer.municipality == SETAGAYA.municipality


@pytest.mark.parametrize(
    ("moved_on", "rule"), [(date(2027, 4, 15), "FUTURE"), (date(2026, 3, 30), "RANGE")]
)
async def test_a_day_on_which_nobody_can_have_moved_is_refused(
    chiyoda: Arrivals, moved_on: date, rule: str
) -> None:
    await chiyoda.notice(TARO)

    refused = await chiyoda.refused(fetch_transfer, await chiyoda.by_card(moved_on=moved_on))

    assert refused.reason is Reason.FIELD_INVALID
    assert refused.metadata == {"field": "by_card.moved_date", "rule": rule}


async def test_only_the_householders_card_counts_where_the_statute_is_taken_by_its_word(
    chiyoda: Arrivals,
) -> None:
    await chiyoda.notice()
    chiyoda.policy = replace(chiyoda.policy, householder_card_only=True)

    refused = await chiyoda.refused(fetch_transfer, await chiyoda.by_card(HANAKO))
    fetched = await chiyoda.fetch(TARO)

    assert refused.reason is Reason.SPECIAL_NOT_POSSIBLE
    assert refused.metadata == {"why": "NOT_THE_HOUSEHOLDERS_CARD"}
    assert len(fetched.persons) == 3


async def _used(chiyoda: Arrivals) -> bytes:
    session = await chiyoda.session()
    await chiyoda.store.act(lambda tx: tx.cards.mark_used(session))
    return session


async def test_a_session_opens_information_once_here_and_for_this(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    late = replace(chiyoda, now=chiyoda.now + timedelta(seconds=301))
    sessions = [
        (chiyoda, bytes(16), Reason.SESSION_NOT_FOUND),
        (chiyoda, await chiyoda.session(purpose=Purpose.PIN_PROOF), Reason.SESSION_NOT_FOUND),
        (chiyoda, await chiyoda.at_window(SETAGAYA).session(), Reason.SESSION_NOT_FOUND),
        (chiyoda, await _used(chiyoda), Reason.SESSION_USED),
        (late, await chiyoda.session(), Reason.SESSION_EXPIRED),
    ]
    for here, session, reason in sessions:
        command = FetchTransfer(here.new_request, ByCard(session, MOVED))

        refused = await here.refused(fetch_transfer, command)

        assert refused.reason is reason


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.SUSPENDED, Reason.CARD_SUSPENDED),
        (CardStatus.REVOKED, Reason.CARD_REVOKED),
        (CardStatus.LAPSED, Reason.CARD_REVOKED),
        (CardStatus.MADE, Reason.CARD_NOT_ACTIVE),
    ],
)
async def test_a_card_that_is_not_good_any_more_opens_nothing(
    chiyoda: Arrivals, status: CardStatus, reason: Reason
) -> None:
    await chiyoda.notice(TARO)
    command = await chiyoda.by_card()
    await chiyoda.set_card(TARO, status)

    refused = await chiyoda.refused(fetch_transfer, command)

    assert refused.reason is reason


async def test_a_card_that_owes_its_pin_or_was_not_continued_opens_nothing(
    chiyoda: Arrivals,
) -> None:
    await chiyoda.notice(TARO)
    command, serial = await chiyoda.by_card(), serial_of(TARO)
    await chiyoda.store.act(lambda tx: tx.cards.set_pin_pending(serial, pending=True))
    pending = await chiyoda.refused(fetch_transfer, command)
    until = chiyoda.now.date() + timedelta(days=9)
    await chiyoda.store.act(lambda tx: tx.cards.set_pin_pending(serial, pending=False))
    await chiyoda.store.act(lambda tx: tx.cards.set_continuation(serial, ORIGIN, until))

    waiting = await chiyoda.refused(fetch_transfer, command)

    assert pending.reason is Reason.CARD_PIN_PENDING
    assert waiting.reason is Reason.CARD_NOT_CONTINUED


async def test_a_card_that_ran_out_since_its_session_opens_nothing(chiyoda: Arrivals) -> None:
    last_minute = replace(
        chiyoda, now=chiyoda.on("2033-08-24").now + timedelta(hours=13, minutes=59)
    )
    await chiyoda.notice(TARO, planned_on=date(2033, 8, 20))
    command = await last_minute.by_card(moved_on=date(2033, 8, 20))
    after = replace(last_minute, now=last_minute.now + timedelta(minutes=2))

    refused = await after.refused(fetch_transfer, command)

    assert refused.reason is Reason.CARD_EXPIRED


@pytest.mark.parametrize("municipality", [ORIGIN, DESTINATION])
async def test_nothing_is_claimed_while_either_book_is_closed(
    chiyoda: Arrivals, municipality: MunicipalityCode
) -> None:
    await chiyoda.notice(TARO)
    claim = await chiyoda.by_card()
    await chiyoda.cut_off(municipality)

    claimed = await chiyoda.refused(fetch_transfer, claim)

    assert claimed.reason is Reason.RESIDENCE_DISCONNECTED


async def test_nothing_is_given_back_while_the_own_book_is_closed(chiyoda: Arrivals) -> None:
    await chiyoda.notice(HANAKO)
    given_back = chiyoda.giving_back(await chiyoda.fetch(HANAKO))
    await chiyoda.cut_off(DESTINATION)

    abandoned = await chiyoda.refused(abandon_move_in, given_back)

    assert abandoned.reason is Reason.RESIDENCE_DISCONNECTED


async def test_a_clerk_without_a_name_is_refused(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    command = await chiyoda.by_card()
    nameless = replace(command, at=replace(command.at, clerk_name=" "))

    refused = await chiyoda.refused(fetch_transfer, nameless)

    assert refused.reason is Reason.CLERK_NAME_REQUIRED


# From 2023-02-06 on


def looking(here: Arrivals, number: MoveNumber) -> FetchTransfer:
    """Return the request to look at an expected move."""
    return FetchTransfer(here.new_request, number)


@pytest.fixture
def expecting(chiyoda: Arrivals) -> Arrivals:
    """Give the window of a destination that is told beforehand."""
    return chiyoda.under(RuleSet.R2023_02_06)


async def test_the_planned_destination_looks_beforehand_and_claims_nothing(
    expecting: Arrivals,
) -> None:
    move = await expecting.notice()

    seen = await expecting.do(fetch_transfer, looking(expecting, move.number))

    assert (seen.transfer_id, seen.last_day) == (b"", None)
    assert len(seen.persons) == 3
    assert expecting.kept(move) == move
    # The holder may still go elsewhere, with the card.
    assert (await expecting.at_window(SETAGAYA).fetch()).transfer_id


async def test_what_was_fetched_here_may_be_looked_at_again(expecting: Arrivals) -> None:
    fetched = await expecting.fetch() if await expecting.notice(TARO) else None
    assert fetched is not None

    seen = await expecting.do(fetch_transfer, looking(expecting, fetched.move.number))

    assert seen.persons == fetched.persons


async def test_nobody_looks_beforehand_under_an_earlier_law(chiyoda: Arrivals) -> None:
    move = await chiyoda.notice(TARO)

    refused = await chiyoda.refused(fetch_transfer, looking(chiyoda, move.number))

    assert refused.reason is Reason.MOVE_NOT_FOUND


@pytest.mark.parametrize("is_known", [True, False])
async def test_another_municipality_learns_nothing_of_an_expected_move(
    expecting: Arrivals, *, is_known: bool
) -> None:
    move = await expecting.notice(TARO)
    setagaya = expecting.at_window(SETAGAYA)
    number = move.number if is_known else MoveNumber.drawn(uuid.uuid4().bytes[:8])

    refused = await setagaya.refused(fetch_transfer, looking(setagaya, number))

    assert (refused.reason, refused.metadata) == (Reason.MOVE_NOT_FOUND, {})


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (MoveState.LAPSED, Reason.SPECIAL_LAPSED),
        (MoveState.ORDINARY, Reason.SPECIAL_LAPSED),
        (MoveState.COMPLETED, Reason.MOVE_ALREADY_COMPLETED),
        (MoveState.CANCELLED, Reason.MOVE_NOT_FOUND),
        (MoveState.CANCELLED_AFTER, Reason.MOVE_NOT_FOUND),
    ],
)
async def test_an_expected_move_that_is_over_is_not_shown(
    expecting: Arrivals, state: MoveState, reason: Reason
) -> None:
    move = await expecting.notice(TARO, state=state)

    refused = await expecting.refused(fetch_transfer, looking(expecting, move.number))

    assert refused.reason is reason


async def test_an_expected_move_that_another_municipality_has_is_not_shown(
    expecting: Arrivals,
) -> None:
    fetched = await _fetched_elsewhere(expecting)

    refused = await expecting.refused(fetch_transfer, looking(expecting, fetched.number))

    assert refused.reason is Reason.MOVE_TAKEN_ELSEWHERE


async def _fetched_elsewhere(expecting: Arrivals) -> Move:
    await expecting.notice(TARO)
    return (await expecting.at_window(SETAGAYA).fetch()).move


@pytest.mark.parametrize("municipality", [ORIGIN, DESTINATION])
async def test_nothing_is_shown_while_either_book_is_closed(
    expecting: Arrivals, municipality: MunicipalityCode
) -> None:
    move = await expecting.notice(TARO)
    await expecting.cut_off(municipality)

    refused = await expecting.refused(fetch_transfer, looking(expecting, move.number))

    assert refused.reason is Reason.RESIDENCE_DISCONNECTED


async def test_the_information_tells_who_comes_back(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO, HANAKO)
    household = chiyoda.record(HANAKO).household
    person = chiyoda.person(HANAKO)

    def lived_here_before(tx: object) -> None:
        for municipality in (DESTINATION, ORIGIN):
            resident = tx.residents.resident(person)  # type: ignore[attr-defined]  # a transaction
            there = replace(resident, municipality=municipality, household=household)
            tx.residents.replace(there)  # type: ignore[attr-defined]  # a transaction

    await chiyoda.store.act(lived_here_before)

    fetched = await chiyoda.fetch()

    assert [one.returns for one in fetched.persons] == [False, True]
