"""How long, and how often, a center that does not answer is asked again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_client.patience import told_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_client.outcome import Problem

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_LONGEST_TOLD: Final = 300.0
_PASSING: Final = frozenset(
    ("CENTER_UNREACHABLE", "SHUTTING_DOWN", "STORE_UNAVAILABLE", "OVERLOADED")
)


@dataclass(slots=True)
class Patience:
    """Pauses that double, until nothing has come for so many seconds; None never gives up.

    Where the center tells a longer pause, it is kept.
    """

    seconds: float | None
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _since: float | None = field(default=None, init=False)
    _next: float = field(default=_FIRST_PAUSE, init=False)

    def reward(self) -> None:
        """Begin anew: something has come."""
        self._since, self._next = None, _FIRST_PAUSE

    def bear(self, problem: Problem) -> None:
        """Pause; raise the problem where it does not pass by itself, or the patience is over."""
        if problem.reason not in _PASSING:
            raise problem
        now = self.clock()
        since = self._since = now if self._since is None else self._since
        if self.seconds is not None and now - since >= self.seconds:
            raise problem
        told = min(told_seconds(problem) or 0.0, _LONGEST_TOLD)
        self.pause(max(self._next, told))
        self._next = min(self._next * 2, _LONGEST_PAUSE)
