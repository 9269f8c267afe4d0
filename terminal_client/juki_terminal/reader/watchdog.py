"""Calls that may never return, each with a time limit: PC/SC itself has no timeout anywhere.

A call that hangs cannot be stopped from outside; the worker is abandoned instead, and tidies up
by itself when the call returns at last.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Hung(Exception):
    """A call did not return in time; its worker is abandoned."""


@dataclass(frozen=True, slots=True)
class _Returned(Generic[T]):
    value: T


class Worker:
    """One daemon thread that makes calls for a caller who will not wait forever.

    After `Hung` the worker takes no more calls. `on_abandoned` runs in the worker's thread when
    the hung call has returned, so that handles are given back.
    """

    def __init__(self, on_abandoned: Callable[[], None]) -> None:
        self._on_abandoned = on_abandoned
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, name="juki-reader", daemon=True)
        self._thread.start()

    def call(self, work: Callable[[], T], seconds: float) -> T:
        """Run `work` in the thread and return what it returns; raise Hung after `seconds`."""
        if self._abandoned.is_set():
            raise Hung
        outcome: queue.SimpleQueue[_Returned[T] | BaseException] = queue.SimpleQueue()
        self._calls.put(lambda: outcome.put(_outcome(work)))
        try:
            ended = outcome.get(timeout=seconds)
        except queue.Empty:
            self._abandoned.set()
            self._calls.put(None)
            raise Hung from None
        if isinstance(ended, BaseException):
            raise ended
        return ended.value

    def stop(self) -> None:
        """End the thread after the calls that were made."""
        self._calls.put(None)

    def _run(self) -> None:
        while (work := self._calls.get()) is not None:
            work()
        if self._abandoned.is_set():
            self._on_abandoned()


def _outcome(work: Callable[[], T]) -> _Returned[T] | BaseException:
    try:
        return _Returned(work())
    except Exception as error:  # carried to the caller, who raises it
        return error
