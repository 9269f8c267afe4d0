"""An alert while the newest head that enough witnesses have cosigned is too old, once a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Protocol

from juki_audit.leaf import EPOCH
from juki_center.areas.alerts.rows import ID_OCTETS, Alert, Tally
from juki_center.areas.alerts.rules import AlertKind
from juki_center.areas.alerts.watching import LogTx, WatchTx, raise_alert
from juki_center.areas.audit.cosignatures import Cosignatures, WitnessPolicy, cosigned_head

ACTOR: Final = "juki://center/witnesses"
"""Whom the alert names: a head needs several witnesses, so that it is about all of them."""
_DAY: Final = timedelta(days=1)
_KEPT_DAYS: Final = 7


class LaggingTx(LogTx, Protocol):
    """What the question needs of a transaction."""

    @property
    def cosignatures(self) -> Cosignatures: ...


def is_untold(tx: LaggingTx, policy: WitnessPolicy, lag: timedelta, now: datetime) -> bool:
    """Say whether witnesses lag, and nobody was told today."""
    if not policy.sites:
        return False
    head = cosigned_head(tx.cosignatures, policy)
    if head is not None and head.cosigned_at >= now - lag:
        return False
    return not tx.alerts.tally(AlertKind.WITNESSES_LAG, ACTOR, _day(now)).is_told


def tell(tx: WatchTx, now: datetime, caller_uri: str) -> Alert:
    """Act: raise the alert of the day."""
    kind, day = AlertKind.WITNESSES_LAG, _day(now)
    tx.alerts.keep_tally(kind, ACTOR, day, Tally(1, is_told=True))
    # No leaf is behind it but its own, which comes next.
    index = tx.audit.size()
    alert = Alert(tx.chance.octets(ID_OCTETS).hex(), kind, now, ACTOR, 1, index, index)
    raise_alert(tx, alert, caller_uri)
    tx.alerts.forget_tallies(kind, day - _KEPT_DAYS)
    return alert


def _day(at: datetime) -> int:
    return (at - EPOCH) // _DAY
