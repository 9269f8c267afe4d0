"""Every call that runs now, and the end of those that must not go on.

A connection, and what runs on it, outlives the certificate that opened it and the right that
admitted it. Who is shut out later is therefore looked for among the calls under way: those that
fit end with the refusal that says why, and not as cancelled. An act that has begun ends in the
store all the same (`durable`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from juki_center.areas.calls import Call
    from juki_center.errors import Refusal


@dataclass(slots=True, eq=False)
class LiveCall:
    """A call, the task that serves it, and the refusal that ends it, where one does."""

    call: Call
    task: asyncio.Task[object]
    refusal: Refusal | None = None


class LiveCalls:
    """The calls under way in this process, unary ones and streams; for its event loop only.

    A call that begins or ends costs one step in a set. Those who are shut out are few, so they are
    found by a look at every call.
    """

    def __init__(self) -> None:
        self._running: set[LiveCall] = set()

    def __len__(self) -> int:
        """Return how many calls are under way."""
        return len(self._running)

    def begin(self, call: Call) -> LiveCall:
        """Hold a call that the current task serves from now on."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call runs in a task")
        live = LiveCall(call, task)
        self._running.add(live)
        return live

    def finish(self, live: LiveCall) -> None:
        """Let go of a call that has ended: nothing can end it any more."""
        self._running.discard(live)

    def calls(self) -> Iterator[Call]:
        """Return the calls under way; none may begin or end meanwhile."""
        return (live.call for live in self._running)

    def end(self, where: Callable[[Call], bool], refusal: Refusal) -> int:
        """End with `refusal` each call that fits, and return how many did.

        A call that is being ended keeps its first reason.
        """
        fitting = [live for live in self._running if live.refusal is None and where(live.call)]
        for live in fitting:
            live.refusal = refusal
            live.task.cancel()
        return len(fitting)
