"""Messages of streams, written whole: gRPC sends no status while one is still on its way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Message = TypeVar("Message")

_WITHIN_SECONDS: Final = 1.0


async def write_whole(write: Callable[[Message], Awaitable[None]], message: Message) -> None:
    """Write a message; a cancel waits until it is written, for a second at most."""
    task = asyncio.ensure_future(write(message))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=_WITHIN_SECONDS)
        if task.done() and not task.cancelled():
            task.exception()  # nobody else looks at how it ended
        raise
