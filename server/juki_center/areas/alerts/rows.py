"""What the store keeps of alerts: counts of half windows, and alerts until they are seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from juki_center.areas.alerts.rules import AlertKind

ID_OCTETS = 8


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody must look at.

    `actor` is a clerk's id, a caller's URI or a person's keyed hash in hexadecimal; `count` is how
    often it was sighted when the alert was raised, between the leaves `first` and `last`.
    """

    id: str
    kind: AlertKind
    at: datetime
    actor: str
    count: int
    first: int
    last: int
    seen_at: datetime | None = None
    seen_by: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something was sighted in one half window, since which leaf, and whether that was
    an alert already."""

    count: int = 0
    first: int = 0
    is_told: bool = False


class Alerts(Protocol):
    """The alerts of a center, and how far the log was watched."""

    def watched(self) -> int:
        """Return how many leaves were watched."""

    def set_watched(self, size: int) -> None:
        """Say how many leaves were watched."""

    def tally(self, kind: AlertKind, actor: str, window: int) -> Tally:
        """Return what was counted in a half window."""

    def keep_tally(self, kind: AlertKind, actor: str, window: int, tally: Tally) -> None:
        """Keep what was counted in a half window."""

    def forget_tallies(self, kind: AlertKind, before: int) -> None:
        """Forget the half windows of a kind before a number."""

    def add(self, alert: Alert) -> None:
        """Keep a new alert."""

    def alert(self, alert_id: str) -> Alert | None:
        """Return an alert."""

    def newest(self, *, only_unseen: bool, limit: int) -> list[Alert]:
        """Return alerts, the newest first."""

    def unseen(self) -> dict[AlertKind, int]:
        """Return how many alerts of each kind nobody has seen."""

    def see(self, alert_id: str, at: datetime, by: str) -> None:
        """Say that somebody has seen an alert."""
