"""What the origin writes of a person between notice and move in, as the destination meets it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.commands import GetRecord, RegisterDeath
from juki_center.areas.residents.deletions import register_death
from juki_center.areas.residents.read import get_record
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.areas.residents.rules import checked
from juki_center.areas.residents.updates import Outcome, Update, UpdateReason
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    DESTINATION,
    HANAKO,
    NOTIFIED,
    ORIGIN,
    SAKURA,
    TARO,
    Arrivals,
    code_of,
)
from tests.support.updates import Register

DAY = parse_date("令和9年4月10日")


@pytest.fixture
def chiyoda(store: SQLiteStore) -> Arrivals:
    """Give the window of the planned destination."""
    return Arrivals(store)


@pytest.fixture
def home(store: SQLiteStore) -> Register:
    """Give the origin's register on the same day."""
    return Register(store, now=NOTIFIED)


async def left(home: Register, key: str) -> Outcome:
    """Let the origin's own system say that somebody has moved out."""
    resident = home.record(key)
    applied = await home.apply(
        Update(
            ORIGIN,
            "0001",
            resident.version + 1,
            ResidenceState.MOVED_OUT,
            checked(resident.record),
            UpdateReason(ChangeReason.MOVE_OUT, DAY),
        )
    )
    return applied.outcome


async def test_a_departure_by_the_own_system_is_the_only_one_of_the_move(
    chiyoda: Arrivals, home: Register
) -> None:
    await chiyoda.notice()
    fetched = await chiyoda.fetch()

    assert await left(home, HANAKO) is Outcome.APPLIED
    answer = await chiyoda.do(register_move_in, chiyoda.move_in(fetched))

    assert [one.record.version for one in answer.registered] == [3, 3, 3]
    departure = chiyoda.history(HANAKO)[1]
    assert departure.change is not None
    assert (departure.municipality, departure.change.date) == (ORIGIN, DAY)
    assert answer.move.state is MoveState.COMPLETED


async def test_a_departure_by_the_own_system_is_undone_for_who_stays(
    chiyoda: Arrivals, home: Register
) -> None:
    await chiyoda.notice()
    await left(home, HANAKO)
    fetched = await chiyoda.fetch()

    await chiyoda.do(register_move_in, chiyoda.move_in(fetched, TARO, SAKURA))

    assert chiyoda.where(HANAKO) == (ORIGIN, ResidenceState.ACTIVE)


async def test_after_a_death_the_information_is_fetched_again_and_the_others_move(
    chiyoda: Arrivals, home: Register
) -> None:
    notice = await chiyoda.notice()
    fetched = await chiyoda.fetch()
    await home.do(register_death, RegisterDeath(home.edit(HANAKO), DAY))

    outdated = await chiyoda.refused(register_move_in, chiyoda.move_in(fetched, TARO, SAKURA))
    again = await chiyoda.fetch()
    await chiyoda.do(register_move_in, chiyoda.move_in(again, TARO, SAKURA))

    assert outdated.reason is Reason.TRANSFER_OUTDATED
    assert code_of(HANAKO) not in {one.record.code for one in again.persons}
    assert [one.state for one in chiyoda.kept(notice).members] == [
        MemberState.MOVED,
        MemberState.GONE,
        MemberState.MOVED,
    ]
    assert chiyoda.where(HANAKO) == (ORIGIN, ResidenceState.DECEASED)


async def test_after_the_last_members_death_nobody_is_entered(
    chiyoda: Arrivals, home: Register
) -> None:
    await chiyoda.notice(TARO)
    fetched = await chiyoda.fetch()
    await home.do(register_death, RegisterDeath(home.edit(TARO), DAY))

    refused = await chiyoda.refused(register_move_in, chiyoda.move_in(fetched, TARO))

    assert refused.reason is Reason.MOVE_WITHDRAWN
    assert chiyoda.where(TARO) == (ORIGIN, ResidenceState.DECEASED)


async def test_the_origin_still_reads_its_deleted_record_after_the_move_in(
    chiyoda: Arrivals, home: Register
) -> None:
    before = home.record(TARO)
    await chiyoda.moved_in()
    await chiyoda.cut_off(DESTINATION)

    command = GetRecord(home.terminal, "係", code_of(TARO), with_history=True)
    answer = await home.do(get_record, command)

    assert answer.record == replace(
        before, state=ResidenceState.MOVED_OUT, version=2, change=answer.record.change
    )
    assert list(answer.earlier) == [before]
