"""Small acts that are logged, and the calls that ask for them."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import TypeVar

from juki_center.areas import calls
from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.calls import Call
from juki_center.areas.ports import Tx
from juki_center.areas.requests.answers import Request, first_answer
from tests.support.center import NOW

T = TypeVar("T")

URI = "juki://municipality/112089/terminal/01"
EVENT = AuditEvent(Event.COPY_ISSUED, NOW, URI, resource="J-1")


def new_call(method: str = "/jukinet.test.v1.Test/Act") -> Call:
    """Return a call of a terminal."""
    return Call(URI, "terminal", None, bytes(32), method)


async def in_call(call: Call, ask: Callable[[], Awaitable[T]]) -> T:
    """Do something as the call's own."""

    async def run() -> T:
        calls.enter(call)
        return await ask()

    return await asyncio.create_task(run(), context=contextvars.copy_context())


def answering(request: Request, *events: AuditEvent) -> Callable[[Tx], bytes]:
    """Return an act that answers a request once, and leaves these events the first time, or one."""

    def act(tx: Tx) -> bytes:
        earlier = first_answer(tx.answers, request, NOW)
        if earlier is not None:
            return earlier
        for event in events or (EVENT,):
            tx.audit.append(event)
        tx.answers.put(request, b"answer", resource="", sealed_for=None, now=NOW)
        return b"answer"

    return act
