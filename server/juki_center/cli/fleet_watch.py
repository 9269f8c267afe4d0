"""The watch over the terminals in a center that serves: a look every minute, counted and alerted.

What is worth an alert stands in `areas.alerts.terminals`; what is counted has no URI in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_center.areas.alerts.terminals import tell, troubles, untold
from juki_center.areas.fleet.terminals import STATES, counts, terminals
from juki_center.cli import shipped
from juki_center.cli.log_watch import CALLER_URI
from juki_center.errors import Refusal
from juki_center.rpc.access_log import Alarm
from juki_center.rpc.beside import going_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from juki_center.areas.alerts.rows import Alert
    from juki_center.areas.alerts.rules import AlertPolicy
    from juki_center.areas.alerts.terminals import Trouble
    from juki_center.areas.fleet.terminals import FleetLimits
    from juki_center.areas.ports import Store, Tx
    from juki_center.rpc.access_log import AccessLog
    from juki_center.rpc.metrics import Metrics

logger = logging.getLogger(__name__)

_PERIOD_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class FleetWatch:
    """What the watch stands on."""

    store: Store
    policy: AlertPolicy
    limits: FleetLimits
    log: AccessLog
    metrics: Metrics
    clock: Callable[[], datetime]

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch until the block ends."""
        async with going_on(self.keep_watching(_a_minute)):
            yield

    async def keep_watching(self, pause: Callable[[], Awaitable[None]]) -> None:
        """Look at the terminals, pause, and begin again."""
        while True:
            try:
                await self.look()
            except Refusal as refusal:
                logger.warning("the terminals were not watched: %s", refusal.reason)
            except Exception as error:
                # Nothing that a row holds is told, only what kind of defect it is.
                logger.error("the terminals were not watched: %s", type(error).__name__)  # noqa: TRY400
            await pause()

    async def look(self) -> list[Alert]:
        """Count the terminals, and raise what was not told yet; return the new alerts."""
        now = self.clock()
        found = self.store.read(lambda tx: self._count(tx, now))
        if not found:
            return []
        raised = await self.store.act(lambda tx: tell(tx, found, now, CALLER_URI))
        for alert in raised:
            self.log.record(Alarm(alert.at, alert.kind, alert.actor))
            self.metrics.alerts.labels(alert.kind).inc()
        return raised

    def _count(self, tx: Tx, now: datetime) -> list[Trouble]:
        found = terminals(tx, shipped.municipalities())
        states, versions = counts(found, now, self.limits)
        for state in STATES:
            self.metrics.terminals.labels(state).set(states[state])
        # A version that is gone must not be told for ever.
        self.metrics.terminal_versions.clear()
        for version, number in versions.items():
            self.metrics.terminal_versions.labels(version).set(number)
        return untold(tx, troubles(found, now, self.policy, self.limits))


async def _a_minute() -> None:
    await asyncio.sleep(_PERIOD_SECONDS)
