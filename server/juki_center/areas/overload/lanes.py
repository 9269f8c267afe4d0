"""A lane: calls that share one limit, and the fair shares of those who make them.

While there is room a lane serves whoever comes. Once three quarters of it are taken, those who
already have their share of it are refused, but for those who have less than half of what the
largest has. Room above the limit is kept for those who are still served then, so that nobody is
starved by whoever came first.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from juki_center.areas.overload.limits import AdaptiveLimit

Owner: TypeAlias = Hashable
"""Who shares: a municipality with all of its terminals, or an agency."""

_OPEN_TO_ALL: Final = 0.75
_ABOVE: Final = 1.25
_MEMORY: Final = 0.8


@dataclass(slots=True)
class Lane:
    """The calls of one lane; `most` is a bound that others set, such as a part of another lane."""

    limit: AdaptiveLimit
    most: float = float("inf")
    running: int = 0
    pressure: float = 0.0
    """How many were refused for each that was admitted, lately."""
    _peak: int = 0
    _admitted: int = 0
    _refused: int = 0
    _running_of: dict[Owner, int] = field(default_factory=dict)
    _seen: set[Owner] = field(default_factory=set)
    _largest: int = 0

    @property
    def calls(self) -> int:
        """How many may run at once; at least one."""
        return max(1, int(min(self.limit.calls, self.most)))

    def running_of(self, owner: Owner) -> int:
        """Return how many of an owner's calls run."""
        return self._running_of.get(owner, 0)

    def has_room(self, owner: Owner) -> bool:
        """Decide about a call of an owner, and count it as admitted or refused."""
        mine = self._running_of.setdefault(owner, 0)
        self._seen.add(owner)
        calls = self.calls
        has_room = self.running < calls * _OPEN_TO_ALL or (
            self.running < calls * _ABOVE and mine < self._share(calls)
        )
        if has_room:
            self._admitted += 1
        else:
            self._refused += 1
        return has_room

    def begin(self, owner: Owner) -> None:
        """Let a call run."""
        mine = self._running_of[owner] = self._running_of.get(owner, 0) + 1
        self.running += 1
        self._largest = max(self._largest, mine)
        self._peak = max(self._peak, self.running)

    def end(self, owner: Owner) -> None:
        """Let go of a call that ran."""
        self._running_of[owner] -= 1
        self.running -= 1

    def close_interval(self, fastest: float | None) -> None:
        """Learn from an interval; forget owners who neither run anything nor asked in it."""
        self.limit.learn(fastest, self._peak)
        ratio = self._refused / max(1, self._admitted)
        self.pressure = _MEMORY * self.pressure + (1 - _MEMORY) * ratio
        self._peak, self._admitted, self._refused = self.running, 0, 0
        self._running_of = {
            owner: count
            for owner, count in self._running_of.items()
            if count or owner in self._seen
        }
        self._seen = set()
        self._largest = max(self._running_of.values(), default=0)

    def _share(self, calls: int) -> int:
        return max(1, calls // len(self._running_of), self._largest // 2)
