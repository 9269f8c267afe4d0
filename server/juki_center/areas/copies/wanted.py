"""Whose entries a copy shows, and what forbids it.

Everything that an answer depends on is read before anything is decided, and decided in memory, so
that how long a refusal takes says nothing about its cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from juki_center.areas.audit.events import Cause
from juki_center.areas.copies.applicants import of_household
from juki_center.areas.copies.commands import IssueCopy, Scope
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.household_order import in_paper_order, living
from juki_center.areas.residents.protection import hold_at
from juki_center.areas.residents.records import Hold, ResidenceState, Resident
from juki_center.errors import Reason, Refusal

_CAUSES = {
    Hold.PROTECTIVE_MEASURE: Cause.PROTECTIVE_MEASURE,
    Hold.UNDER_CORRECTION: Cause.UNDER_CORRECTION,
}


class HeldBack(Refusal):
    """Nothing may be issued away from the residence. The caller reads the same for every cause."""

    def __init__(self, hold: Hold) -> None:
        super().__init__(Reason.ISSUE_SUPPRESSED)
        self.cause = _CAUSES[hold]


def choose(
    command: IssueCopy,
    applicant: Resident,
    household: Sequence[Resident],
    office: MunicipalityCode,
    now: datetime,
) -> list[Resident]:
    """Return the persons for the paper, in its order.

    `household` are all records of the applicant's household, `office` is the municipality whose
    register the issuing window keeps. Raises Refusal: ISSUE_SUPPRESSED (as HeldBack),
    USE_LOCAL_COUNTER, RECORD_DELETED, NOT_SAME_HOUSEHOLD, AMBIGUOUS.
    """
    # First, so that nobody learns from the window's answer where a protected applicant lives.
    refuse_held([applicant], now)
    if applicant.municipality == office:
        raise Refusal(Reason.USE_LOCAL_COUNTER)
    _refuse_deleted([applicant])
    wanted = _wanted(command, applicant, household)
    refuse_held(wanted, now)
    _refuse_deleted(wanted)
    return in_paper_order(wanted)


def refuse_held(residents: Sequence[Resident], now: datetime) -> None:
    """Raise HeldBack if anything holds back even one of them now."""
    holds = [hold_at(resident.record, now) for resident in residents]
    for hold in holds:
        if hold is not None:
            raise HeldBack(hold)


def _refuse_deleted(residents: Sequence[Resident]) -> None:
    if any(resident.state is not ResidenceState.ACTIVE for resident in residents):
        raise Refusal(Reason.RECORD_DELETED)


def _wanted(
    command: IssueCopy, applicant: Resident, household: Sequence[Resident]
) -> list[Resident]:
    match command.scope:
        case Scope.SELF:
            return [applicant]
        case Scope.HOUSEHOLD:
            return living(household)
        case Scope.LISTED:
            named = {
                (member := of_household(list(household), subject)).person: member
                for subject in command.subjects
            }
            return list(named.values())
