"""Whether a register agrees with itself: versions, codes, households, directory and records.

It is looked at household by household, some at a time, so that nobody waits for the whole; it finds
kinds and numbers of contradictions and names nobody.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.fleet.queues import FindingKind, Report
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.household_order import needs_head
from juki_center.areas.residents.records import HouseholdID, PersonID, Resident, Residents
from juki_center.areas.residents.rules import check_entries
from juki_center.errors import KeyUnusable, RuleBroken

AT_ONCE: Final = 50
_OF_CODES: Final = frozenset({"ELEVEN_DIGITS", "INVALID_CHECK_DIGIT", "ALL_ZERO"})


@dataclass(frozen=True, slots=True)
class RegisteredPerson:
    """What the tables say of a person without opening the record.

    `kept` are the earlier versions that are there, of which `first` and `last` are the ends; both
    are 0 where there is none.
    """

    person: PersonID
    version: int
    directory_municipality: MunicipalityCode | None
    directory_version: int
    kept: int
    first: int
    last: int


class RegisteredPersons(Protocol):
    """What the store answers about a register as it stands in the tables."""

    def households(
        self, municipality: MunicipalityCode, after: HouseholdID | None, limit: int
    ) -> list[HouseholdID]:
        """Return households of a register in the order of their ids, at most `limit`."""

    def members(
        self, municipality: MunicipalityCode, household: HouseholdID
    ) -> list[RegisteredPerson]:
        """Return what the tables say of those whose records are in a household."""


class CheckTx(Protocol):
    """What a check needs of a transaction."""

    @property
    def registered(self) -> RegisteredPersons: ...

    @property
    def residents(self) -> Residents: ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a check is; `reached` is None where it has not begun."""

    municipality: MunicipalityCode
    reached: HouseholdID | None = None
    persons: int = 0
    found: Counter[FindingKind] = field(default_factory=Counter)
    is_over: bool = False

    def report(self, now: datetime) -> Report:
        """Return what was found."""
        ordered = tuple((kind, self.found[kind]) for kind in FindingKind if self.found[kind])
        return Report(now, self.persons, ordered)


def check_further(tx: CheckTx, before: Progress) -> Progress:
    """Look at the next households. Raises Refusal(RESIDENCE_DISCONNECTED)."""
    municipality = before.municipality
    households = tx.registered.households(municipality, before.reached, AT_ONCE)
    persons, found = before.persons, Counter(before.found)
    for household in households:
        members = tx.registered.members(municipality, household)
        persons += len(members)
        found.update(_contradictions(tx, municipality, members))
    reached = households[-1] if households else before.reached
    return Progress(municipality, reached, persons, found, is_over=len(households) < AT_ONCE)


def _contradictions(
    tx: CheckTx, municipality: MunicipalityCode, members: list[RegisteredPerson]
) -> list[FindingKind]:
    found: list[FindingKind] = []
    opened: list[Resident] = []
    for one in members:
        found += _of_tables(municipality, one)
        try:
            resident = tx.residents.resident(one.person)
            check_entries(resident.record)
        except RuleBroken as broken:
            is_code = broken.rule in _OF_CODES
            found.append(FindingKind.CODE_INVALID if is_code else FindingKind.RECORD_UNREADABLE)
            continue
        except (KeyUnusable, LookupError, ValueError):
            found.append(FindingKind.RECORD_UNREADABLE)
            continue
        opened.append(resident)
        if not _is_own_code(tx, resident):
            found.append(FindingKind.CODE_OF_ANOTHER)
    if len(opened) == len(members) and needs_head(opened):
        found.append(FindingKind.HOUSEHOLD_HEAD)
    return found


def _of_tables(municipality: MunicipalityCode, one: RegisteredPerson) -> list[FindingKind]:
    found = []
    earlier = one.version - 1
    ends = (one.kept, one.first, one.last)
    if ends != ((earlier, 1, earlier) if earlier else (0, 0, 0)):
        found.append(FindingKind.VERSION_GAP)
    if (one.directory_municipality, one.directory_version) != (municipality, one.version):
        found.append(FindingKind.DIRECTORY_DIFFERS)
    return found


def _is_own_code(tx: CheckTx, resident: Resident) -> bool:
    where = tx.residents.by_code(resident.record.code)
    return where is not None and where.person == resident.person
