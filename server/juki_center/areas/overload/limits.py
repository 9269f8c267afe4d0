"""How many calls may run at once, learned from how long they wait.

A queue that is of use empties now and then: some call goes through it without waiting. Where even
the fastest call of an interval has waited for too long, the queue stands, and fewer calls may run
at once. Where there is need and no queue, more may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INTERVAL_SECONDS: Final = 0.1
"""Over how long the fastest call is looked for; a few commits of the store."""
_GROWTH: Final = 1.05
_NEED: Final = 0.8


@dataclass(slots=True)
class AdaptiveLimit:
    """A limit that grows step by step and falls by a factor, between `least` and `most`."""

    target: float
    """The wait of the fastest call, in seconds, above which the limit falls."""
    calls: float
    least: int
    most: int
    fall: float = 0.8

    def learn(self, fastest: float | None, peak: int) -> None:
        """Hear of an interval: its fastest call, None where none ended, and how many ran at most.

        >>> limit = AdaptiveLimit(target=0.1, calls=50, least=16, most=1024)
        >>> limit.learn(0.15, peak=50)
        >>> limit.calls
        40.0
        >>> limit.learn(0.01, peak=3)
        >>> limit.calls
        40.0
        >>> limit.learn(0.01, peak=40)
        >>> limit.calls
        42.0
        """
        if fastest is None:
            return
        if fastest > self.target:
            self.calls = max(float(self.least), self.calls * self.fall)
        elif peak >= self.calls * _NEED:
            self.calls = min(float(self.most), max(self.calls + 1, self.calls * _GROWTH))
