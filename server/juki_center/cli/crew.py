"""Which worker processes there should be: what to start, to end and to kill next, and when.

No process is started here and no clock is read: the supervisor tells what has happened and when,
and asks what is to be done. A place has one worker, and for the time of a renewal two: the new one
must be ready before the old one is asked to end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_WORKERS: Final = 64


class Phase(Enum):
    """How far a process is."""

    STARTING = auto()
    READY = auto()
    DRAINING = auto()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds, and how often a start may fail."""

    start: float = 60.0
    drain: float = 25.0
    first_pause: float = 0.25
    longest_pause: float = 30.0
    served_pause: float = 1.0
    """The longest one after a worker that had got ready: the next one serves in between as well."""
    steady: float = 60.0
    """After so long a life, a death counts as the first one again."""
    failed_starts: int = 5

    def pause(self, deaths: int, *, has_served: bool = False) -> float:
        """Return how long a place stays empty after so many deaths in a row.

        >>> [Patience().pause(deaths) for deaths in (1, 2, 3, 4, 20)]
        [0.25, 0.5, 1.0, 2.0, 30.0]
        >>> [Patience().pause(deaths, has_served=True) for deaths in (1, 2, 3, 4, 20)]
        [0.25, 0.5, 1.0, 1.0, 1.0]
        """
        longest = self.served_pause if has_served else self.longest_pause
        return min(longest, self.first_pause * 2.0 ** min(deaths - 1, 30))


@dataclass(frozen=True, slots=True)
class Start:
    """Start a process for a place."""

    place: int
    serial: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Ask a process to finish what it does and end."""

    serial: int


@dataclass(frozen=True, slots=True)
class Kill:
    """End a process that took too long."""

    serial: int


Step: TypeAlias = Start | Drain | Kill


@dataclass(slots=True)
class Process:
    """A process, since when it is in its phase, and whether it was killed for taking too long."""

    serial: int
    place: int
    since: float
    phase: Phase = Phase.STARTING
    is_killed: bool = False


@dataclass(slots=True)
class Place:
    """What is remembered of a place from one of its workers to the next."""

    deaths: int = 0
    failed_starts: int = 0
    empty_until: float = 0.0
    restarts: int = 0


@dataclass(slots=True)
class Crew:
    """The workers of one supervisor."""

    size: int
    patience: Patience = field(default_factory=Patience)
    processes: dict[int, Process] = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    is_ending: bool = False
    renewals_failed: int = 0
    """How often a renewal was given up because a new worker died before it was ready."""
    _next_serial: int = 0
    _renew_below: int = 0

    def __post_init__(self) -> None:
        self.places = tuple(Place() for _ in range(self.size))

    @property
    def ready(self) -> tuple[Process, ...]:
        """The processes that serve, in the order of their start."""
        return tuple(one for one in self.processes.values() if one.phase is Phase.READY)

    @property
    def is_renewing(self) -> bool:
        """Whether workers of before the last request for a renewal are still there."""
        return any(one.serial < self._renew_below for one in self.processes.values())

    @property
    def is_over(self) -> bool:
        """Whether it was told to end, and has."""
        return self.is_ending and not self.processes

    @property
    def is_hopeless(self) -> bool:
        """Whether nobody serves, and every place has failed to get a worker too often."""
        most = self.patience.failed_starts
        return not self.ready and all(place.failed_starts >= most for place in self.places)

    def has_got_ready(self, serial: int, now: float) -> None:
        """Hear that a process serves; a renewal then asks the one before it to end."""
        process = self.processes.get(serial)
        if process is None or process.phase is not Phase.STARTING:
            return
        process.phase, process.since = Phase.READY, now
        self.places[process.place].failed_starts = 0

    def has_ended(self, serial: int, now: float) -> None:
        """Hear that a process is no more, by whatever end."""
        process = self.processes.pop(serial)
        if process.phase is Phase.DRAINING or self.is_ending:
            return
        place = self.places[process.place]
        self._count_death(place, process, now)
        if process.phase is Phase.STARTING and self._of(process.place):
            # What serves goes on: a build or a configuration that cannot start ends nobody.
            self._renew_below = 0
            self.renewals_failed += 1

    def renew(self) -> None:
        """Replace every worker that was started before now, one after the other."""
        self._renew_below = self._next_serial

    def end(self) -> None:
        """Start nobody any more, and let everybody end."""
        self.is_ending = True

    def steps(self, now: float) -> list[Step]:
        """Return what is to be done now; it counts as done from then on."""
        return [*self._late(now), *(self._ending(now) if self.is_ending else self._going_on(now))]

    def _count_death(self, place: Place, process: Process, now: float) -> None:
        has_served = process.phase is Phase.READY
        is_steady = has_served and now - process.since >= self.patience.steady
        place.deaths = 1 if is_steady else place.deaths + 1
        place.failed_starts += not has_served
        place.empty_until = now + self.patience.pause(place.deaths, has_served=has_served)

    def _going_on(self, now: float) -> Iterator[Step]:
        for number, place in enumerate(self.places):
            if not self._staying(number) and now >= place.empty_until:
                place.restarts += place.deaths > 0
                yield self._start(number, now)
        yield from self._renewal(now)

    def _renewal(self, now: float) -> Iterator[Step]:
        """Take the next step of a renewal; one at a time is on its way."""
        for older in [one for one in self.ready if self._is_succeeded(one)]:
            yield self._drain(older, now)
        if any(one.phase is not Phase.READY for one in self.processes.values()):
            return
        old = next((one for one in self.ready if one.serial < self._renew_below), None)
        if old is not None:
            yield self._start(old.place, now)

    def _is_succeeded(self, process: Process) -> bool:
        return any(one.place == process.place and one.serial > process.serial for one in self.ready)

    def _ending(self, now: float) -> Iterator[Step]:
        for process in self.processes.values():
            if process.phase is not Phase.DRAINING:
                yield self._drain(process, now)

    def _late(self, now: float) -> Iterator[Step]:
        limits = {Phase.STARTING: self.patience.start, Phase.DRAINING: self.patience.drain}
        for process in self.processes.values():
            limit = limits.get(process.phase)
            if limit is not None and not process.is_killed and now - process.since > limit:
                process.is_killed = True
                yield Kill(process.serial)

    def _start(self, place: int, now: float) -> Start:
        serial, self._next_serial = self._next_serial, self._next_serial + 1
        self.processes[serial] = Process(serial, place, now)
        return Start(place, serial)

    def _drain(self, process: Process, now: float) -> Drain:
        process.phase, process.since = Phase.DRAINING, now
        return Drain(process.serial)

    def _of(self, place: int) -> list[Process]:
        return [one for one in self.processes.values() if one.place == place]

    def _staying(self, place: int) -> bool:
        """Whether somebody has a place who was not asked to leave it."""
        return any(one.phase is not Phase.DRAINING for one in self._of(place))
