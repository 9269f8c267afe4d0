"""What every service of a running center stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_center.areas.fleet.ends import ends_of_peers
from juki_center.cli.reloading import Reloading
from juki_center.errors import Refusal
from juki_center.rpc.access_log import AccessLog
from juki_center.rpc.metrics import Metrics
from juki_pki.folder import PKIFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from juki_center.cli.surroundings import Surroundings
    from juki_center.config import CenterConfig
    from juki_center.storage.center_store import CenterStore


@dataclass(frozen=True, slots=True)
class Ground:
    """The configuration at the start, the store and the keys, and how the center tells and hears.

    What may change while the center runs is handed out by `reloading`.
    """

    config: CenterConfig
    store: CenterStore
    pki: PKIFolder
    around: Surroundings
    log: AccessLog
    metrics: Metrics
    reloading: Reloading

    @classmethod
    def of(cls, config: CenterConfig, store: CenterStore, around: Surroundings) -> Ground:
        """Begin to measure, to log and to watch the folder of keys."""
        log, metrics = AccessLog(around.write_log), Metrics()
        reloading = Reloading(config, log, around.clock, around.hangup)
        reloading.with_peers(lambda: _ends_of_peers(store, around.clock()))
        metrics.tell_expiries(reloading.ends)
        metrics.tell_center(environment=config.environment.value, node=config.node)
        metrics.tell_store(lambda: store.busy_seconds)
        return cls(config, store, PKIFolder(config.pki_dir), around, log, metrics, reloading)

    @property
    def clock(self) -> Callable[[], datetime]:
        """The clock that the center goes by."""
        return self.around.clock


def _ends_of_peers(store: CenterStore, now: datetime) -> Mapping[str, datetime]:
    """Return nothing from a store that cannot be read: the other metrics are told then too."""
    try:
        return store.read(lambda tx: ends_of_peers(tx, now)).earliest
    except Refusal:
        return {}
