"""Control events: numbered as they commit, handed on in order, from other processes too."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from juki_center.areas.fleet.control import ControlKind
from juki_center.errors import Reason, Refusal
from juki_center.rpc.control_bell import ControlBell
from tests.support.center import NOW, open_test_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from juki_center.areas.fleet.control import ControlEvent
    from juki_center.storage.sqlite import SQLiteStore
    from juki_center.storage.transaction import Transaction

TERMINAL = "juki://municipality/131016/terminal/01"
LONG_SECONDS = 3600.0


async def tell(store: SQLiteStore, subject: str = TERMINAL, at: datetime = NOW) -> int:
    return await store.act(
        lambda tx: tx.control.append(ControlKind.PEER_REVOKED, subject, at, b"why")
    )


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[ControlEvent] = []
        self.has_come = asyncio.Event()

    def __call__(self, events: Sequence[ControlEvent]) -> None:
        self.events.extend(events)
        self.has_come.set()

    def subjects(self) -> list[str]:
        return [event.subject for event in self.events]


async def test_events_are_numbered_as_they_commit(empty: SQLiteStore) -> None:
    first, second = await tell(empty, "a"), await tell(empty, "b")

    events = empty.read(lambda tx: tx.control.after(0, 10))

    assert (first, second) == (1, 2)
    assert [(event.cursor, event.subject) for event in events] == [(1, "a"), (2, "b")]
    assert events[0].kind is ControlKind.PEER_REVOKED
    assert (events[0].at, events[0].content) == (NOW, b"why")
    assert empty.read(lambda tx: (tx.control.oldest(), tx.control.newest())) == (1, 2)


async def test_page_ends_at_its_limit(empty: SQLiteStore) -> None:
    for subject in "abc":
        await tell(empty, subject)

    page = empty.read(lambda tx: tx.control.after(1, 1))

    assert [event.subject for event in page] == ["b"]


async def test_event_of_an_act_that_was_undone_is_none(empty: SQLiteStore) -> None:
    def act(tx: Transaction) -> None:
        tx.control.append(ControlKind.PEER_REVOKED, TERMINAL, NOW)
        raise Refusal(Reason.FIELD_INVALID)

    with pytest.raises(Refusal):
        await empty.act(act)

    assert empty.read(lambda tx: tx.control.newest()) == 0
    assert await tell(empty) == 1


async def test_forgetting_keeps_what_is_young_and_always_the_count(empty: SQLiteStore) -> None:
    for days in (0, 1, 2):
        await tell(empty, str(days), NOW + timedelta(days=days))

    some = await empty.act(lambda tx: tx.control.forget_before(NOW + timedelta(hours=1)))
    rest = await empty.act(lambda tx: tx.control.forget_before(NOW + timedelta(days=9)))
    none = await empty.act(lambda tx: tx.control.forget_before(NOW + timedelta(days=9)))

    assert (some, rest, none) == (1, 1, 0)
    assert await tell(empty) == 4


async def test_act_of_this_process_is_told_before_its_caller_has_the_answer(
    empty: SQLiteStore,
) -> None:
    bell, told = ControlBell(empty, LONG_SECONDS), Told()
    bell.subscribe(told)
    async with bell.watching():
        await asyncio.sleep(0)

        await tell(empty)

        assert told.subjects() == [TERMINAL]


async def test_act_of_another_process_is_told_at_the_next_look(home: Path) -> None:
    with (
        closing(open_test_store(home)) as serving,
        closing(open_test_store(home)) as beside,
    ):
        bell, told = ControlBell(serving, 0.01), Told()
        bell.subscribe(told)
        async with bell.watching(), asyncio.timeout(5):
            await tell(beside, "beside")

            await told.has_come.wait()

    assert told.subjects() == ["beside"]


async def test_what_was_before_the_bell_is_no_news(empty: SQLiteStore) -> None:
    await tell(empty, "before")
    bell, told = ControlBell(empty, LONG_SECONDS), Told()
    bell.subscribe(told)

    await tell(empty, "after")
    bell.look()
    bell.look()

    assert told.subjects() == ["after"]
    assert bell.cursor == 2


async def test_many_events_come_once_each_and_in_order(empty: SQLiteStore) -> None:
    bell, told = ControlBell(empty, LONG_SECONDS), Told()
    bell.subscribe(told)

    def many(tx: Transaction) -> None:
        for number in range(1_201):
            tx.control.append(ControlKind.CARD_CHANGED, str(number), NOW)

    await empty.act(many)
    bell.look()

    assert told.subjects() == [str(number) for number in range(1_201)]


async def test_subscriber_that_fails_keeps_nobody_from_the_news(
    empty: SQLiteStore, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Sequence[ControlEvent]) -> None:
        raise ValueError(TERMINAL)

    bell, told = ControlBell(empty, LONG_SECONDS), Told()
    bell.subscribe(fail)
    bell.subscribe(told)

    await tell(empty)
    bell.look()

    assert told.subjects() == [TERMINAL]
    assert "a subscriber failed: ValueError" in caplog.text
    assert TERMINAL not in caplog.text


async def test_who_has_left_is_told_nothing(empty: SQLiteStore) -> None:
    bell, told = ControlBell(empty, LONG_SECONDS), Told()
    with bell.subscribed(told):
        pass

    await tell(empty)
    bell.look()

    assert told.events == []
