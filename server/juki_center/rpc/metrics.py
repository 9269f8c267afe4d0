"""Counters of the edge, for `/metrics`; labels are methods and reasons, never people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
UNKNOWN_METHOD: Final = "unknown"


class Metrics:
    """One registry for each server, so that two servers in one process do not mix."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "juki_calls",
            "Calls that ended, by method, code and reason.",
            ("method", "code", "reason"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "juki_call_seconds",
            "How long calls took.",
            ("method",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
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
        self.agency_alarms = Counter(
            "juki_agency_alarms",
            "How often an agency was refused so often that it is an alarm.",
            ("agency",),
            registry=self._registry,
        )

    def tell_expiries(self, expiries: Callable[[], Iterable[tuple[str, str, float]]]) -> None:
        """Tell with each reading what ends when: its kind, its name, and seconds until then.

        Names are those of certificates and machines, never of people.
        """
        self._registry.register(_Expiries(expiries))

    def count(self, *, method: str, code: str, reason: str, seconds: float) -> None:
        """Count a call that ended; `method` is one that is served, or UNKNOWN_METHOD."""
        self._calls.labels(method, code, reason).inc()
        self._seconds.labels(method).observe(seconds)

    def exposition(self) -> bytes:
        """Return all values in the text format of Prometheus."""
        return generate_latest(self._registry)


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
