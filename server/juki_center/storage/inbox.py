"""The writer's inbox: acts that wait to be committed, taken together.

An act that comes while the writer is at work, or while it waits for others in the window, wakes
nobody: to wake a thread costs the event loop more than to keep an act.
"""

from __future__ import annotations

import threading

from juki_center.storage.jobs import Work

MOST_AT_ONCE = 256


class Inbox:
    """Acts in the order in which they came; filled by any thread, emptied by one."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._waiting: list[Work] = []
        self._is_closed = False

    def put(self, job: Work) -> None:
        """Add an act; wake the writer where it may begin with it at once."""
        with self._changed:
            self._waiting.append(job)
            count = len(self._waiting)
            if count == 1 or job.is_urgent or count == MOST_AT_ONCE:
                self._changed.notify()

    def close(self) -> None:
        """Let the writer end when it has done what is there."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    @property
    def is_done(self) -> bool:
        """Whether it was closed and has been emptied."""
        with self._changed:
            return self._is_closed and not self._waiting

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for an act or for the end; tell whether either has come."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_closed or bool(self._waiting), seconds)

    def take(self, window_seconds: float) -> list[Work]:
        """Return what is there after the window, which an urgent act, the end or a crowd closes."""
        with self._changed:
            self._changed.wait_for(self._is_window_closed, window_seconds)
            taken = self._waiting[:MOST_AT_ONCE]
            del self._waiting[:MOST_AT_ONCE]
            return taken

    def _is_window_closed(self) -> bool:
        if self._is_closed or len(self._waiting) >= MOST_AT_ONCE:
            return True
        return any(job.is_urgent for job in self._waiting)
