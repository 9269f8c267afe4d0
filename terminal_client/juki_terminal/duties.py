"""When a terminal that watches does what by itself: a table of duties and their times.

No clock is read here and nothing is done: `now` and chance are arguments.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

_FIRST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(hours=1)
_DOUBLINGS: Final = 10
_AT_LEAST_SECONDS: Final = 1.0
"""The center names no shorter time to come back."""
_UNHURRIED: Final = 3
"""So many times slower than a fleet may come back, it does what is not urgent."""


class Duty(StrEnum):
    """What is done."""

    IDENTITY = "identity"
    """Renew the certificate where it is due; take up one that another program has renewed."""
    TRUST = "trust"
    """Use what the trust folder and the hotlist say now."""
    DESCRIPTIONS = "descriptions"
    """Fetch what is to be trusted, then use it."""
    REPORT = "report"
    """Report this terminal's status."""


_NEED_THE_STREAM: Final = frozenset((Duty.DESCRIPTIONS, Duty.REPORT))
"""Where the stream is lost, these would be in vain, and are done when it stands again."""


def unhurried(reconnect_seconds: float) -> timedelta:
    """Return when this terminal does what the whole fleet is told at once, and has time for.

    The center spreads the times to come back over its streams, each terminal by its own chance:
    what it has named here is this terminal's place among them, and grows with the fleet.
    """
    return timedelta(seconds=_UNHURRIED * max(0.0, reconnect_seconds - _AT_LEAST_SECONDS))


class Duties:
    """The table."""

    def __init__(self) -> None:
        self._due: dict[Duty, datetime] = {}
        self._failures: dict[Duty, int] = {}
        self.is_connected = False

    def want(self, duty: Duty, at: datetime) -> None:
        """Have something done at a time, unless it is wanted earlier already."""
        self._due[duty] = min(at, self._due.get(duty, at))

    def ready(self, now: datetime) -> list[Duty]:
        """Return what is due and can be done, in the order of the duties."""
        return [duty for duty in Duty if self._can(duty) and self._due.get(duty, now) <= now]

    def begin(self, duty: Duty) -> None:
        """Strike a duty off; what is wanted while it is done, is done again."""
        self._due.pop(duty, None)

    def done(self, duty: Duty) -> None:
        """Forget that it failed before."""
        self._failures.pop(duty, None)

    def failed(self, duty: Duty, now: datetime, chance: float) -> timedelta:
        """Want it again, later each time, between half and one and a half of that; return when."""
        failures = self._failures.get(duty, 0)
        self._failures[duty] = failures + 1
        pause = min(_LONGEST, _FIRST * (1 << min(failures, _DOUBLINGS))) * (0.5 + chance)
        self.want(duty, now + pause)
        return pause

    def wait(self, now: datetime, longest: timedelta) -> timedelta:
        """Return how long there is nothing to do, at most `longest`: a clock may be put right."""
        times = [at for duty, at in self._due.items() if self._can(duty)]
        return max(timedelta(0), min([longest, *(at - now for at in times)]))

    def _can(self, duty: Duty) -> bool:
        return duty in self._due and (self.is_connected or duty not in _NEED_THE_STREAM)
