"""A center of one server and a queue, in virtual time, behind the admission of the real one."""

from __future__ import annotations

import heapq
import random  # noqa: TID251  # seeded: the same floods in every run
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from juki_center.areas.overload.admission import Admission, Place, Settings
from juki_center.areas.overload.classes import Load
from juki_center.errors import Delayed

COST: Mapping[Load, float] = {Load.WINDOW: 0.002, Load.BROAD: 0.02}
"""Seconds that the one server works for a call: it serves 500 look-ups a second."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Calls of one owner that come by chance, so many a second, from one time to another."""

    owner: str
    load: Load
    rate: float
    begins: float = 0.0
    ends: float = 10.0


@dataclass(frozen=True, slots=True)
class Served:
    """A call that was answered."""

    owner: str
    load: Load
    due: float
    seconds: float


@dataclass(slots=True)
class Outcome:
    """What became of the calls."""

    served: list[Served] = field(default_factory=list)
    shed: list[tuple[str, Load, float, float]] = field(default_factory=list)
    """Owner, class, when, and the seconds after which to come back."""

    def quantile(self, part: float, load: Load, begins: float = 0.0, ends: float = 1e9) -> float:
        """Return how long calls took that were due in a span of time."""
        found = sorted(
            one.seconds for one in self.served if one.load is load and begins <= one.due < ends
        )
        return found[int(part * (len(found) - 1))]

    def count(self, owner: str, begins: float = 0.0) -> int:
        """Return how many calls of an owner were answered."""
        return sum(one.owner == owner and one.due >= begins for one in self.served)


def simulate(*streams: Stream, seed: int = 1) -> Outcome:
    """Let calls come, be admitted or not, wait in one queue, and end."""
    chance = random.Random(seed)
    admission = Admission(Settings(), chance.random)
    outcome, free_at, tie = Outcome(), 0.0, count()
    ending: list[tuple[float, int, Place]] = []
    for due, stream in _arrivals(streams, chance):
        while ending and ending[0][0] <= due:
            ended, _, place = heapq.heappop(ending)
            admission.leave(place, ended, has_committed=True)
        try:
            place = admission.enter(stream.load, stream.owner, due)
        except Delayed as refusal:
            outcome.shed.append((stream.owner, stream.load, due, refusal.seconds))
            continue
        free_at = max(free_at, due) + COST[stream.load]
        heapq.heappush(ending, (free_at, next(tie), place))
        outcome.served.append(Served(stream.owner, stream.load, due, free_at - due))
    return outcome


def _arrivals(streams: tuple[Stream, ...], chance: random.Random) -> list[tuple[float, Stream]]:
    found = []
    for stream in streams:
        due = stream.begins
        while (due := due + chance.expovariate(stream.rate)) < stream.ends:
            found.append((due, stream))
    return sorted(found, key=lambda one: one[0])
