"""Leaving the origin's book and being in it again: further versions, with days and notices."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.moves.departures import (
    Entry,
    depart,
    depart_moving,
    departed_persons,
    present,
    restore,
    restore_members,
)
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import Move, MoveMember
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.ports import Tx
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import (
    ChangeReason,
    ProtectiveMeasure,
    ResidenceState,
    Resident,
)
from juki_center.errors import NotAllowed
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES

TARO, HANAKO = "yoshida-taro", "yoshida-hanako"
PLANNED = date(2026, 11, 20)
BY_CLERK = Entry(NOW, "佐藤　花")


def found(tx: Tx, key: str = TARO) -> Resident:
    """Return a sample resident's record."""
    where = tx.residents.by_code(SAMPLES[key].record.code)
    assert where is not None
    return tx.residents.resident(where.person)


def move_of(*members: MoveMember) -> Move:
    """Return a special move of these members, as planned."""
    return Move(
        number=MoveNumber.drawn(bytes(8)),
        origin=MunicipalityCode("112089"),
        destination=MunicipalityCode("131016"),
        kind=MoveKind.SPECIAL,
        state=MoveState.NOTIFIED,
        version=1,
        planned_on=PLANNED,
        notified_on=PLANNED,
        filed_at=NOW,
        members=members,
    )


async def test_who_departs_has_moved_out_on_the_given_day_and_keeps_the_entries(
    store: SQLiteStore,
) -> None:
    before = store.read(found)

    written = await store.act(lambda tx: depart(tx, found(tx), BY_CLERK, day=PLANNED))

    assert store.read(found) == written
    assert (written.state, written.version) == (ResidenceState.MOVED_OUT, before.version + 1)
    assert (written.record, written.household) == (before.record, before.household)
    change = written.change
    assert change is not None
    assert (change.reason, change.date) == (ChangeReason.MOVE_OUT, parse_date("令和8年11月20日"))
    assert (change.recorded_at, change.clerk_name) == (NOW, BY_CLERK.clerk_name)


async def test_a_departure_and_its_end_are_noticed_and_end_no_card(store: SQLiteStore) -> None:
    def there_and_back(tx: Tx) -> Resident:
        departed = depart(tx, found(tx), BY_CLERK, day=PLANNED)
        return restore(tx, departed, BY_CLERK, cancels=departed.version)

    cards = store.read(lambda tx: tx.cards.of_person(found(tx).person))
    first = store.read(lambda tx: tx.changes.last_position())

    back = await store.act(there_and_back)

    notices = store.read(lambda tx: [tx.changes.at(first + one) for one in (1, 2)])
    assert [one.reason for one in notices] == [ChangeReason.MOVE_OUT, ChangeReason.CANCELLATION]
    assert store.read(lambda tx: tx.cards.of_person(back.person)) == cards


async def test_who_is_restored_is_there_as_before_and_the_entry_names_what_it_cancels(
    store: SQLiteStore,
) -> None:
    before = store.read(found)
    departed = await store.act(lambda tx: depart(tx, found(tx), BY_CLERK, day=PLANNED))

    back = await store.act(
        lambda tx: restore(tx, found(tx), Entry(NOW + timedelta(days=9)), cancels=departed.version)
    )

    assert replace(back, version=before.version, change=before.change) == before
    assert back.version == before.version + 2
    assert back.change is not None
    assert (back.change.reason, back.change.cancels) == (
        ChangeReason.CANCELLATION,
        departed.version,
    )
    assert back.change.date == parse_date("令和8年12月2日")
    history = store.read(lambda tx: tx.residents.earlier(back, 9))
    assert [one.state for one in history][:2] == [ResidenceState.MOVED_OUT, ResidenceState.ACTIVE]


async def test_a_measure_that_was_begun_after_the_departure_is_not_lost_with_it(
    store: SQLiteStore,
) -> None:
    departed = await store.act(lambda tx: depart(tx, found(tx), BY_CLERK, day=PLANNED))
    measure = ProtectiveMeasure()

    def protect(tx: Tx) -> None:
        tx.residents.replace(replace(departed, record=replace(departed.record, measure=measure)))

    await store.act(protect)

    back = await store.act(lambda tx: restore(tx, found(tx), BY_CLERK, cancels=departed.version))

    assert back.record.measure == measure
    assert back.version == departed.version + 2


async def test_nobody_departs_twice_and_nobody_is_restored_who_is_there(
    store: SQLiteStore,
) -> None:
    with pytest.raises(NotAllowed):
        await store.act(lambda tx: restore(tx, found(tx), BY_CLERK, cancels=1))
    await store.act(lambda tx: depart(tx, found(tx), BY_CLERK, day=PLANNED))
    with pytest.raises(NotAllowed):
        await store.act(lambda tx: depart(tx, found(tx), BY_CLERK, day=PLANNED))


async def test_of_a_notice_depart_those_who_are_still_to_move(store: SQLiteStore) -> None:
    taro, hanako = (store.read(lambda tx, key=key: found(tx, key)) for key in (TARO, HANAKO))
    move = move_of(MoveMember(taro.person), MoveMember(hanako.person, MemberState.GONE))

    departed = await store.act(lambda tx: depart_moving(tx, move, BY_CLERK))
    again = await store.act(lambda tx: depart_moving(tx, departed, BY_CLERK))

    assert departed.departed
    assert [one.left_version for one in departed.members] == [taro.version + 1, 0]
    assert (present(move), departed_persons(move)) == ((taro.person,), ())
    assert (present(departed), departed_persons(departed)) == ((), (taro.person,))
    assert again == departed
    assert store.read(lambda tx: found(tx, HANAKO)) == hanako


async def test_a_notice_that_came_too_late_deletes_ex_officio(store: SQLiteStore) -> None:
    move = move_of(MoveMember(store.read(found).person))

    await store.act(
        lambda tx: depart_moving(tx, move, BY_CLERK, reason=ChangeReason.DELETION_EX_OFFICIO)
    )

    written = store.read(found)
    assert written.state is ResidenceState.MOVED_OUT
    assert written.change is not None
    assert written.change.reason is ChangeReason.DELETION_EX_OFFICIO


async def test_only_those_named_who_have_departed_are_restored(store: SQLiteStore) -> None:
    taro, hanako = (store.read(lambda tx, key=key: found(tx, key)) for key in (TARO, HANAKO))
    move = move_of(MoveMember(taro.person), MoveMember(hanako.person))
    departed = await store.act(lambda tx: depart_moving(tx, move, BY_CLERK))

    after = await store.act(lambda tx: restore_members(tx, departed, (taro.person,), BY_CLERK))

    states = [store.read(lambda tx, key=key: found(tx, key)).state for key in (TARO, HANAKO)]
    assert states == [ResidenceState.ACTIVE, ResidenceState.MOVED_OUT]
    assert [one.left_version for one in after.members] == [0, hanako.version + 1]
    assert await store.act(lambda tx: restore_members(tx, after, (taro.person,), BY_CLERK)) == after
