"""What is still to come in the year, in the order of its time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from juki_center.simulation.errands import Errand

_SOON = timedelta(minutes=1)

Happens = Callable[[datetime], Iterable[Errand]]
"""What comes of it when its time has come; it looks at the people as they are then."""


class Agenda:
    """Happenings by time; those of one moment in the order in which they were put down."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Happens]] = []
        self._count = 0
        self._now = datetime.min.replace(tzinfo=UTC)

    def put(self, at: datetime, happens: Happens) -> None:
        """Put something down for a time; what is wanted earlier than now comes in a minute."""
        heapq.heappush(self._heap, (max(at, self._now + _SOON), self._count, happens))
        self._count += 1

    def until(self, end: datetime) -> Iterator[Errand]:
        """Let everything happen whose time comes before `end`, what is put down meanwhile too."""
        while self._heap and self._heap[0][0] < end:
            at, _, happens = heapq.heappop(self._heap)
            self._now = at
            yield from happens(at)
