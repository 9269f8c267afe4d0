"""The watch over the log: leaf by leaf, each once, and alerts where a rule's limit is reached.

Counts, alerts and how far the watch has come commit together, so that a crash neither forgets a
leaf nor counts one twice. An alert is itself a leaf: nobody can take it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from juki_audit.leaf import Leaf
from juki_center.areas.alerts.rows import ID_OCTETS, Alert, Alerts, Tally
from juki_center.areas.alerts.rules import AlertPolicy, Limit, Sighting, sightings
from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.audit.rows import LogRows
from juki_center.errors import Reason, Refusal

if TYPE_CHECKING:
    from juki_center.areas.ports import Chance

AT_ONCE: Final = 500
"""How many leaves one act watches, so that other acts wait no longer than for those."""


class LogTx(Protocol):
    """What reading the log needs of a transaction."""

    @property
    def audit(self) -> LogRows: ...

    @property
    def alerts(self) -> Alerts: ...


class WatchTx(LogTx, Protocol):
    """What watching the log needs of a transaction."""

    @property
    def chance(self) -> Chance: ...


@dataclass(frozen=True, slots=True)
class Watched:
    """What one act has watched: the alerts that it raised, and whether there is more to watch."""

    alerts: tuple[Alert, ...]
    has_more: bool


def watch_log(tx: WatchTx, now: datetime, policy: AlertPolicy, caller_uri: str) -> Watched:
    """Act: watch the next leaves, and raise what they amount to."""
    begin = tx.alerts.watched()
    leaves = tx.audit.contents(begin, AT_ONCE)
    raised: list[Alert] = []
    for index, leaf in leaves:
        for sighting in sightings(leaf, policy):
            limit = policy.limits[sighting.kind]
            if alert := _count(tx, sighting, limit, leaf.at, index, now):
                raised.append(alert)
                raise_alert(tx, alert, caller_uri)
    size = min(begin + AT_ONCE, tx.audit.size())
    tx.alerts.set_watched(size)
    _forget(tx, policy, now)
    return Watched(tuple(raised), has_more=size < tx.audit.size())


def _count(
    tx: WatchTx, sighting: Sighting, limit: Limit, at: datetime, index: int, now: datetime
) -> Alert | None:
    """Count one sighting; return the alert that it completes."""
    kind, actor, window = sighting.kind, sighting.actor, limit.window(at)
    before, here = tx.alerts.tally(kind, actor, window - 1), tx.alerts.tally(kind, actor, window)
    first = here.first if here.count else index
    total = before.count + here.count + 1
    is_told = before.is_told or here.is_told
    is_alert = total >= limit.count and not is_told
    tx.alerts.keep_tally(
        kind, actor, window, Tally(here.count + 1, first, is_told=here.is_told or is_alert)
    )
    if not is_alert:
        return None
    since = before.first if before.count else first
    return Alert(tx.chance.octets(ID_OCTETS).hex(), kind, now, actor, total, since, index)


def raise_alert(tx: WatchTx, alert: Alert, caller_uri: str) -> None:
    """Keep an alert, and write its leaf."""
    tx.alerts.add(alert)
    tx.audit.append(
        AuditEvent(
            event=Event.ALERT_RAISED,
            at=alert.at,
            caller_uri=caller_uri,
            resource=alert.id,
            details=(
                ("kind", alert.kind),
                ("actor", alert.actor),
                ("count", str(alert.count)),
                ("first", str(alert.first)),
                ("last", str(alert.last)),
            ),
        )
    )


def _forget(tx: WatchTx, policy: AlertPolicy, now: datetime) -> None:
    for kind, limit in policy.limits.items():
        tx.alerts.forget_tallies(kind, limit.window(now) - 2)


def see_alert(tx: LogTx, alert_id: str, now: datetime, caller_uri: str) -> Alert:
    """Act: note that an operator has seen an alert; a second time changes nothing.

    Raises Refusal(ALERT_NOT_FOUND).
    """
    alert = tx.alerts.alert(alert_id)
    if alert is None:
        raise Refusal(Reason.ALERT_NOT_FOUND)
    if alert.seen_at is not None:
        return alert
    tx.alerts.see(alert_id, now, caller_uri)
    tx.audit.append(
        AuditEvent(event=Event.ALERT_SEEN, at=now, caller_uri=caller_uri, resource=alert_id)
    )
    return tx.alerts.alert(alert_id) or alert


def leaves_of(tx: LogTx, alert: Alert, policy: AlertPolicy) -> Sequence[tuple[int, Leaf]]:
    """Return the leaves that an alert was raised for, as far as their content is still kept."""
    found: list[tuple[int, Leaf]] = []
    wanted = Sighting(alert.kind, alert.actor)
    for begin in range(alert.first, alert.last + 1, AT_ONCE):
        count = min(AT_ONCE, alert.last + 1 - begin)
        found += [
            (index, leaf)
            for index, leaf in tx.audit.contents(begin, count)
            if wanted in sightings(leaf, policy)
        ]
    return found
