"""How many may come at once: who comes too early is told when, and no two at the same moment.

After a center or a network comes back, all peers come at once. A bucket of admissions fills at a
steady rate; whoever finds it empty is given a place in the queue of those who are to come back, so
that the storm becomes a line. A place is no promise that is kept: who never comes back costs the
others the time of one admission.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_SECONDS = 300.0
_SLACK = 1.02


@dataclass(frozen=True, slots=True)
class Pace:
    """How many are admitted a second in the long run, and how many at once after a rest."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Admission:
    """The state: what was in the bucket, and when, and the end of the line of those sent away.

    Times are seconds of any clock that never goes back. A new one begins with a full bucket.
    """

    tokens: float = math.inf
    at: float = 0.0
    line: float = 0.0

    def asked(self, now: float, pace: Pace) -> tuple[Admission, float]:
        """Return the next state, and 0 for who may come in or the seconds to wait.

        The line moves a little more slowly than the bucket fills, so that who comes back in time
        finds its place free.
        """
        filled = min(float(pace.burst), self.tokens + (now - self.at) * pace.per_second)
        if filled >= 1:
            return Admission(filled - 1, now, self.line), 0.0
        end = max(self.line, now) + _SLACK / pace.per_second
        if end - now > MOST_SECONDS:
            return Admission(filled, now, self.line), MOST_SECONDS
        return Admission(filled, now, end), end - now


def spread(streams: int, pace: Pace, *, least: float = 1.0) -> float:
    """Return over how many seconds so many streams should come back after a cut."""
    return min(MOST_SECONDS, max(least, streams / pace.per_second))


def backoff(chance: float, streams: int, pace: Pace, *, least: float = 1.0) -> float:
    """Return when one stream should come back, for a chance from 0 up to 1: spread evenly."""
    return least + chance * spread(streams, pace, least=least)
