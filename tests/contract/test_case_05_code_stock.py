"""Domain case 5: codes from the stocks of two municipalities at once, and none of them twice."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.ports import Tx
from juki_center.areas.residents.births import register_birth
from juki_center.areas.residents.codes import ResidentCode, is_issuable
from juki_center.areas.residents.commands import BirthRegistered, RegisterBirth
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, SAMPLES, TOKOROZAWA
from tests.support.register_desk import CHILD, CLERK, RegisterDesk, code_of

EACH = 500
LACKING = 60


def member_in_chiyoda() -> ResidentCode:
    """Return the code of a sample resident who lives in Chiyoda."""
    return next(
        one.record.code
        for one in SAMPLES.values()
        if one.municipality == CHIYODA.municipality and one.state == "ACTIVE"
    )


async def born(desk: RegisterDesk, parent: ResidentCode) -> BirthRegistered | Reason:
    """Return a newborn's record, or why it was not entered."""
    command = RegisterBirth(desk.terminal, uuid.uuid4(), CLERK, parent, CHILD)
    try:
        return await desk.do(register_birth, command)
    except DeniedAttempt as refused:
        return refused.reason


async def code_in_stock(store: SQLiteStore) -> ResidentCode:
    """Return a code that is in Tokorozawa's stock and stays there."""
    found: list[ResidentCode | None] = []

    def draw_and_undo(tx: Tx) -> None:
        found.append(tx.codes.draw(TOKOROZAWA.municipality))
        raise LookupError

    with pytest.raises(LookupError):
        await store.act(draw_and_undo)
    assert found[0] is not None
    return found[0]


async def test_case_05_a_thousand_at_once_in_two_municipalities_get_no_code_twice(
    store: SQLiteStore,
) -> None:
    tokorozawa, chiyoda = RegisterDesk(store), RegisterDesk(store, CHIYODA)
    await tokorozawa.stock(EACH)
    await chiyoda.stock(EACH - LACKING)

    answers = await asyncio.gather(
        *(born(tokorozawa, code_of("yoshida-taro")) for _ in range(EACH)),
        *(born(chiyoda, member_in_chiyoda()) for _ in range(EACH)),
    )

    codes = [one.record.record.code for one in answers if isinstance(one, BirthRegistered)]
    assert len(codes) == len(set(codes)) == 2 * EACH - LACKING
    assert all(is_issuable(code) for code in codes)
    assert [one for one in answers if isinstance(one, Reason)] == [
        Reason.CODE_STOCK_EMPTY
    ] * LACKING
    assert (tokorozawa.left(), chiyoda.left()) == (0, 0)
    assert store.read(lambda tx: all(tx.residents.by_code(code) for code in codes))


async def test_case_05_two_stocks_never_hold_the_same_code(store: SQLiteStore) -> None:
    tokorozawa, chiyoda = RegisterDesk(store), RegisterDesk(store, CHIYODA)
    await tokorozawa.stock(10)
    drawn = {
        await store.act(lambda tx: tx.codes.draw(tokorozawa.terminal.municipality))
        for _ in range(4)
    }
    code = next(one for one in drawn if one is not None)

    taken = await store.act(lambda tx: tx.codes.add(chiyoda.terminal.municipality, [code]))
    again = await store.act(lambda tx: tx.codes.add(tokorozawa.terminal.municipality, [code]))

    assert (taken, again) == (1, 0)


async def test_case_05_a_code_that_somebody_has_meanwhile_is_passed_over(
    store: SQLiteStore,
) -> None:
    desk, whose = RegisterDesk(store), TOKOROZAWA.municipality
    await desk.stock(2)
    code = await code_in_stock(store)
    record = replace(SAMPLES["yoshida-taro"].record, code=code)
    await store.act(lambda tx: tx.residents.enter(whose, tx.residents.new_household(), record))

    answer = await born(desk, code_of("yoshida-taro"))

    assert isinstance(answer, BirthRegistered)
    assert answer.record.record.code != code
    assert desk.record(code).record == record
    assert await born(desk, code_of("yoshida-taro")) is Reason.CODE_STOCK_EMPTY


async def test_case_05_a_code_that_somebody_has_is_not_entered_again(store: SQLiteStore) -> None:
    record = SAMPLES["yoshida-taro"].record

    with pytest.raises(LookupError):
        await store.act(
            lambda tx: tx.residents.enter(
                TOKOROZAWA.municipality, tx.residents.new_household(), record
            )
        )
