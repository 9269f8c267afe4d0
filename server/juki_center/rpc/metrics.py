"""Counters of the edge, for `/metrics`; labels are methods and reasons, never people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from juki_center.areas.overload.classes import Load
from juki_center.rpc.call_counts import CallCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from juki_center.areas.overload.admission import Reading

UNKNOWN_METHOD: Final = "unknown"


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How much of what waits for a municipality, and for how long already."""

    what: str
    municipality: str
    waiting: int
    set_aside: int = 0
    oldest_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class WitnessAges:
    """Seconds since the newest cosigned head and since each witness signed; None: never.

    The names of the witnesses are those of the configuration.
    """

    head: float | None = None
    size: int = 0
    witnesses: Mapping[str, float] = field(default_factory=dict)


class Metrics:
    """One registry for each server, so that two servers in one process do not mix."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._calls = CallCounts()
        self._registry.register(self._calls)
        self.open_card_sessions = Gauge(
            "juki_card_sessions_open", "Card sessions under way.", registry=self._registry
        )
        self.low_code_stock = Gauge(
            "juki_code_stock_low",
            "Whether a municipality's stock of resident record codes was low at its last draw.",
            ("municipality",),
            registry=self._registry,
        )
        self.open_imports = Gauge(
            "juki_imports_open", "Imports over a stream under way.", registry=self._registry
        )
        self.import_rows = Counter(
            "juki_import_rows",
            "Rows of imports over a stream, by outcome; HELD ones wait for an earlier version.",
            ("outcome",),
            registry=self._registry,
        )
        self.locks_reported = Counter(
            "juki_pin_locks_reported",
            "Reports that some card at a terminal has a locked PIN.",
            registry=self._registry,
        )
        self.cards_suspended = Counter(
            "juki_card_suspensions",
            "Reports of lost cards that were taken, by the role of who took them.",
            ("role",),
            registry=self._registry,
        )
        self.alerts = Counter(
            "juki_alerts",
            "Alerts that the watch over the log raised.",
            ("kind",),
            registry=self._registry,
        )
        self.unseen_alerts = Gauge(
            "juki_alerts_unseen",
            "Alerts that no operator has seen.",
            ("kind",),
            registry=self._registry,
        )
        self.open_batches = Gauge(
            "juki_batches_open", "Batches of agencies under way.", registry=self._registry
        )
        self.open_watches = Gauge(
            "juki_watches_open", "Agencies' streams of changes.", registry=self._registry
        )
        self.open_terminal_watches = Gauge(
            "juki_terminal_watches_open",
            "Streams that tell terminals, desks and agencies what they must know at once.",
            registry=self._registry,
        )
        self.terminals = Gauge(
            "juki_terminals",
            "Terminals by state; one may be in several, such as silent and expiring.",
            ("state",),
            registry=self._registry,
        )
        self.terminal_versions = Gauge(
            "juki_terminal_versions",
            "Terminals by the version that they report; the ten most frequent, and all others.",
            ("version",),
            registry=self._registry,
        )
        self.agency_alarms = Counter(
            "juki_agency_alarms",
            "How often an agency was refused so often that it is an alarm.",
            ("agency",),
            registry=self._registry,
        )

    def tell_center(self, *, environment: str, node: str) -> None:
        """Tell whose center this is: a load test asks before it begins."""
        info = Gauge(
            "juki_center_info",
            "Always 1; the labels say which node this is, and whether it is a production center.",
            ("environment", "node"),
            registry=self._registry,
        )
        info.labels(environment, node).set(1)

    def tell_store(self, busy_seconds: Callable[[], float]) -> None:
        """Tell with each reading for how long the store has been committing."""
        self._registry.register(_Busy(busy_seconds))

    def tell_expiries(self, expiries: Callable[[], Iterable[tuple[str, str, float]]]) -> None:
        """Tell with each reading what ends when: its kind, its name, and seconds until then.

        Names are those of certificates and machines, never of people.
        """
        self._registry.register(_Expiries(expiries))

    def tell_queues(self, lengths: Callable[[], Iterable[QueueLength]]) -> None:
        """Tell with each reading what waits for municipalities that are cut off."""
        self._registry.register(_Queues(lengths))

    def tell_witnesses(self, ages: Callable[[], WitnessAges]) -> None:
        """Tell with each reading how far witnesses have followed the log, and how long ago."""
        self._registry.register(_Witnesses(ages))

    def tell_overload(self, reading: Callable[[], Reading]) -> None:
        """Tell with each reading how many calls were admitted and refused, and what they wait."""
        self._registry.register(_Overload(reading))

    def count(self, *, method: str, code: str, reason: str, seconds: float) -> None:
        """Count a call that ended; `method` is one that is served, or UNKNOWN_METHOD."""
        self._calls.add(method, code, reason, seconds)

    def exposition(self) -> bytes:
        """Return all values in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Busy(Collector):
    """Reads how long the store's writer was busy; the share of time is its saturation."""

    def __init__(self, busy_seconds: Callable[[], float]) -> None:
        self._busy_seconds = busy_seconds

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Return the one counter."""
        family = CounterMetricFamily(
            "juki_store_busy_seconds", "Seconds in which the store committed acts."
        )
        family.add_metric((), self._busy_seconds())
        return (family,)


class _Overload(Collector):
    """Reads what the gate of overload counts, so that a call costs no counter of its own."""

    def __init__(self, reading: Callable[[], Reading]) -> None:
        self._reading = reading

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        """Return calls by class, the limits of the lanes, and the wait that stands."""
        found = self._reading()
        admitted = CounterMetricFamily(
            "juki_overload_admitted", "Calls that were admitted, by class.", labels=("class",)
        )
        refused = CounterMetricFamily(
            "juki_overload_refused", "Calls that were told to come back.", labels=("class",)
        )
        running = GaugeMetricFamily(
            "juki_overload_running", "Calls under way, by class.", labels=("class",)
        )
        limits = GaugeMetricFamily(
            "juki_overload_limit", "How many calls may run at once, by class.", labels=("class",)
        )
        standing = GaugeMetricFamily(
            "juki_overload_standing_seconds", "How long even the fastest call waits."
        )
        for load in Load:
            admitted.add_metric((load.value,), found.admitted.get(load, 0))
            refused.add_metric((load.value,), found.refused.get(load, 0))
            running.add_metric((load.value,), found.running.get(load, 0))
        for load, calls in found.limits.items():
            limits.add_metric((load.value,), calls)
        standing.add_metric((), found.standing_seconds)
        return (admitted, refused, running, limits, standing)


class _Expiries(Collector):
    """Computes the time that is left when it is asked, so that it never stands still."""

    def __init__(self, expiries: Callable[[], Iterable[tuple[str, str, float]]]) -> None:
        self._expiries = expiries

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return one gauge for each certificate."""
        family = GaugeMetricFamily(
            "juki_expiry_seconds",
            "Seconds until a certificate ends; negative afterwards.",
            labels=("kind", "name"),
        )
        for kind, name, seconds in self._expiries():
            family.add_metric((kind, name), seconds)
        return (family,)


class _Witnesses(Collector):
    """Computes the ages when it is asked; a witness that never signed has none."""

    def __init__(self, ages: Callable[[], WitnessAges]) -> None:
        self._ages = ages

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the names alone: nothing is read before somebody asks."""
        return self._families()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the age and the size of the newest cosigned head, and the witnesses' own ages."""
        head, size, witness = self._families()
        found = self._ages()
        if found.head is not None:
            head.add_metric((), found.head)
        size.add_metric((), found.size)
        for name, seconds in found.witnesses.items():
            witness.add_metric((name,), seconds)
        return (head, size, witness)

    def _families(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                "juki_log_cosigned_age_seconds",
                "Since when the newest head that enough witnesses cosigned is cosigned.",
                labels=(),
            ),
            GaugeMetricFamily(
                "juki_log_cosigned_size",
                "The size of that head; 0 where there is none.",
                labels=(),
            ),
            GaugeMetricFamily(
                "juki_log_witness_age_seconds",
                "Since when a witness has cosigned no head.",
                labels=("witness",),
            ),
        )


class _Queues(Collector):
    """Counts what waits when it is asked, so that a queue that ended shows no length."""

    def __init__(self, lengths: Callable[[], Iterable[QueueLength]]) -> None:
        self._lengths = lengths

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the names alone: nothing is read before somebody asks."""
        return self._families()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return lengths, ages and what was set aside, by municipality."""
        waiting, oldest, aside = self._families()
        for one in self._lengths():
            labels = (one.what, one.municipality)
            waiting.add_metric(labels, one.waiting)
            oldest.add_metric(labels, one.oldest_seconds)
            aside.add_metric(labels, one.set_aside)
        return (waiting, oldest, aside)

    def _families(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
        labels = ("what", "municipality")
        return (
            GaugeMetricFamily(
                "juki_queue_waiting", "Notices and updates that wait.", labels=labels
            ),
            GaugeMetricFamily(
                "juki_queue_oldest_seconds", "Since when the oldest notice waits.", labels=labels
            ),
            GaugeMetricFamily(
                "juki_queue_set_aside", "Notices that could not be entered.", labels=labels
            ),
        )
