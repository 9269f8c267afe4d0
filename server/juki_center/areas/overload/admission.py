"""Admission: which call is served now, and when whoever is refused may come back.

Refusing is cheap and early, so that what was admitted ends in time. Calls run in two lanes: what
somebody waits for, and what is broad, which has a part of the first at the most and gives way long
before anybody at a window would notice. Streams wait for people or have a pace of their own: they
are admitted by the lanes, and counted beside them. Time is an argument, in seconds of any steady
clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from juki_center.areas.overload.classes import Load
from juki_center.areas.overload.lanes import Lane, Owner
from juki_center.areas.overload.limits import INTERVAL_SECONDS, AdaptiveLimit
from juki_center.errors import Delayed, Reason

FIRST_CALLS: Final = 64
LEAST_CALLS: Final = 16
FIRST_BROAD_CALLS: Final = 4
"""A broad search may cost as much as many look-ups: it begins low, and grows where it is cheap."""
_BROAD_PART: Final = 0.25
_BROAD_FALL: Final = 0.5
_CONTINUED_EACH: Final = 16
"""So many further steps of one owner run whatever the lane says; more are taken as new calls."""
_LONGEST_SECONDS: Final = 30.0
_FIRST_SECONDS: Final = {Load.BROAD: 2.0, Load.BULK: 10.0}
_WINDOW_SECONDS: Final = 0.5
_IN_A_LANE: Final = frozenset((Load.WINDOW, Load.CONTINUED, Load.BROAD))
_MEASURED: Final = frozenset((Load.WINDOW, Load.CONTINUED))


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may set; times in seconds."""

    target: float = 0.1
    """How long the fastest call may wait before fewer calls run at once."""
    broad_target: float = 0.025
    """The same for broad searches, and above which no batch, import or watch begins."""
    most_calls: int = 1024
    most_sessions: int = 4096


class Place(NamedTuple):
    """A call that was admitted; a tuple, because one is made for every call."""

    load: Load
    owner: Owner
    began: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the metrics show: by class, and by lane."""

    admitted: Mapping[Load, int]
    refused: Mapping[Load, int]
    running: Mapping[Load, int]
    limits: Mapping[Load, int]
    standing_seconds: float
    """How long the fastest call of the last interval took; 0 where none runs."""


@dataclass(slots=True)
class Admission:
    """The calls that run, in one process; `chance` gives numbers from 0 to below 1."""

    settings: Settings
    chance: Callable[[], float]
    _window: Lane = field(init=False)
    _broad: Lane = field(init=False)
    _fastest: float | None = None
    _standing: float = 0.0
    _closes: float = 0.0
    _running: Counter[Load] = field(default_factory=Counter)
    _admitted: Counter[Load] = field(default_factory=Counter)
    _refused: Counter[Load] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Begin with limits that suit a small machine."""
        most = self.settings.most_calls
        first, least = min(FIRST_CALLS, most), min(LEAST_CALLS, most)
        self._window = Lane(AdaptiveLimit(self.settings.target, float(first), least, most))
        part = max(1, int(most * _BROAD_PART))
        first_broad = float(min(FIRST_BROAD_CALLS, part))
        broad = AdaptiveLimit(self.settings.broad_target, first_broad, 1, part, _BROAD_FALL)
        self._broad = Lane(broad)
        self._bound_broad()

    def enter(self, load: Load, owner: Owner, now: float) -> Place:
        """Admit a call; raise Delayed(OVERLOADED) with the time to come back."""
        if now >= self._closes:
            self._pass(now)
        if not self._has_room(load, owner):
            self._refused[load] += 1
            raise Delayed(Reason.OVERLOADED, self._wait(load))
        self._admitted[load] += 1
        self._running[load] += 1
        if load in _IN_A_LANE:
            self._lane(load).begin(owner)
        return Place(load, owner, now)

    def leave(self, place: Place, now: float, *, has_committed: bool) -> None:
        """Let go of a call that ended; one that has committed tells how long everybody waits."""
        self._running[place.load] -= 1
        if place.load in _IN_A_LANE:
            self._lane(place.load).end(place.owner)
        if has_committed and place.load in _MEASURED:
            spent = now - place.began
            if self._fastest is None or spent < self._fastest:
                self._fastest = spent
        if now >= self._closes:
            self._pass(now)

    def reading(self, now: float) -> Reading:
        """Return what the metrics show."""
        if now >= self._closes:
            self._pass(now)
        limits = {Load.WINDOW: self._window.calls, Load.BROAD: self._broad.calls}
        counted = (dict(self._admitted), dict(self._refused), dict(self._running))
        return Reading(*counted, limits, self._standing)

    def _has_room(self, load: Load, owner: Owner) -> bool:
        match load:
            case Load.WINDOW:
                return self._window.has_room(owner)
            case Load.VITAL:
                return True
            case Load.CONTINUED if self._window.running_of(owner) < _CONTINUED_EACH:
                return self._window.running < 2 * self.settings.most_calls
            case Load.SESSION if self._running[load] >= self.settings.most_sessions:
                return False
            case Load.BULK:
                return self._standing <= self.settings.broad_target
            case _:
                return self._lane(load).has_room(owner)

    def _lane(self, load: Load) -> Lane:
        return self._broad if load is Load.BROAD else self._window

    def _wait(self, load: Load) -> float:
        """Return when to come back: the later the more are refused, and everybody at another time.

        As many as are refused for each that is admitted, as many turns it takes until all are.
        """
        longer = 1.0 + self._lane(load).pressure
        seconds = _FIRST_SECONDS.get(load, _WINDOW_SECONDS) * longer
        return round(min(seconds, _LONGEST_SECONDS) * (0.5 + self.chance()), 3)

    def _pass(self, now: float) -> None:
        """Close the interval that has ended; where nothing came for longer, the empty one too."""
        was_idle = now >= self._closes + INTERVAL_SECONDS
        self._close()
        if was_idle:
            self._close()
        self._closes = now + INTERVAL_SECONDS

    def _close(self) -> None:
        self._window.close_interval(self._fastest)
        self._broad.close_interval(self._fastest)
        self._bound_broad()
        if self._fastest is not None:
            self._standing = self._fastest
        elif not self._window.running:
            self._standing = 0.0
        self._fastest = None

    def _bound_broad(self) -> None:
        self._broad.most = self._window.limit.calls * _BROAD_PART
