"""What in the log is worth an alert: so many sightings of one kind and actor within a time.

The standard analyses of the network's logs (technical standard, 10-2) are access at night and on
holidays, failures, mass searches, and who looked at whom. Each rule reads single leaves; counting
is the same for all. A limit counts over two neighbouring half windows: so many within half of
`within` are always seen, so many in more than `within` never.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from juki_audit.leaf import DONE, EPOCH, Leaf
from juki_center.areas.audit.events import Cause, Event
from juki_center.areas.days import JAPAN
from juki_center.areas.open_days import FIRST_YEAR, LAST_YEAR, is_open


class AlertKind(StrEnum):
    """What an alert is about; the runbook has a section for each."""

    MASS_LOOKS = "MASS_LOOKS"
    MASS_CONFIRMATIONS = "MASS_CONFIRMATIONS"
    OUT_OF_HOURS = "OUT_OF_HOURS"
    REPEATED_FAILURES = "REPEATED_FAILURES"
    MANY_LOOKS_AT_PERSON = "MANY_LOOKS_AT_PERSON"
    PROTECTED_SOUGHT = "PROTECTED_SOUGHT"
    MANY_SUSPENSIONS = "MANY_SUSPENSIONS"
    NOTICE_SET_ASIDE = "NOTICE_SET_ASIDE"
    TERMINAL_SILENT = "TERMINAL_SILENT"
    OLD_HOTLIST = "OLD_HOTLIST"
    WITNESSES_LAG = "WITNESSES_LAG"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many within this time are an alert."""

    count: int
    within: timedelta

    def window(self, at: datetime) -> int:
        """Return the number of the half window that a time falls into."""
        return (at - EPOCH) // (self.within / 2)


_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


USUAL: Final[Mapping[AlertKind, Limit]] = {
    AlertKind.MASS_LOOKS: Limit(60, _HOUR),
    AlertKind.MASS_CONFIRMATIONS: Limit(1_000, _HOUR),
    AlertKind.OUT_OF_HOURS: Limit(1, _DAY),
    AlertKind.REPEATED_FAILURES: Limit(10, timedelta(minutes=10)),
    AlertKind.MANY_LOOKS_AT_PERSON: Limit(20, _DAY),
    AlertKind.PROTECTED_SOUGHT: Limit(2, 7 * _DAY),
    AlertKind.MANY_SUSPENSIONS: Limit(10, _HOUR),
    AlertKind.NOTICE_SET_ASIDE: Limit(1, _DAY),
}
"""The limits where the configuration says nothing else; judgments, to be tuned in operation."""


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """When windows are open, by the clock of Japan, and what is too often."""

    opens: time
    closes: time
    limits: Mapping[AlertKind, Limit] = field(default_factory=lambda: USUAL)

    @classmethod
    def of(cls, opens: time, closes: time, counts: Mapping[str, int]) -> AlertPolicy:
        """Return the usual policy with other counts for some kinds, named in lower case."""
        limits = {
            kind: replace(limit, count=counts.get(kind.lower(), limit.count))
            for kind, limit in USUAL.items()
        }
        return cls(opens, closes, limits)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One leaf that counts for a rule, and for whom: a clerk's id, a caller's URI, or a person's
    keyed hash in hexadecimal."""

    kind: AlertKind
    actor: str


_LOOKS: Final = frozenset(
    (
        Event.RECORD_READ,
        Event.CARD_READ,
        Event.CARD_FACE_READ,
        Event.APPLICATION_READ,
        Event.MOVE_READ,
        Event.COPY_ISSUED,
        Event.COPY_REFUSED,
    )
)
_OWN: Final = frozenset((Event.ALERT_RAISED, Event.ALERT_SEEN, Event.PERSON_TRACED))
_BY_TELEPHONE: Final = frozenset((Event.CARD_SUSPENDED,))
_SOUGHT: Final = str(Cause.PROTECTIVE_MEASURE)


def sightings(leaf: Leaf, policy: AlertPolicy) -> Iterator[Sighting]:
    """Yield what a leaf counts for; nothing for the watchers' own leaves."""
    if leaf.event in _OWN:
        return
    who = leaf.clerk or leaf.caller_uri
    if leaf.outcome != DONE:
        yield Sighting(AlertKind.REPEATED_FAILURES, leaf.caller_uri)
    if leaf.event in _LOOKS and not _is_proved(leaf):
        yield Sighting(AlertKind.MASS_LOOKS, who)
    if leaf.event == Event.IDENTITY_CONFIRMED:
        yield Sighting(AlertKind.MASS_CONFIRMATIONS, leaf.caller_uri)
    if leaf.event == Event.CARD_SUSPENDED:
        yield Sighting(AlertKind.MANY_SUSPENSIONS, leaf.caller_uri)
    if leaf.event == Event.NOTICE_SET_ASIDE:
        yield Sighting(AlertKind.NOTICE_SET_ASIDE, leaf.residence)
    if _is_out_of_hours(leaf, policy):
        yield Sighting(AlertKind.OUT_OF_HOURS, who)
    yield from _of_persons(leaf)


def _of_persons(leaf: Leaf) -> Iterator[Sighting]:
    if leaf.event not in _LOOKS:
        return
    is_sought = leaf.outcome == _SOUGHT
    for subject in leaf.subjects:
        yield Sighting(AlertKind.MANY_LOOKS_AT_PERSON, subject.hex())
        if is_sought:
            yield Sighting(AlertKind.PROTECTED_SOUGHT, subject.hex())


def _is_proved(leaf: Leaf) -> bool:
    """Whether the person was there with card and PIN: then nobody has searched."""
    return leaf.details.get("proof") == "card"


def _is_out_of_hours(leaf: Leaf, policy: AlertPolicy) -> bool:
    if "/terminal/" not in leaf.caller_uri or leaf.event in _BY_TELEPHONE:
        return False
    here = leaf.at.astimezone(JAPAN)
    if not policy.opens <= here.time() < policy.closes:
        return True
    # Of a year without a calendar nobody knows which days are closed.
    return FIRST_YEAR <= here.year <= LAST_YEAR and not is_open(here.date())
