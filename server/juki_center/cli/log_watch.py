"""The watch over the log in a center that serves: a look every half minute, alerts to be heard.

What is worth an alert stands in `areas.alerts`; an operator hears of it from the log of the
program, from the metrics and from `juki-center alerts`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_center.areas.alerts import witnesses_lag
from juki_center.areas.alerts.rules import AlertKind
from juki_center.areas.alerts.watching import Watched, watch_log
from juki_center.errors import Refusal
from juki_center.rpc.access_log import Alarm
from juki_center.rpc.beside import going_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from juki_center.areas.alerts.rows import Alert
    from juki_center.areas.alerts.rules import AlertPolicy
    from juki_center.areas.ports import Store, Tx
    from juki_center.cli.witnessing import Witnesses
    from juki_center.rpc.access_log import AccessLog
    from juki_center.rpc.metrics import Metrics

logger = logging.getLogger(__name__)

CALLER_URI: Final = "juki://center/log-watch"
"""Whom the log names for an alert that was raised."""
_PERIOD_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class LogWatch:
    """What the watch stands on."""

    store: Store
    policy: AlertPolicy
    log: AccessLog
    metrics: Metrics
    clock: Callable[[], datetime]
    witnesses: Witnesses | None = None

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch until the block ends."""
        async with going_on(self.keep_watching(_half_a_minute)):
            yield

    async def keep_watching(self, pause: Callable[[], Awaitable[None]]) -> None:
        """Pause, look at what the log has got since, and begin again."""
        while True:
            await pause()
            try:
                await self.look()
            except Refusal as refusal:
                logger.warning("the log was not watched: %s", refusal.reason)
            except Exception as error:
                # Its text may quote what a leaf holds: only its kind is told.
                logger.error("the log was not watched: %s", type(error).__name__)  # noqa: TRY400

    async def look(self) -> tuple[Alert, ...]:
        """Watch all leaves that were not watched yet; return and tell the alerts."""
        raised: list[Alert] = []
        has_more = True
        while has_more:
            watched = await self.store.act(self._act)
            raised += watched.alerts
            has_more = watched.has_more
        raised += await self._look_at_witnesses()
        for alert in raised:
            self.log.record(Alarm(alert.at, alert.kind, alert.actor))
            self.metrics.alerts.labels(alert.kind).inc()
        self._count_unseen()
        return tuple(raised)

    def _act(self, tx: Tx) -> Watched:
        return watch_log(tx, self.clock(), self.policy, CALLER_URI)

    async def _look_at_witnesses(self) -> list[Alert]:
        if self.witnesses is None:
            return []
        policy, lag, now = self.witnesses.policy(), self.witnesses.lag, self.clock()
        if not self.store.read(lambda tx: witnesses_lag.is_untold(tx, policy, lag, now)):
            return []
        return [await self.store.act(lambda tx: witnesses_lag.tell(tx, now, CALLER_URI))]

    def _count_unseen(self) -> None:
        unseen = self.store.read(lambda tx: tx.alerts.unseen())
        for kind in AlertKind:
            self.metrics.unseen_alerts.labels(kind).set(unseen.get(kind, 0))


async def _half_a_minute() -> None:
    await asyncio.sleep(_PERIOD_SECONDS)
