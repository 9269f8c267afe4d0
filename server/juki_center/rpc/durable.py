"""Durable writes go on when the client that asked for them goes away.

A client's cancel arrives at whatever the handler awaits. An act that has begun must end in the
store whatever becomes of the call, so it runs in a task of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


async def durably(act: Coroutine[object, object, T]) -> T:
    """Await `act` so that cancelling the waiter does not cancel it."""
    task = asyncio.ensure_future(act)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        # Nobody waits any more; looking at the outcome keeps asyncio from reporting it as lost.
        task.add_done_callback(_look)
        raise


def _look(task: asyncio.Future[T]) -> None:
    if not task.cancelled():
        task.exception()
