"""Every terminal as operators see it: last report, end of the certificate, who is cut off.

A terminal is here from its enrolment on; one that never reported is here too. What a terminal says
of itself holds for the time of its report. Nothing here is about a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from juki_center.areas.fleet.certificates import PeerCertificates
from juki_center.areas.fleet.disconnections import (
    Disconnections,
    Scope,
    Standing,
    Subject,
    subjects_of,
)
from juki_center.areas.fleet.ends import SOON
from juki_center.areas.fleet.reports import TerminalReport, TerminalReports
from juki_center.areas.fleet.revocations import Revocations
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipalities

REPORT: Final = "/jukinet.fleet.v1.TerminalService/ReportStatus"
OTHERS: Final = "other"
_VERSIONS_SHOWN: Final = 10
_PLACE: Final = "juki://municipality/"
_KIND: Final = "/terminal/"


class TerminalState(StrEnum):
    """Whether a terminal has said anything lately."""

    REPORTING = "REPORTING"
    SILENT = "SILENT"
    NEVER = "NEVER"


@dataclass(frozen=True, slots=True)
class FleetLimits:
    """How long a terminal may say nothing, and how old its hotlist may be when it reports.

    A terminal reports once an hour: so that one lost report is no silence, more than two are.
    """

    silent_for: timedelta = timedelta(minutes=150)
    hotlist_age: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TerminalView:
    """One terminal. `ends_at` is the end of its current certificate, None where none counts."""

    uri: str
    municipality: MunicipalityCode
    report: TerminalReport | None
    ends_at: datetime | None
    cut_off: Scope | None
    is_revoked: bool

    def state(self, now: datetime, limits: FleetLimits) -> TerminalState:
        """Return whether it has reported lately."""
        if self.report is None:
            return TerminalState.NEVER
        is_silent = now - self.report.at >= limits.silent_for
        return TerminalState.SILENT if is_silent else TerminalState.REPORTING

    @property
    def hotlist_age(self) -> timedelta | None:
        """How old its hotlist was when it reported; None where it has none or never reported."""
        if self.report is None or self.report.hotlist_made_at is None:
            return None
        return self.report.at - self.report.hotlist_made_at

    def has_old_hotlist(self, limits: FleetLimits) -> bool:
        """Whether it worked by an old hotlist, or by none, when it reported."""
        age = self.hotlist_age
        return self.report is not None and (age is None or age >= limits.hotlist_age)

    def ends_within(self, now: datetime, span: timedelta) -> bool:
        """Whether its certificate ends within a time, or none of it counts any more."""
        return self.ends_at is None or self.ends_at - now < span


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which terminals are asked for; what is None or empty asks for all."""

    municipality: MunicipalityCode | None = None
    silent_since: datetime | None = None
    expiring_by: datetime | None = None
    version: str = ""

    def fits(self, terminal: TerminalView) -> bool:
        """Tell whether a terminal is one of them."""
        report = terminal.report
        return (
            self.municipality in (None, terminal.municipality)
            and self.version in ("", report.version if report else None)
            and (self.silent_since is None or report is None or report.at <= self.silent_since)
            and (
                self.expiring_by is None
                or terminal.ends_at is None
                or terminal.ends_at <= self.expiring_by
            )
        )


class TerminalsTx(Protocol):
    """What looking at terminals needs of a transaction."""

    @property
    def disconnections(self) -> Disconnections: ...

    @property
    def peer_certificates(self) -> PeerCertificates: ...

    @property
    def revocations(self) -> Revocations: ...

    @property
    def terminal_reports(self) -> TerminalReports: ...


def terminals(tx: TerminalsTx, municipalities: Municipalities) -> list[TerminalView]:
    """Return every terminal, by URI."""
    ends = dict(tx.peer_certificates.ends())
    reports = {report.uri: report for report in tx.terminal_reports.every()}
    cut_off = frozenset(one.subject for one in tx.disconnections.every())
    # Thousands are looked at each minute; that somebody is shut out is rare, and asked for then.
    has_revoked = tx.revocations.count() > 0
    offices: dict[str, MunicipalityCode] = {}
    found = []
    for uri in sorted(uri for uri in ends.keys() | reports.keys() if _is_terminal(uri)):
        office = _office(uri, offices)
        found.append(
            TerminalView(
                uri,
                office,
                reports.get(uri),
                ends.get(uri),
                _scope(uri, office, cut_off, municipalities) if cut_off else None,
                is_revoked=has_revoked and tx.revocations.has(b"", uri),
            )
        )
    return found


def _is_terminal(uri: str) -> bool:
    return uri.startswith(_PLACE) and _KIND in uri


def _office(uri: str, known: dict[str, MunicipalityCode]) -> MunicipalityCode:
    """Return whose a terminal is; each code is checked once."""
    digits = uri.removeprefix(_PLACE).partition("/")[0]
    if digits not in known:
        known[digits] = MunicipalityCode(digits)
    return known[digits]


def _scope(
    uri: str, office: MunicipalityCode, cut_off: Set[Subject], municipalities: Municipalities
) -> Scope | None:
    register = municipalities.register_of(office) if office in municipalities else office
    mine = subjects_of(Standing(REPORT, "terminal", uri, office, register))
    return next((one.scope for one in mine if one in cut_off), None)


def counts(
    found: Iterable[TerminalView], now: datetime, limits: FleetLimits
) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many terminals are in each state, and how many run each version.

    A terminal may be in several states: silent, and expiring too. Versions are what terminals say:
    the ten most frequent are told, all others together, so that nobody can make up thousands.
    """
    states: Counter[str] = Counter({state: 0 for state in STATES})
    versions: Counter[str] = Counter()
    for one in found:
        states.update(_states(one, now, limits))
        if one.report is not None:
            versions[one.report.version] += 1
    shown = dict(versions.most_common(_VERSIONS_SHOWN))
    shown[OTHERS] = versions.total() - sum(shown.values())
    return dict(states), shown


STATES: Final = (
    *(state.lower() for state in TerminalState),
    "expiring",
    "old_hotlist",
    "cut_off",
    "revoked",
)


def _states(one: TerminalView, now: datetime, limits: FleetLimits) -> list[str]:
    if one.is_revoked:
        return ["revoked"]
    found = [one.state(now, limits).lower()]
    found += ["expiring"] if one.ends_within(now, SOON) else []
    found += ["old_hotlist"] if one.has_old_hotlist(limits) else []
    return found + (["cut_off"] if one.cut_off else [])
