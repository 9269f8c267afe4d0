"""Disconnections: who is cut off, what closes with it, and what no act gets past."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

import pytest

from juki_center.areas.audit.events import Event
from juki_center.areas.calls import Call, enter
from juki_center.areas.fleet.control import ControlKind
from juki_center.areas.fleet.disconnections import (
    CENTER,
    Disconnect,
    Disconnection,
    Level,
    Reconnect,
    Scope,
    Subject,
    disconnect,
    reconnect,
    refuse_cut_off,
)
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal, RuleBroken
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, NOW, SAMPLES, TOKOROZAWA
from tests.support.leaves import leaves

OPERATOR = "juki://operator/operator-1"
HERE = Subject(Scope.MUNICIPALITY, str(TOKOROZAWA.municipality))
THERE = Subject(Scope.MUNICIPALITY, str(CHIYODA.municipality))
YOSHIDA = SAMPLES["yoshida-taro"].record.code


def cut(subject: Subject = HERE, reason: str = "exposed media") -> Disconnect:
    """Return the command that cuts a subject off."""
    return Disconnect(OPERATOR, uuid.uuid4(), subject, Level.HIGH, reason)


async def closed(store: SQLiteStore, subject: Subject = HERE) -> Disconnection:
    """Cut a subject off."""
    return await store.act(lambda tx: disconnect(tx, cut(subject), NOW))


async def opened(store: SQLiteStore, subject: Subject = HERE) -> Disconnection:
    """Connect a subject again."""
    command = Reconnect(OPERATOR, uuid.uuid4(), subject)
    return await store.act(lambda tx: reconnect(tx, command, NOW))


def looked_up(tx: Tx) -> object:
    """Open a resident of Tokorozawa."""
    where = tx.residents.by_code(YOSHIDA)
    assert where is not None
    return tx.residents.resident(where.person)


async def test_a_municipality_that_is_cut_off_has_its_register_closed(store: SQLiteStore) -> None:
    await closed(store)

    with pytest.raises(Refusal) as caught:
        store.read(looked_up)

    assert caught.value.reason is Reason.RESIDENCE_DISCONNECTED


async def test_other_registers_stay_open(store: SQLiteStore) -> None:
    await closed(store, THERE)

    assert store.read(looked_up)


async def test_a_connected_municipality_is_open_again(store: SQLiteStore) -> None:
    made = await closed(store)

    ended = await opened(store)

    assert ended == made
    assert store.read(looked_up)
    assert store.read(lambda tx: tx.disconnections.every()) == []


async def test_a_ward_has_no_register_to_close(store: SQLiteStore) -> None:
    naka = Subject(Scope.MUNICIPALITY, "141046")

    await closed(store, naka)

    assert [one.subject for one in store.read(lambda tx: tx.disconnections.every())] == [naka]


async def test_cutting_off_again_renews_level_and_reason_and_not_the_time(
    store: SQLiteStore,
) -> None:
    await closed(store)
    again = replace(cut(reason="  now they are sure  "), level=Level.LOW, by="juki://operator/two")

    await store.act(lambda tx: disconnect(tx, again, NOW.replace(hour=9)))

    assert store.read(lambda tx: tx.disconnections.every()) == [
        Disconnection(HERE, Level.LOW, "now they are sure", NOW, "juki://operator/two")
    ]


async def test_the_same_request_is_done_once(store: SQLiteStore) -> None:
    command = cut()
    first = await store.act(lambda tx: disconnect(tx, command, NOW))
    await opened(store)

    again = await store.act(lambda tx: disconnect(tx, command, NOW))

    assert again == first
    assert store.read(lambda tx: tx.disconnections.every()) == []


async def test_the_same_request_with_another_content_is_refused(store: SQLiteStore) -> None:
    command = cut()
    await store.act(lambda tx: disconnect(tx, command, NOW))

    with pytest.raises(Refusal) as caught:
        await store.act(lambda tx: disconnect(tx, replace(command, subject=THERE), NOW))

    assert caught.value.reason is Reason.REQUEST_ID_REUSED


async def test_what_is_not_cut_off_is_not_connected(store: SQLiteStore) -> None:
    with pytest.raises(Refusal) as caught:
        await opened(store, CENTER)

    assert caught.value.reason is Reason.NOT_DISCONNECTED


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "two\nlines"])
async def test_a_reason_that_is_no_text_is_refused(store: SQLiteStore, reason: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        await store.act(lambda tx: disconnect(tx, cut(reason=reason), NOW))

    assert caught.value.rule == "TEXT_UNUSABLE"
    assert store.read(lambda tx: tx.disconnections.every()) == []


async def test_every_process_and_the_log_are_told(store: SQLiteStore) -> None:
    await closed(store)
    await opened(store)

    events = store.read(lambda tx: tx.control.after(0, 10))
    told = [(one.kind, one.subject) for one in events]
    assert told == [
        (ControlKind.DISCONNECTED, "MUNICIPALITY:112089"),
        (ControlKind.RECONNECTED, "MUNICIPALITY:112089"),
    ]
    shown = [one for one in leaves(store) if one["ev"] in {"DISCONNECTED", "RECONNECTED"}]
    assert [one["ev"] for one in shown] == [Event.DISCONNECTED, Event.RECONNECTED]
    assert shown[0]["by"] == OPERATOR
    assert shown[0]["more"] == {"scope": "MUNICIPALITY", "level": "3"}


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (Subject(Scope.TERMINAL, TOKOROZAWA.uri), Reason.DISCONNECTED_TERMINAL),
        (HERE, Reason.DISCONNECTED_MUNICIPALITY),
        (Subject(Scope.AGENCY, "juki://agency/passport-1"), Reason.DISCONNECTED_AGENCY),
        (Subject(Scope.FUNCTION, "jukinet.moves.v1.MoveService"), Reason.DISCONNECTED_FUNCTION),
        (CENTER, Reason.DISCONNECTED_CENTER),
    ],
)
async def test_an_act_of_who_is_cut_off_is_refused_in_its_transaction(
    store: SQLiteStore, subject: Subject, reason: Reason
) -> None:
    await closed(store, subject)

    with pytest.raises(Refusal) as caught:
        store.read(lambda tx: refuse_cut_off(tx, (THERE, subject)))

    assert caught.value.reason is reason
    assert caught.value.metadata == {}


async def test_an_act_that_was_queued_first_but_runs_after_the_cut_is_undone(
    store: SQLiteStore,
) -> None:
    """Both are in the same group commit: what was admitted before counts for nothing."""
    entered: list[str] = []

    async def admitted() -> None:
        call = Call("juki://x", "terminal", TOKOROZAWA.municipality, bytes(32), "/x/Y")
        call.guards.append(lambda tx: refuse_cut_off(tx, (HERE,)))
        enter(call)
        await store.act(lambda _: entered.append("done"))

    results = await asyncio.gather(closed(store), admitted(), return_exceptions=True)

    assert entered == []
    assert isinstance(results[1], Refusal)
    assert results[1].reason is Reason.DISCONNECTED_MUNICIPALITY


@pytest.mark.parametrize("count", [64])
async def test_in_a_race_every_act_is_before_the_cut_or_refused(
    store: SQLiteStore, count: int
) -> None:
    done: list[bool] = []

    def act(tx: Tx) -> None:
        done.append(tx.registers.is_connected(MunicipalityCode(HERE.name)))

    async def admitted() -> None:
        call = Call("juki://x", "terminal", TOKOROZAWA.municipality, bytes(32), "/x/Y")
        call.guards.append(lambda tx: refuse_cut_off(tx, (HERE,)))
        enter(call)
        await asyncio.sleep(0)
        await store.act(act)

    acts = [admitted() for _ in range(count)]
    results = await asyncio.gather(
        *acts[: count // 2], closed(store), *acts[count // 2 :], return_exceptions=True
    )

    refused = [one for one in results if isinstance(one, Refusal)]
    assert all(done), "an act was done while the register was closed"
    assert len(done) + len(refused) == count
    assert refused
