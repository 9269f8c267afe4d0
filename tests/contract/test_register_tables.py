"""Stocks of codes, edit locks, change notices, held updates: what every store keeps of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from juki_center.areas.residents.changes import ChangeNotice, Item
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import (
    MunicipalityCode,
    ResidentCode,
    is_issuable,
    resident_check_digit,
)
from juki_center.areas.residents.locks import LOCKED_FOR, EditLock
from juki_center.areas.residents.records import ChangeReason, PersonID, ResidenceState
from juki_center.areas.residents.rules import checked
from juki_center.areas.residents.updates import Update, UpdateReason
from juki_center.errors import KeyUnusable, Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES
from tests.support.rows import change, number, rows

TOKOROZAWA = MunicipalityCode("112089")
CHIYODA = MunicipalityCode("131016")
TERMINAL = "juki://municipality/112089/terminal/01"
SAMPLE = SAMPLES["yoshida-taro"]


def codes(count: int, first: int = 3_000_000_000) -> list[ResidentCode]:
    """Return codes that no sample has."""
    bodies = (str(body) for body in range(first, first + 2 * count))
    found = (ResidentCode(body + resident_check_digit(body)) for body in bodies)
    return [code for code in found if is_issuable(code)][:count]


def person_of(store: SQLiteStore, key: str = "yoshida-taro") -> PersonID:
    """Return a sample resident's person."""
    found = store.read(lambda tx: tx.residents.by_code(SAMPLES[key].record.code))
    assert found is not None
    return found.person


async def test_a_stock_gives_each_of_its_codes_once_and_is_empty_then(store: SQLiteStore) -> None:
    stocked = codes(20)
    assert await store.act(lambda tx: tx.codes.add(TOKOROZAWA, stocked)) == 20

    drawn = [await store.act(lambda tx: tx.codes.draw(TOKOROZAWA)) for _ in range(20)]

    assert sorted(code.digits for code in drawn if code) == [code.digits for code in stocked]
    assert [code.digits for code in drawn if code] != [code.digits for code in stocked]
    assert await store.act(lambda tx: tx.codes.draw(TOKOROZAWA)) is None
    assert store.read(lambda tx: tx.codes.count(TOKOROZAWA)) == 0


async def test_parallel_draws_never_give_a_code_twice(store: SQLiteStore) -> None:
    await store.act(lambda tx: tx.codes.add(TOKOROZAWA, codes(900)))

    drawn = await asyncio.gather(
        *(store.act(lambda tx: tx.codes.draw(TOKOROZAWA)) for _ in range(1_000))
    )

    given = [code.digits for code in drawn if code is not None]
    assert len(given) == len(set(given)) == 900
    assert drawn.count(None) == 100


async def test_a_code_that_anybody_has_had_or_has_in_stock_is_left_out(store: SQLiteStore) -> None:
    new, old, fresh, free = codes(4)
    person = person_of(store)
    resident = store.read(lambda tx: tx.residents.resident(person))
    changed = replace(resident.record, code=new, former_codes=(old, resident.record.code))
    await store.act(lambda tx: tx.residents.replace(replace(resident, record=changed)))
    await store.act(lambda tx: tx.codes.add(CHIYODA, [fresh]))

    offered = [new, old, resident.record.code, fresh, free, free]
    added = await store.act(lambda tx: tx.codes.add(TOKOROZAWA, offered))

    assert added == store.read(lambda tx: tx.codes.count(TOKOROZAWA)) == 1
    assert await store.act(lambda tx: tx.codes.draw(TOKOROZAWA)) == free


async def test_a_code_in_stock_is_nobodys(store: SQLiteStore) -> None:
    (code,) = codes(1)

    await store.act(lambda tx: tx.codes.add(TOKOROZAWA, [code]))

    assert store.read(lambda tx: tx.residents.by_code(code)) is None
    assert store.read(lambda tx: tx.residents.by_former_code(code)) is None


async def test_a_drawn_code_can_be_entered_and_an_undone_draw_puts_it_back(
    store: SQLiteStore,
) -> None:
    (code,) = codes(1)
    await store.act(lambda tx: tx.codes.add(TOKOROZAWA, [code]))

    with pytest.raises(ZeroDivisionError):
        await store.act(lambda tx: (tx.codes.draw(TOKOROZAWA), 1 // 0))
    assert store.read(lambda tx: tx.codes.count(TOKOROZAWA)) == 1
    record = replace(SAMPLE.record, code=code)
    await store.act(
        lambda tx: tx.residents.enter(
            TOKOROZAWA,
            tx.residents.new_household(),
            replace(record, code=tx.codes.draw(TOKOROZAWA) or record.code),
        )
    )

    assert store.read(lambda tx: tx.residents.by_code(code)) is not None
    assert await store.act(lambda tx: tx.codes.add(TOKOROZAWA, [code])) == 0


async def test_a_disconnected_municipality_gives_no_code_and_takes_none(
    store: SQLiteStore,
) -> None:
    await store.act(lambda tx: tx.codes.add(TOKOROZAWA, codes(2)))
    await store.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=False))

    for attempt in (
        lambda tx: tx.codes.draw(TOKOROZAWA),
        lambda tx: tx.codes.add(TOKOROZAWA, codes(1, 4_000_000_000)),
    ):
        with pytest.raises(Refusal) as refused:
            await store.act(attempt)
        assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED
    assert store.read(lambda tx: tx.codes.count(TOKOROZAWA)) == 2


async def test_a_code_in_another_municipalitys_stock_does_not_open(store: SQLiteStore) -> None:
    await store.act(lambda tx: tx.codes.add(TOKOROZAWA, codes(1)))
    change(store, "UPDATE code_stock SET municipality = ?", str(CHIYODA))

    with pytest.raises(KeyUnusable):
        await store.act(lambda tx: tx.codes.draw(CHIYODA))


def lock(store: SQLiteStore, key: str = "yoshida-taro", octet: bytes = b"l") -> EditLock:
    """Return a lock that is not in the store."""
    person = person_of(store, key)
    return EditLock(person, octet * 16, TERMINAL, "窓口\u3000案内子", NOW + LOCKED_FOR)


async def test_a_lock_is_found_replaced_and_removed_by_its_holder_alone(store: SQLiteStore) -> None:
    first, second = lock(store), lock(store, octet=b"m")

    await store.act(lambda tx: tx.locks.put(first))
    assert store.read(lambda tx: tx.locks.of_person(first.person)) == first
    await store.act(lambda tx: tx.locks.put(second))
    await store.act(lambda tx: tx.locks.remove(first.lock_id, TERMINAL))
    await store.act(lambda tx: tx.locks.remove(second.lock_id, f"{TERMINAL}0"))
    assert store.read(lambda tx: tx.locks.of_person(first.person)) == second
    await store.act(lambda tx: tx.locks.remove(second.lock_id, TERMINAL))

    assert store.read(lambda tx: tx.locks.of_person(first.person)) is None


async def test_locks_that_ran_out_are_removed_and_others_stay(store: SQLiteStore) -> None:
    running, over = lock(store), lock(store, "takahashi-ichiro", b"m")
    over = replace(over, until=NOW)
    for one in (running, over):
        await store.act(lambda tx, one=one: tx.locks.put(one))

    await store.act(lambda tx: tx.locks.remove_before(NOW + timedelta(seconds=1)))

    assert store.read(lambda tx: tx.locks.of_person(running.person)) == running
    assert store.read(lambda tx: tx.locks.of_person(over.person)) is None


def notice(store: SQLiteStore, version: int) -> ChangeNotice:
    """Return a notice that is not in the store."""
    return ChangeNotice(
        person=person_of(store),
        municipality=TOKOROZAWA,
        version=version,
        recorded_at=NOW,
        reason=ChangeReason.NAME_CHANGE,
        date=parse_date("令和8年11月20日"),
        items=(Item.NAME,),
    )


async def test_notices_are_numbered_without_a_gap_whatever_is_undone(store: SQLiteStore) -> None:
    async def append(version: int) -> None:
        def act(tx: object) -> None:
            tx.changes.append(notice_of[version])  # type: ignore[attr-defined]  # a transaction
            if version % 2:
                raise ZeroDivisionError

        await store.act(act)

    notice_of = {version: notice(store, version) for version in range(10)}
    assert store.read(lambda tx: tx.changes.last_position()) == 0

    await asyncio.gather(*map(append, range(10)), return_exceptions=True)

    assert store.read(lambda tx: tx.changes.last_position()) == 5
    found = store.read(lambda tx: tx.changes.after(0, 100))
    assert [position for position, _ in found] == [1, 2, 3, 4, 5]
    assert {one.version for _, one in found} == {0, 2, 4, 6, 8}
    assert found[0][1] == notice_of[found[0][1].version]
    assert store.read(lambda tx: tx.changes.after(3, 1)) == found[3:4]


async def test_a_notice_in_another_place_does_not_open(store: SQLiteStore) -> None:
    await store.act(lambda tx: tx.changes.append(notice(store, 1)))
    change(store, "UPDATE changes SET position = 2")

    with pytest.raises(KeyUnusable):
        store.read(lambda tx: tx.changes.after(0, 1))


def update(version: int) -> Update:
    """Return an update of a sample resident."""
    return Update(
        municipality=TOKOROZAWA,
        household_number="第17号",
        version=version,
        state=ResidenceState.MOVED_OUT,
        record=checked(SAMPLE.record),
        change=UpdateReason(ChangeReason.MOVE_OUT, parse_date("平成15年8月25日")),
    )


@pytest.mark.parametrize("with_reason", [True, False])
async def test_a_held_update_comes_back_once_as_it_was(
    store: SQLiteStore, with_reason: bool
) -> None:
    held = update(3) if with_reason else replace(update(3), change=None)
    code = SAMPLE.record.code

    await store.act(lambda tx: tx.pending.hold(held, missing=2, now=NOW))

    assert await store.act(lambda tx: tx.pending.take(TOKOROZAWA, code, 2)) is None
    assert await store.act(lambda tx: tx.pending.take(CHIYODA, code, 3)) is None
    assert await store.act(lambda tx: tx.pending.take(TOKOROZAWA, code, 3)) == held
    assert await store.act(lambda tx: tx.pending.take(TOKOROZAWA, code, 3)) is None


async def test_an_update_held_again_takes_the_place_of_the_first(store: SQLiteStore) -> None:
    again = replace(update(3), household_number="18")

    for one in (update(3), again, update(4)):
        await store.act(lambda tx, one=one: tx.pending.hold(one, missing=2, now=NOW))

    taken = await store.act(lambda tx: tx.pending.take(TOKOROZAWA, SAMPLE.record.code, 3))
    assert taken == again
    assert number(store, "SELECT count(*) FROM pending_updates") == 1


async def test_a_held_update_cannot_be_made_another_version(store: SQLiteStore) -> None:
    await store.act(lambda tx: tx.pending.hold(update(3), missing=2, now=NOW))
    change(store, "UPDATE pending_updates SET version = 2")

    with pytest.raises(KeyUnusable):
        await store.act(lambda tx: tx.pending.take(TOKOROZAWA, SAMPLE.record.code, 2))


async def test_a_held_update_and_its_person_have_no_token_in_common(store: SQLiteStore) -> None:
    await store.act(lambda tx: tx.pending.hold(update(3), missing=2, now=NOW))

    pending = rows(store, "SELECT token FROM pending_updates")
    indexed = rows(store, "SELECT token FROM code_index")

    assert not set(pending) & set(indexed)
