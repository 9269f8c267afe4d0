"""A move in with fetched information: what must still hold of it, the card and the persons."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.commands import (
    Arrival,
    Fetched,
)
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.moves.transfers import abandon_move_in
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.locks import EditLock
from juki_center.areas.residents.records import ResidenceState
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    CLERK,
    DESTINATION,
    HANAKO,
    NEW_CODE,
    ORIGIN,
    SAKURA,
    SETAGAYA,
    TARO,
    Arrivals,
    code_of,
)
from tests.support.center import CHIYODA_2, TOKOROZAWA, serial_of

ACTIVE = ResidenceState.ACTIVE


@pytest.fixture
def chiyoda(store: SQLiteStore) -> Arrivals:
    """Give the window of the planned destination."""
    return Arrivals(store)


# Fetched information


async def test_case_22_midnight_between_fetch_and_registration_counts(chiyoda: Arrivals) -> None:
    """Case 22: fetched on 15 April, the last day; on the 16th refused by DEADLINE_14."""
    await chiyoda.notice()
    last_day = chiyoda.on("2027-04-15")
    command = last_day.move_in(await last_day.fetch())

    refused = await chiyoda.on("2027-04-16").refused(register_move_in, command)
    answer = await last_day.do(register_move_in, replace(command, at=last_day.new_request))

    assert (refused.reason, refused.metadata) == (Reason.DEADLINE_14, {"lastDay": "2027-04-15"})
    assert answer.move.state is MoveState.COMPLETED


async def test_case_22_the_thirty_days_count_at_the_registration_too(chiyoda: Arrivals) -> None:
    """Case 22: moved on 25 April, fetched on the 30th; on 1 May refused by DEADLINE_30."""
    await chiyoda.notice()
    last_day = chiyoda.on("2027-04-30")
    command = last_day.move_in(await last_day.fetch(moved_on=date(2027, 4, 25)))

    refused = await chiyoda.on("2027-05-01").refused(register_move_in, command)

    assert (refused.reason, refused.metadata) == (Reason.DEADLINE_30, {"lastDay": "2027-04-30"})


async def test_another_counter_may_register_what_was_fetched(chiyoda: Arrivals) -> None:
    await chiyoda.notice()
    counter = chiyoda.at_window(CHIYODA_2)

    answer = await counter.do(register_move_in, counter.move_in(await chiyoda.fetch()))

    assert answer.move.arrived_in == DESTINATION


async def test_nobody_registers_what_was_not_fetched_here(chiyoda: Arrivals) -> None:
    await chiyoda.notice()
    fetched = await chiyoda.fetch()
    setagaya = chiyoda.at_window(SETAGAYA)
    unknown = chiyoda.move_in(fetched, ground=Fetched(bytes(16), 1))

    refused = [
        await setagaya.refused(register_move_in, setagaya.move_in(fetched)),
        await chiyoda.refused(register_move_in, unknown),
    ]

    assert [one.reason for one in refused] == [Reason.TRANSFER_NOT_FOUND] * 2


async def test_nobody_registers_what_was_given_back(chiyoda: Arrivals) -> None:
    await chiyoda.notice()
    fetched = await chiyoda.fetch()
    await chiyoda.do(abandon_move_in, chiyoda.giving_back(fetched))

    refused = await chiyoda.refused(register_move_in, chiyoda.move_in(fetched))

    assert refused.reason is Reason.TRANSFER_NOT_FOUND


async def test_another_version_of_the_notice_is_outdated(chiyoda: Arrivals) -> None:
    move = await chiyoda.notice()
    command = chiyoda.move_in(await chiyoda.fetch())
    await chiyoda.change(move, version=2)

    refused = await chiyoda.refused(register_move_in, command)

    assert refused.reason is Reason.TRANSFER_OUTDATED


@pytest.mark.parametrize("has_departed", [True, False])
async def test_a_record_that_was_changed_since_the_fetch_is_outdated(
    chiyoda: Arrivals, *, has_departed: bool
) -> None:
    move = await chiyoda.notice()
    command = chiyoda.move_in(await chiyoda.fetch())
    await chiyoda.change_record(HANAKO, kana="ヨシダ　ハナ")
    if has_departed:
        await chiyoda.day_has_come(move)

    refused = await chiyoda.refused(register_move_in, command)

    assert refused.reason is Reason.TRANSFER_OUTDATED


async def test_an_own_system_that_changes_entries_on_leaving_makes_them_outdated(
    chiyoda: Arrivals,
) -> None:
    move = await chiyoda.notice(TARO)
    command = chiyoda.move_in(await chiyoda.fetch(), TARO)
    taro = chiyoda.record(TARO)
    left = replace(
        taro,
        state=ResidenceState.MOVED_OUT,
        record=replace(taro.record, kana="ヨシダ　タロ"),
    )
    await chiyoda.store.act(lambda tx: tx.residents.replace(left))
    # What following that entry in the notice makes of it.
    await chiyoda.change(move, members=(replace(move.members[0], left_version=2),), departed=True)

    refused = await chiyoda.refused(register_move_in, command)

    assert refused.reason is Reason.TRANSFER_OUTDATED


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (MoveState.COMPLETED, Reason.MOVE_ALREADY_COMPLETED),
        (MoveState.CANCELLED, Reason.MOVE_WITHDRAWN),
        (MoveState.CANCELLED_AFTER, Reason.NOT_IN_THIS_STATE),
    ],
)
async def test_a_move_that_has_ended_is_not_registered(
    chiyoda: Arrivals, state: MoveState, reason: Reason
) -> None:
    move = await chiyoda.notice()
    command = chiyoda.move_in(await chiyoda.fetch())
    await chiyoda.change(move, state=state)

    refused = await chiyoda.refused(register_move_in, command)

    assert refused.reason is reason


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.SUSPENDED, Reason.CARD_SUSPENDED),
        (CardStatus.REVOKED, Reason.CARD_REVOKED),
        (CardStatus.LAPSED, Reason.CARD_REVOKED),
        (CardStatus.RETURNED, Reason.CARD_REVOKED),
    ],
)
async def test_a_card_that_ended_since_the_fetch_opens_nothing(
    chiyoda: Arrivals, status: CardStatus, reason: Reason
) -> None:
    await chiyoda.notice()
    command = chiyoda.move_in(await chiyoda.fetch())
    await chiyoda.set_card(TARO, status)

    refused = await chiyoda.refused(register_move_in, command)

    assert refused.reason is reason


async def test_a_card_that_owes_its_pin_or_waits_opens_nothing(chiyoda: Arrivals) -> None:
    await chiyoda.notice()
    command, serial = chiyoda.move_in(await chiyoda.fetch()), serial_of(TARO)
    await chiyoda.store.act(lambda tx: tx.cards.set_pin_pending(serial, pending=True))
    pending = await chiyoda.refused(register_move_in, command)
    await chiyoda.store.act(lambda tx: tx.cards.set_pin_pending(serial, pending=False))
    until = date(2027, 5, 1)
    await chiyoda.store.act(lambda tx: tx.cards.set_continuation(serial, ORIGIN, until))

    waiting = await chiyoda.refused(register_move_in, command)

    assert (pending.reason, waiting.reason) == (
        Reason.CARD_PIN_PENDING,
        Reason.CARD_NOT_CONTINUED,
    )


async def test_a_card_that_ran_out_since_the_fetch_opens_nothing(chiyoda: Arrivals) -> None:
    await chiyoda.notice(planned_on=date(2033, 8, 20))
    last_day = chiyoda.on("2033-08-24")
    command = last_day.move_in(await last_day.fetch(moved_on=date(2033, 8, 20)))

    refused = await chiyoda.on("2033-08-25").refused(register_move_in, command)

    assert refused.reason is Reason.CARD_EXPIRED


async def test_the_cards_holder_must_be_among_those_who_have_come(chiyoda: Arrivals) -> None:
    await chiyoda.notice()

    refused = await chiyoda.refused(
        register_move_in, chiyoda.move_in(await chiyoda.fetch(), HANAKO, SAKURA)
    )

    assert refused.reason is Reason.CARD_HOLDER_NOT_MOVING


# Who has come


@pytest.mark.parametrize("other", ["takahashi-ichiro", "kamiya-jun", "nobody"])
async def test_nobody_comes_whom_the_notice_does_not_name(chiyoda: Arrivals, other: str) -> None:
    await chiyoda.notice(TARO)
    command = chiyoda.move_in(await chiyoda.fetch(), TARO)
    code = NEW_CODE if other == "nobody" else code_of(other)
    arrivals = (*command.arrivals, Arrival(code, 1, "同居人"))

    refused = await chiyoda.refused(register_move_in, replace(command, arrivals=arrivals))

    assert refused.reason is Reason.NOT_OF_THE_MOVE


async def test_who_has_gone_from_the_notice_does_not_come(chiyoda: Arrivals) -> None:
    move = await chiyoda.notice()
    command = chiyoda.move_in(await chiyoda.fetch())
    members = (*move.members[:2], replace(move.members[2], state=MemberState.GONE))
    await chiyoda.change(move, members=members)

    refused = await chiyoda.refused(register_move_in, command)

    assert refused.reason is Reason.NOT_OF_THE_MOVE


@pytest.mark.parametrize(("count", "rule"), [(0, "RANGE_1_20"), (2, "TWICE"), (21, "RANGE_1_20")])
async def test_everybody_is_ticked_once_and_twenty_at_most(
    chiyoda: Arrivals, count: int, rule: str
) -> None:
    await chiyoda.notice(TARO)
    command = chiyoda.move_in(await chiyoda.fetch(), TARO)

    refused = await chiyoda.refused(
        register_move_in, replace(command, arrivals=command.arrivals * count)
    )

    assert refused.metadata == {"field": "arrivals", "rule": rule}


@pytest.mark.parametrize("key", [HANAKO, SAKURA])
async def test_a_record_that_somebody_edits_is_not_moved(chiyoda: Arrivals, key: str) -> None:
    """The edit lock of a person who stays counts too: the record may have to be restored."""
    await chiyoda.notice()
    until = chiyoda.now + timedelta(minutes=9)
    lock = EditLock(chiyoda.person(key), bytes(16), TOKOROZAWA.uri, CLERK, until)
    await chiyoda.store.act(lambda tx: tx.locks.put(lock))
    command = chiyoda.move_in(await chiyoda.fetch(), TARO, HANAKO)

    refused = await chiyoda.refused(register_move_in, command)
    after = replace(chiyoda, now=until)
    answer = await after.do(register_move_in, replace(command, at=after.new_request))

    assert (refused.reason, refused.metadata) == (
        Reason.RECORD_LOCKED,
        {"until": until.isoformat()},
    )
    assert answer.move.state is MoveState.COMPLETED


async def test_a_record_that_was_deleted_otherwise_is_not_moved(chiyoda: Arrivals) -> None:
    move = await chiyoda.paper_notice(TARO)
    await chiyoda.set_state(TARO, ResidenceState.DECEASED)

    refused = await chiyoda.refused(register_move_in, chiyoda.by_paper(move, TARO))

    assert (refused.reason, refused.metadata["state"]) == (Reason.NOT_IN_THIS_STATE, "DECEASED")


@pytest.mark.parametrize("is_by_card", [True, False])
@pytest.mark.parametrize("municipality", [ORIGIN, DESTINATION])
async def test_nothing_is_written_while_either_book_is_closed(
    chiyoda: Arrivals, municipality: MunicipalityCode, *, is_by_card: bool
) -> None:
    if is_by_card:
        await chiyoda.notice()
        command = chiyoda.move_in(await chiyoda.fetch())
    else:
        command = chiyoda.by_paper(await chiyoda.paper_notice())
    await chiyoda.cut_off(municipality)

    refused = await chiyoda.refused(register_move_in, command)

    assert refused.reason is Reason.RESIDENCE_DISCONNECTED


async def test_a_clerk_without_a_name_is_refused(chiyoda: Arrivals) -> None:
    await chiyoda.notice()
    command = chiyoda.move_in(await chiyoda.fetch())

    refused = await chiyoda.refused(
        register_move_in, replace(command, at=replace(command.at, clerk_name=""))
    )

    assert refused.reason is Reason.CLERK_NAME_REQUIRED


async def test_the_log_of_a_refusal_says_whose_move_it_was(chiyoda: Arrivals) -> None:
    move = await chiyoda.notice()

    refused = await chiyoda.refused(
        register_move_in, chiyoda.move_in(await chiyoda.fetch(), HANAKO, SAKURA)
    )

    assert refused.event.event is Event.MOVE_REFUSED
    assert refused.event.subjects == move.persons
    assert refused.event.resource == move.number
