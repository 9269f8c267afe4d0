"""The card sessions under way: one for each terminal, and all of them ended at shutdown.

A finished session is a row in the store and no matter of this module.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from juki_center.errors import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_center.rpc.metrics import Metrics


class OpenSessions:
    """Which terminal has a session open, and the task that runs it."""

    def __init__(self, metrics: Metrics) -> None:
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._metrics = metrics
        self._closing = asyncio.Event()

    @contextmanager
    def slot(self, terminal_uri: str) -> Iterator[None]:
        """Hold the terminal's one place; raise SESSION_LIMIT or SHUTTING_DOWN."""
        if self._closing.is_set():
            raise Refusal(Reason.SHUTTING_DOWN)
        if terminal_uri in self._tasks:
            raise Refusal(Reason.SESSION_LIMIT)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a card session runs in a task")
        self._tasks[terminal_uri] = task
        self._metrics.open_card_sessions.inc()
        try:
            yield
        except asyncio.CancelledError:
            if not self._closing.is_set():
                raise
            task.uncancel()
            raise Refusal(Reason.SHUTTING_DOWN) from None
        finally:
            del self._tasks[terminal_uri]
            self._metrics.open_card_sessions.dec()

    def close(self) -> None:
        """End every session with SHUTTING_DOWN and open no more."""
        self._closing.set()
        for task in self._tasks.values():
            task.cancel()
