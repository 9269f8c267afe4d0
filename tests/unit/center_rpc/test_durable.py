"""Acts that outlive the call that asked for them."""

from __future__ import annotations

import asyncio

import pytest

from juki_center.rpc.durable import durably


async def test_act_ends_although_its_caller_is_cancelled() -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def act() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    caller = asyncio.create_task(durably(act()))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()

    async with asyncio.timeout(5):
        await done.wait()


async def test_error_of_an_act_reaches_its_caller() -> None:
    async def act() -> None:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        await durably(act())
