"""Alerts of terminals that fall silent while windows are open, or work by an old hotlist.

A terminal that is cut off or revoked is silent by order, one that was silent for a week is out of
service: the list of terminals shows both, and nobody is woken. Each silence is told once, an
old hotlist once a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from juki_audit.leaf import EPOCH
from juki_center.areas.alerts.rows import ID_OCTETS, Alert, Tally
from juki_center.areas.alerts.rules import AlertKind, AlertPolicy
from juki_center.areas.alerts.watching import LogTx, WatchTx, raise_alert
from juki_center.areas.days import JAPAN
from juki_center.areas.fleet.terminals import FleetLimits, TerminalState, TerminalView
from juki_center.areas.open_days import FIRST_YEAR, LAST_YEAR, is_open

OUT_OF_SERVICE: Final = timedelta(days=7)
_SECOND: Final = timedelta(seconds=1)
_KEPT: Final = 2 * OUT_OF_SERVICE


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something about one terminal that is worth an alert, once for each `window`."""

    kind: AlertKind
    uri: str
    window: int


def troubles(
    found: Iterable[TerminalView], now: datetime, policy: AlertPolicy, limits: FleetLimits
) -> list[Trouble]:
    """Return what is worth an alert now, told or not."""
    is_awake = _windows_are_open(now - limits.silent_for, policy) and _windows_are_open(now, policy)
    return [trouble for one in found for trouble in _of(one, now, limits, is_awake=is_awake)]


def untold(tx: LogTx, found: Iterable[Trouble]) -> list[Trouble]:
    """Return what no alert was raised for."""
    return [one for one in found if not tx.alerts.tally(one.kind, one.uri, one.window).is_told]


def tell(tx: WatchTx, found: Iterable[Trouble], now: datetime, caller_uri: str) -> list[Alert]:
    """Act: raise an alert for each of these that was not told yet."""
    raised = []
    for one in untold(tx, found):
        tx.alerts.keep_tally(one.kind, one.uri, one.window, Tally(1, is_told=True))
        # No leaf is behind it but its own, which comes next.
        index = tx.audit.size()
        alert = Alert(tx.chance.octets(ID_OCTETS).hex(), one.kind, now, one.uri, 1, index, index)
        raise_alert(tx, alert, caller_uri)
        raised.append(alert)
    for kind in (AlertKind.TERMINAL_SILENT, AlertKind.OLD_HOTLIST):
        tx.alerts.forget_tallies(kind, _window(now - _KEPT))
    return raised


def _of(
    one: TerminalView, now: datetime, limits: FleetLimits, *, is_awake: bool
) -> Iterator[Trouble]:
    report = one.report
    if report is None or one.cut_off or one.is_revoked:
        return
    state = one.state(now, limits)
    if state is TerminalState.SILENT:
        if is_awake and now - report.at < OUT_OF_SERVICE:
            yield Trouble(AlertKind.TERMINAL_SILENT, one.uri, _window(report.at))
    elif one.has_old_hotlist(limits):
        day = report.at.astimezone(JAPAN).replace(hour=0, minute=0, second=0, microsecond=0)
        yield Trouble(AlertKind.OLD_HOTLIST, one.uri, _window(day))


def _windows_are_open(at: datetime, policy: AlertPolicy) -> bool:
    here = at.astimezone(JAPAN)
    if not policy.opens <= here.time() < policy.closes:
        return False
    return not FIRST_YEAR <= here.year <= LAST_YEAR or is_open(here.date())


def _window(at: datetime) -> int:
    return (at - EPOCH) // _SECOND
