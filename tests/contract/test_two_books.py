"""One person, one chain of versions, several books: each register reads its own and no other."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.commands import GetRecord, ListHousehold
from juki_center.areas.residents.corrections import correct_record
from juki_center.areas.residents.read import get_record, list_household
from juki_center.areas.residents.records import ResidenceState
from juki_center.errors import Reason, Refusal
from juki_center.storage.connection import connect
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.sqlite import SQLiteStore
from juki_center.storage.transaction import Transaction
from tests.contract.test_register_tables import codes
from tests.support.books import NEW_ADDRESS, give_code, move
from tests.support.center import CHIYODA
from tests.support.register_desk import CLERK, TARO, RegisterDesk, code_of, correction

HERE, THERE, ELSEWHERE = "112089", "131016", "131130"
CHILD = "yoshida-sakura"


@pytest.fixture
def there(desk: RegisterDesk) -> RegisterDesk:
    """Return the desk of Chiyoda's register on the same store."""
    return replace(desk, terminal=CHIYODA)


def read(desk: RegisterDesk, code: ResidentCode, *, with_history: bool = True) -> GetRecord:
    """Return a look at a record."""
    return GetRecord(desk.terminal, CLERK, code, with_history=with_history)


def members(desk: RegisterDesk, key: str, *, with_deleted: bool = True) -> ListHousehold:
    """Return a look at a household."""
    return ListHousehold(desk.terminal, CLERK, code_of(key), with_deleted=with_deleted)


async def cut(store: SQLiteStore, municipality: str) -> None:
    """Disconnect a register."""
    code = MunicipalityCode(municipality)
    await store.act(lambda tx: tx.registers.set_connected(code, connected=False))


async def test_the_destination_reads_its_own_versions_and_none_of_the_origins(
    desk: RegisterDesk, there: RegisterDesk
) -> None:
    moved = await move(desk.store, TARO, THERE)

    answer = await there.do(get_record, read(there, code_of(TARO)))

    assert answer.record == moved
    assert answer.earlier == ()
    assert moved.version == 3


async def test_the_origin_reads_the_deleted_record_and_nothing_of_the_new_place(
    desk: RegisterDesk,
) -> None:
    before = desk.record(TARO)
    await move(desk.store, TARO, THERE)

    answer = await desk.do(get_record, read(desk, code_of(TARO)))

    shown = answer.record
    assert (shown.state, shown.version) == (ResidenceState.MOVED_OUT, 2)
    assert (shown.municipality, shown.household) == (before.municipality, before.household)
    assert shown.record == before.record
    assert [one.version for one in answer.earlier] == [1]
    assert NEW_ADDRESS not in repr(answer) + str(shown.record.address)


async def test_a_register_that_never_had_the_person_finds_nobody(desk: RegisterDesk) -> None:
    await move(desk.store, TARO, THERE)
    third = replace(desk, terminal=replace(CHIYODA, municipality=MunicipalityCode(ELSEWHERE)))

    refused = await third.refused(get_record, read(third, code_of(TARO)))

    assert refused.reason is Reason.RESIDENT_NOT_FOUND


async def test_edits_of_somebody_who_lives_elsewhere_find_nobody(desk: RegisterDesk) -> None:
    command = correction(desk, TARO, address="所沢市並木１番２")
    await move(desk.store, TARO, THERE)

    refused = await desk.refused(correct_record, command)

    assert refused.reason is Reason.RESIDENT_NOT_FOUND


async def test_a_code_given_at_the_new_place_is_nobodys_at_the_origin(
    desk: RegisterDesk, there: RegisterDesk
) -> None:
    (new,) = codes(1)
    await move(desk.store, TARO, THERE)
    await give_code(desk.store, TARO, new)

    by_old = await desk.do(get_record, read(desk, code_of(TARO)))
    by_new = await desk.refused(get_record, read(desk, new))
    there_by_old = await there.refused(get_record, read(there, code_of(TARO)))

    assert by_old.record.state is ResidenceState.MOVED_OUT
    assert by_old.record.record.code == code_of(TARO)
    assert by_new.reason is Reason.RESIDENT_NOT_FOUND
    assert there_by_old.reason is Reason.CODE_CHANGED


async def test_a_former_code_in_the_origins_own_book_stays_a_changed_one(
    desk: RegisterDesk,
) -> None:
    (new,) = codes(1)
    await give_code(desk.store, TARO, new)
    await move(desk.store, TARO, THERE)

    refused = await desk.refused(get_record, read(desk, code_of(TARO)))

    assert refused.reason is Reason.CODE_CHANGED
    answer = await desk.do(get_record, read(desk, new))
    assert [one.version for one in answer.earlier] == [2, 1]


@pytest.mark.parametrize("disconnected", [HERE, THERE])
async def test_each_side_reads_its_own_book_while_the_other_is_cut_off(
    desk: RegisterDesk, there: RegisterDesk, disconnected: str
) -> None:
    await move(desk.store, TARO, THERE)
    await cut(desk.store, disconnected)
    open_desk, closed = (there, desk) if disconnected == HERE else (desk, there)

    answer = await open_desk.do(get_record, read(open_desk, code_of(TARO)))
    refused = await closed.refused(get_record, read(closed, code_of(TARO)))

    assert str(answer.record.municipality) != disconnected
    assert refused.reason is Reason.RESIDENCE_DISCONNECTED


async def test_a_returning_resident_has_the_older_stay_in_the_history_and_not_what_lay_between(
    desk: RegisterDesk, there: RegisterDesk
) -> None:
    await move(desk.store, TARO, THERE)
    back = await move(desk.store, TARO, HERE)

    answer = await desk.do(get_record, read(desk, code_of(TARO)))
    left = await there.do(get_record, read(there, code_of(TARO)))

    assert answer.record == back
    assert [one.version for one in answer.earlier] == [2, 1]
    assert (left.record.state, left.record.version) == (ResidenceState.MOVED_OUT, 4)
    assert [one.version for one in left.earlier] == [3]


async def test_a_moved_member_stands_among_the_deleted_ones_of_the_household_that_was_left(
    desk: RegisterDesk,
) -> None:
    await move(desk.store, CHILD, THERE)

    whole = await desk.do(list_household, members(desk, TARO))
    alive = await desk.do(list_household, members(desk, TARO, with_deleted=False))
    of_moved = await desk.do(list_household, members(desk, CHILD))

    child = next(one for one in whole.records if one.record.code == code_of(CHILD))
    assert (child.state, child.version) == (ResidenceState.MOVED_OUT, 2)
    assert str(child.municipality) == HERE
    assert code_of(CHILD) not in {one.record.code for one in alive.records}
    assert of_moved == whole


async def test_a_member_who_came_back_stands_in_the_new_household_alone(
    desk: RegisterDesk,
) -> None:
    await move(desk.store, CHILD, THERE)
    await move(desk.store, CHILD, HERE)

    whole = await desk.do(list_household, members(desk, TARO))
    own = await desk.do(list_household, members(desk, CHILD))

    assert code_of(CHILD) not in {one.record.code for one in whole.records}
    assert [one.version for one in own.records] == [5]


async def test_of_two_stays_only_the_last_household_shows_the_person(desk: RegisterDesk) -> None:
    await move(desk.store, CHILD, THERE)
    again = await move(desk.store, CHILD, HERE)
    await move(desk.store, CHILD, THERE)

    first = await desk.do(list_household, members(desk, TARO))
    second = desk.store.read(
        lambda tx: tx.residents.household(MunicipalityCode(HERE), again.household)
    )

    assert code_of(CHILD) not in {one.record.code for one in first.records}
    assert [(one.state, one.version) for one in second] == [(ResidenceState.MOVED_OUT, 6)]


async def test_an_edits_first_answer_is_given_again_after_the_person_has_moved(
    desk: RegisterDesk,
) -> None:
    command = correction(desk, TARO, address="所沢市並木１番２")
    first = await desk.do(correct_record, command)
    await move(desk.store, TARO, THERE)
    await cut(desk.store, THERE)

    again = await desk.do(correct_record, command)

    assert again == first
    assert again.record.version == 2


async def test_one_version_is_opened_in_whichever_book_it_is(desk: RegisterDesk) -> None:
    moved = await move(desk.store, TARO, THERE)

    opened = [
        desk.store.read(lambda tx, number=number: tx.residents.version(moved.person, number))
        for number in (1, 2, 3)
    ]

    assert [(one.version, str(one.municipality)) for one in opened] == [
        (1, HERE),
        (2, HERE),
        (3, THERE),
    ]
    with pytest.raises(LookupError):
        desk.store.read(lambda tx: tx.residents.version(moved.person, 4))


async def test_the_last_own_version_is_found_up_to_a_number(desk: RegisterDesk) -> None:
    moved = await move(desk.store, TARO, THERE)

    def last(whose: str, until: int | None = None) -> int | None:
        code = MunicipalityCode(whose)
        found = desk.store.read(lambda tx: tx.residents.own_last(moved.person, code, until))
        return found.version if found else None

    assert (last(HERE), last(HERE, 1), last(HERE, 3)) == (2, 1, 2)
    assert (last(THERE), last(THERE, 2)) == (3, None)
    assert last(ELSEWHERE) is None


async def test_the_same_questions_are_asked_for_every_code(
    desk: RegisterDesk, folder: Path
) -> None:
    """What is refused takes the same statements for a stranger as for nobody."""
    await move(desk.store, TARO, THERE)
    third = replace(desk, terminal=replace(CHIYODA, municipality=MunicipalityCode(ELSEWHERE)))

    def asked(code: ResidentCode) -> list[str]:
        seen: list[str] = []
        with closing(connect(folder / "center.db")) as sql:
            tx = Transaction(sql, KeyEncryptionKey.load(folder / "kek"))
            sql.set_trace_callback(lambda text: seen.append(text.split("WHERE")[0]))
            with pytest.raises(Refusal):
                get_record(tx, read(third, code), third.now, third.policy)
        return seen

    assert asked(code_of(TARO)) == asked(codes(1)[0])
