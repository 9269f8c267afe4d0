"""One open card session for each terminal, and the end of all."""

from __future__ import annotations

import asyncio

import pytest

from juki_center.errors import Reason, Refusal
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_sessions import OpenSessions

FIRST = "juki://municipality/131016/terminal/01"
SECOND = "juki://municipality/131016/terminal/02"


async def test_second_session_of_a_terminal_is_refused() -> None:
    sessions = OpenSessions(Metrics())

    with sessions.slot(FIRST), pytest.raises(Refusal) as raised, sessions.slot(FIRST):
        pass

    assert raised.value.reason is Reason.SESSION_LIMIT


async def test_other_terminal_has_its_own_place() -> None:
    metrics = Metrics()
    sessions = OpenSessions(metrics)

    with sessions.slot(FIRST), sessions.slot(SECOND):
        assert b"juki_card_sessions_open 2.0" in metrics.exposition()

    assert b"juki_card_sessions_open 0.0" in metrics.exposition()


async def test_place_is_free_after_a_failed_session() -> None:
    sessions = OpenSessions(Metrics())

    with pytest.raises(ValueError, match="x"), sessions.slot(FIRST):
        raise ValueError("x")

    with sessions.slot(FIRST):
        pass


async def held(sessions: OpenSessions, opened: asyncio.Event) -> None:
    with sessions.slot(FIRST):
        opened.set()
        await asyncio.Event().wait()


async def test_closing_ends_open_sessions_with_their_reason() -> None:
    sessions, opened = OpenSessions(Metrics()), asyncio.Event()
    task = asyncio.create_task(held(sessions, opened))
    await opened.wait()

    sessions.close()

    with pytest.raises(Refusal) as raised:
        await task
    assert raised.value.reason is Reason.SHUTTING_DOWN
    with pytest.raises(Refusal) as raised, sessions.slot(SECOND):
        pass
    assert raised.value.reason is Reason.SHUTTING_DOWN


async def test_client_that_goes_away_stays_a_cancel() -> None:
    sessions, opened = OpenSessions(Metrics()), asyncio.Event()
    task = asyncio.create_task(held(sessions, opened))
    await opened.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
