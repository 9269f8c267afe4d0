"""When an agency's refusals are an alarm: so many of them within a sliding window of time.

Whoever sees refusals keeps a `Refusals` for each agency, and acts on an alarm by `raise_alarm`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.callers import Agency
from juki_center.errors import Reason

SUSPICIOUS: Final = frozenset(
    {Reason.AFFAIR_NOT_AUTHORISED, Reason.ITEM_NOT_PERMITTED, Reason.QUERY_TOO_BROAD}
)
"""Refusals that count: the agency's own doing. A municipality that is cut off is nobody's guilt."""


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """So many refusals within this time are an alarm; the last one exactly `within` after the
    first counts still."""

    refusals: int = 10
    within: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Refusals:
    """When an agency was refused lately, oldest first, since the last alarm."""

    times: tuple[datetime, ...] = ()

    def with_one_at(self, moment: datetime, rule: AlarmRule) -> tuple[Refusals, bool]:
        """Return what is known after one more refusal, and whether it completes an alarm.

        An alarm begins the count anew, so that a flood alarms once in every `rule.refusals`.
        """
        recent = tuple(one for one in self.times if moment - one <= rule.within)
        times = (*recent, moment)
        if len(times) >= rule.refusals:
            return Refusals(), True
        return Refusals(times), False


class AlarmTx(Protocol):
    """What an alarm needs of a transaction."""

    @property
    def audit(self) -> AuditLog: ...


def raise_alarm(tx: AlarmTx, agency: Agency, now: datetime, rule: AlarmRule) -> None:
    """Act: write into the log that an agency was refused too often."""
    tx.audit.append(
        AuditEvent(
            event=Event.AGENCY_ALARM,
            at=now,
            caller_uri=agency.uri,
            details=(
                ("refusals", str(rule.refusals)),
                ("within_seconds", str(int(rule.within.total_seconds()))),
            ),
        )
    )
