"""The audit of the registers: one place, one record, one household, one code, no gap anywhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from juki_center.areas.residents.records import ResidenceRecord, Resident
from juki_center.simulation.findings import Finding, Rule
from juki_center.simulation.ledger import Ledger

_ACTIVE = "ACTIVE"
# Which state a version may have after one of another, and by which reasons; written from the law's
# side, not from the register's own table.
_LAWFUL: Final = {
    ("ACTIVE", "DECEASED"): {"DEATH"},
    ("ACTIVE", "MOVED_OUT"): {"MOVE_OUT", "DELETION_EX_OFFICIO", "CANCELLATION"},
    ("ACTIVE", "DELETED"): {"DELETION_EX_OFFICIO", "CANCELLATION"},
    ("MOVED_OUT", "ACTIVE"): {"MOVE_IN", "SPECIAL_MOVE_IN", "CANCELLATION"},
    ("DELETED", "ACTIVE"): {"MOVE_IN", "SPECIAL_MOVE_IN", "CANCELLATION"},
    ("DECEASED", "ACTIVE"): {"CANCELLATION"},
}
# What a reason says of the states before and after it.
_STATES_BY_REASON: Final = {
    "DEATH": {("ACTIVE", "DECEASED")},
    "MOVE_OUT": {("ACTIVE", "MOVED_OUT")},
    "MOVE_WITHIN": {("ACTIVE", "ACTIVE")},
    "MOVE_IN": {("MOVED_OUT", "ACTIVE"), ("DELETED", "ACTIVE")},
    "SPECIAL_MOVE_IN": {("MOVED_OUT", "ACTIVE"), ("DELETED", "ACTIVE")},
}
_ARRIVALS: Final = frozenset({"MOVE_IN", "SPECIAL_MOVE_IN", "CANCELLATION"})
_UNTOLD: Final = frozenset({"HOUSEHOLD_CHANGE", "PROTECTION"})


def one_place(ledger: Ledger) -> Iterator[Finding]:
    """Everybody: one row in the directory, one newest record, and both say the same."""
    rows: dict[bytes, list[tuple[str, int]]] = defaultdict(list)
    for person, municipality, _, version in ledger.record_rows:
        rows[person].append((municipality, version))
    for person in ledger.directory.keys() | rows.keys():
        places, found = ledger.directory.get(person, []), rows.get(person, [])
        if len(places) != 1 or len(found) != 1:
            problem = f"{len(places)} places, {len(found)} records"
            yield Finding(Rule.ONE_PLACE, person.hex(), problem)
        elif (places[0].municipality, places[0].version) != found[0]:
            yield Finding(Rule.ONE_PLACE, person.hex(), "directory and record differ")


def opens(ledger: Ledger) -> Iterator[Finding]:
    """Nothing is sealed to another book, household or version than the one it stands in."""
    for person in ledger.closed:
        yield Finding(Rule.OPENS, person.hex(), "a version does not open")


def one_code(ledger: Ledger) -> Iterator[Finding]:
    """No code twice, whether of a resident or of somebody who was one."""
    holders = Counter(versions[-1].record.code.digits for versions in ledger.versions.values())
    for person, versions in ledger.versions.items():
        if holders[versions[-1].record.code.digits] > 1:
            yield Finding(Rule.ONE_CODE, person.hex(), "shares its code")


def one_household(ledger: Ledger) -> Iterator[Finding]:
    """Residents who live together live in one municipality, and each of them once."""
    places: dict[bytes, set[str]] = defaultdict(set)
    homes: dict[bytes, set[bytes]] = defaultdict(set)
    for person, municipality, household, _ in ledger.record_rows:
        if any(one.state == _ACTIVE for one in ledger.directory.get(person, [])):
            places[household].add(municipality)
            homes[person].add(household)
    for household, found in places.items():
        if len(found) > 1:
            yield Finding(Rule.ONE_HOUSEHOLD, household.hex(), f"in {', '.join(sorted(found))}")
    for person, households in homes.items():
        if len(households) > 1:
            yield Finding(Rule.ONE_HOUSEHOLD, person.hex(), f"{len(households)} households")


def whole_history(ledger: Ledger) -> Iterator[Finding]:
    """Versions 1, 2, 3 and so on, each there."""
    for person, versions in ledger.versions.items():
        numbers = [one.version for one in versions]
        if numbers != list(range(1, len(numbers) + 1)):
            yield Finding(Rule.WHOLE_HISTORY, person.hex(), f"versions {numbers}")


def lawful_states(ledger: Ledger) -> Iterator[Finding]:
    """A state changes for a reason that allows it, a municipality by an arrival only."""
    for person, versions in ledger.versions.items():
        if versions[0].version == 1 and versions[0].state != _ACTIVE:
            yield Finding(Rule.LAWFUL_STATES, person.hex(), f"began as {versions[0].state}")
        for before, after in pairwise(versions):
            problem = _unlawful(before, after)
            if problem:
                yield Finding(
                    Rule.LAWFUL_STATES, person.hex(), f"version {after.version}: {problem}"
                )


def notice_gapless(ledger: Ledger) -> Iterator[Finding]:
    """Positions 1, 2, 3 and so on."""
    for expected, notice in enumerate(ledger.notices, start=1):
        if notice.position != expected:
            yield Finding(Rule.NOTICE_GAPLESS, str(notice.position), f"{expected} is missing")
            return


def notice_for_each(ledger: Ledger) -> Iterator[Finding]:
    """One notice for each version that changes an item of identity confirmation information."""
    told = Counter((one.person, one.version) for one in ledger.notices)
    for person, versions in ledger.versions.items():
        for before, after in pairwise([None, *versions]):
            count = told.pop((person, after.version), 0) if after else 0
            if after and count != int(_is_to_be_told(before, after)):
                problem = f"version {after.version} has {count} notices"
                yield Finding(Rule.NOTICE_FOR_EACH, person.hex(), problem)
    for person, version in told:
        yield Finding(Rule.NOTICE_FOR_EACH, person.hex(), f"there is no version {version}")


def _unlawful(before: Resident, after: Resident) -> str:
    reason = "" if after.change is None else str(after.change.reason)
    if before.municipality != after.municipality:
        if after.state != _ACTIVE and reason != "CANCELLATION":
            return f"moved to {after.municipality} and is {after.state}"
        if reason not in _ARRIVALS:
            return f"moved to {after.municipality} by {reason}"
    states = (str(before.state), str(after.state))
    is_unknown = states[0] != states[1] and reason not in _LAWFUL.get(states, set())
    if is_unknown or states not in _STATES_BY_REASON.get(reason, {states}):
        return f"{states[0]} became {states[1]} by {reason}"
    return ""


def _is_to_be_told(before: Resident | None, after: Resident) -> bool:
    if after.change is None or str(after.change.reason) in _UNTOLD:
        return False
    if before is None or before.state != after.state:
        return True
    return _told(before.record) != _told(after.record)


def _told(record: ResidenceRecord) -> tuple[object, ...]:
    """Return the items of identity confirmation information."""
    names = (record.name, record.alias, record.kanji_name)
    return (*names, record.birth, record.sex, record.address, record.building, record.code)
