"""How long something took, less the time for which the machine was busy with others.

A limit in seconds is a promise about a machine that is there for the program. Linux counts for each
thread how long it was ready and another one ran in its place; a stopwatch takes that away. On a
machine that is at rest nothing is taken away, so that a limit is then judged in full.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path


class Stopwatch:
    """Runs from when it is made, over all threads of this process and of those named."""

    def __init__(self, *others: int) -> None:
        self._processes = ("self", *map(str, others))
        self._waited = _waited(self._processes)
        self._began = time.perf_counter()

    def seconds(self) -> float:
        """Return how long it has run."""
        wall = time.perf_counter() - self._began
        waited = _waited(self._processes)
        kept_waiting = sum(of - self._waited.get(thread, 0.0) for thread, of in waited.items())
        return max(0.0, wall - kept_waiting)


def _waited(processes: Iterable[str]) -> dict[str, float]:
    """Return for how many seconds each thread was ready to run and did not."""
    found = {}
    for process in processes:
        for thread in Path("/proc", process, "task").glob("*"):
            try:
                nanoseconds = int((thread / "schedstat").read_bytes().split()[1])
            except (OSError, IndexError):
                # It has ended meanwhile, or this system does not count.
                continue
            found[thread.name] = nanoseconds / 1e9
    return found
