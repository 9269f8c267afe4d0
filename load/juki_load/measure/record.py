"""What became of the calls of a run, by kind and by time.

Each latency counts from the time at which the call was due, not from when it was sent: a center
that stands still is seen as long as it stands still, by every call that was due meanwhile.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_load.measure.histogram import Histogram

if TYPE_CHECKING:
    from juki_load.wire.header_blocks import Ending

UNANSWERED: Final = "UNANSWERED"
"""The reason of calls that had not ended when the run gave them up."""
_ALWAYS_COUNTED: Final = frozenset(("watch", "reconnect"))
"""Streams are opened while the center warms up, and are there for the whole run."""
_SHED: Final = frozenset((8, 14))
"""RESOURCE_EXHAUSTED and UNAVAILABLE: come back later, where a delay is said."""


@dataclass(slots=True)
class Slot:
    """The calls that were due in one stretch of time."""

    answered: int = 0
    shed: int = 0
    failed: int = 0
    latencies: Histogram = field(default_factory=Histogram)

    def merge(self, other: Slot) -> None:
        """Add another one."""
        self.answered += other.answered
        self.shed += other.shed
        self.failed += other.failed
        self.latencies.merge(other.latencies)


@dataclass(slots=True)
class KindRecord:
    """All calls of one kind."""

    answered: int = 0
    shed: int = 0
    """Refused with the time after which to come again."""
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Why calls were not answered, shed ones too."""
    latencies: Histogram = field(default_factory=Histogram)
    """Of answered calls."""
    shed_latencies: Histogram = field(default_factory=Histogram)
    slots: dict[int, Slot] = field(default_factory=dict)

    @property
    def due(self) -> int:
        """How many calls were due."""
        return self.answered + self.shed + self.failed

    def merge(self, other: KindRecord) -> None:
        """Add the record of another process or machine."""
        self.answered += other.answered
        self.shed += other.shed
        self.failed += other.failed
        self.reasons += other.reasons
        self.latencies.merge(other.latencies)
        self.shed_latencies.merge(other.shed_latencies)
        for number, slot in other.slots.items():
            self.slots.setdefault(number, Slot()).merge(slot)


class Recorder:
    """Takes the ends of calls; times are seconds from the beginning of the run."""

    def __init__(self, slot_seconds: float, warm_up_seconds: float = 0.0) -> None:
        """Calls that are due before the warm-up ends are made and not counted."""
        self.kinds: dict[str, KindRecord] = {}
        self.lateness = Histogram()
        """How much later than due calls were sent: the generator's own delay."""
        self._slot_seconds = slot_seconds
        self._warm_up = warm_up_seconds

    def ended(self, kind: str, due: float, end: float, ending: Ending) -> None:
        """Count a call that was due, and ended."""
        if due < self._warm_up and kind not in _ALWAYS_COUNTED:
            return
        record = self.kinds.setdefault(kind, KindRecord())
        slot = record.slots.setdefault(int(due / self._slot_seconds), Slot())
        seconds = end - due
        if ending.is_ok:
            record.answered += 1
            slot.answered += 1
            record.latencies.add(seconds)
            slot.latencies.add(seconds)
            return
        record.reasons[ending.name] += 1
        if ending.code in _SHED and ending.retry_after_seconds is not None:
            record.shed += 1
            slot.shed += 1
            record.shed_latencies.add(seconds)
        else:
            record.failed += 1
            slot.failed += 1

    def sent(self, due: float, now: float) -> None:
        """Count how late a call was sent."""
        if due >= self._warm_up:
            self.lateness.add(now - due)
