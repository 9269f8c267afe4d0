"""Agencies that are refused too often: an operator hears of them from log, metric and audit.

How often is too often is a rule of the area; here each agency's refusals are kept in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.agencies.alarms import SUSPICIOUS, Refusals, raise_alarm
from juki_center.areas.audit.events import DeniedAttempt
from juki_center.rpc.access_log import Alarm
from juki_center.rpc.durable import durably

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType

    from juki_center.areas.agencies.alarms import AlarmRule
    from juki_center.areas.callers import Agency
    from juki_center.areas.ports import Store
    from juki_center.rpc.access_log import AccessLog
    from juki_center.rpc.metrics import Metrics

_ALARM: Final = "AGENCY_ALARM"


class Watching:
    """A block whose end is watched; a class, since every question of an agency is in one."""

    __slots__ = ("_agency", "_alarms")

    def __init__(self, alarms: AgencyAlarms, agency: Agency) -> None:
        self._alarms = alarms
        self._agency = agency

    async def __aenter__(self) -> None:
        """Begin."""

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Count what ended the block, and let it out."""
        if isinstance(error, DeniedAttempt) and error.reason in SUSPICIOUS:
            await self._alarms.count(self._agency)


class AgencyAlarms:
    """Counts the refusals that the log must show, agency by agency."""

    def __init__(
        self,
        store: Store,
        rule: AlarmRule,
        log: AccessLog,
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._rule = rule
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._refusals: dict[str, Refusals] = {}

    def watching(self, agency: Agency) -> Watching:
        """Count a suspicious refusal that ends the block; where it completes an alarm, raise it."""
        return Watching(self, agency)

    async def count(self, agency: Agency) -> None:
        """Count a suspicious refusal; where it completes an alarm, raise it."""
        now = self._clock()
        known = self._refusals.get(agency.uri, Refusals())
        self._refusals[agency.uri], is_alarm = known.with_one_at(now, self._rule)
        if not is_alarm:
            return
        self._log.record(Alarm(now, _ALARM, agency.uri))
        self._metrics.agency_alarms.labels(agency.uri).inc()
        rule = self._rule
        await durably(self._store.act(lambda tx: raise_alarm(tx, agency, now, rule)))
