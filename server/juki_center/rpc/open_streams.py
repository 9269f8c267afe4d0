"""Streams under way: so many and no more, and all of them ended by their reason at shutdown."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from juki_center.errors import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Gauge


class OpenStreams:
    """The tasks that run streams of one kind, counted by a gauge."""

    def __init__(self, gauge: Gauge, most: int | None = None) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._gauge = gauge
        self._most = most
        self._closing = asyncio.Event()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a place for the stream of the current task; raise OVERLOADED or SHUTTING_DOWN."""
        if self._closing.is_set():
            raise Refusal(Reason.SHUTTING_DOWN)
        if self._most is not None and len(self._tasks) >= self._most:
            raise Refusal(Reason.OVERLOADED)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a stream runs in a task")
        self._tasks.add(task)
        self._gauge.inc()
        try:
            yield
        except asyncio.CancelledError:
            if not self._closing.is_set():
                raise
            task.uncancel()
            raise Refusal(Reason.SHUTTING_DOWN) from None
        finally:
            self._tasks.discard(task)
            self._gauge.dec()

    def close(self) -> None:
        """End every stream with SHUTTING_DOWN and open no more."""
        self._closing.set()
        for task in self._tasks:
            task.cancel()
