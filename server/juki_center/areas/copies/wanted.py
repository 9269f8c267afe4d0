"""Whose entries a copy shows, and what forbids it.

Everything that an answer depends on is read before anything is decided, and decided in memory, so
that how long a refusal takes says nothing about its cause.
"""

from __future__ import annotations

from collections.abc import Sequence

from juki_center.areas.audit.events import Cause
from juki_center.areas.copies.applicants import of_household
from juki_center.areas.copies.commands import IssueCopy, Scope
from juki_center.areas.copies.content import HOUSEHOLDER
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import Hold, ResidenceState, Resident
from juki_center.errors import Reason, Refusal

# The order of a household on one paper; anybody else comes last, in the order of birth.
_ORDER = (HOUSEHOLDER, "夫", "妻", "夫（未届）", "妻（未届）", "子")
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
) -> list[Resident]:
    """Return the persons for the paper, in its order.

    `household` are all records of the applicant's household, `office` is the municipality whose
    register the issuing window keeps. Raises Refusal: ISSUE_SUPPRESSED (as HeldBack),
    USE_LOCAL_COUNTER, RECORD_DELETED, NOT_SAME_HOUSEHOLD, AMBIGUOUS.
    """
    # First, so that nobody learns from the window's answer where a protected applicant lives.
    refuse_held([applicant])
    if applicant.municipality == office:
        raise Refusal(Reason.USE_LOCAL_COUNTER)
    _refuse_deleted([applicant])
    wanted = _wanted(command, applicant, household)
    refuse_held(wanted)
    _refuse_deleted(wanted)
    return sorted(wanted, key=_place)


def householder_of(household: Sequence[Resident]) -> str:
    """Return the householder's name, or nothing where the household has none at present."""
    for member in household:
        if member.state is ResidenceState.ACTIVE and member.record.relationship == HOUSEHOLDER:
            return member.record.name
    return ""


def refuse_held(residents: Sequence[Resident]) -> None:
    """Raise HeldBack if anything holds back even one of them."""
    for resident in residents:
        if resident.record.hold is not None:
            raise HeldBack(resident.record.hold)


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
            return [one for one in household if one.state is ResidenceState.ACTIVE]
        case Scope.LISTED:
            named = {
                (member := of_household(list(household), subject)).person: member
                for subject in command.subjects
            }
            return list(named.values())


def _place(resident: Resident) -> tuple[int, int]:
    relationship, birth = resident.record.relationship, resident.record.birth
    rank = _ORDER.index(relationship) if relationship in _ORDER else len(_ORDER)
    return rank, birth.sort_from
