"""The audit of the moves: rows and records agree, nobody is between two places, no day was missed.

Last days are counted anew from the dates; what the acts have written of them is not looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from juki_center.areas.days import day_in_japan
from juki_center.areas.moves.rows import Move, MoveMember
from juki_center.areas.residents.records import Resident
from juki_center.simulation.business_days import last_day, special_last_day
from juki_center.simulation.findings import Finding, Rule
from juki_center.simulation.ledger import Ledger

_OPEN: Final = frozenset({"NOTIFIED", "ORDINARY", "TRANSFERRED", "LAPSED"})
_ARRIVED: Final = frozenset({"COMPLETED", "CANCELLED_AFTER"})
_BY_ARRIVAL: Final = frozenset({"MOVE_IN", "SPECIAL_MOVE_IN"})
_NOTICE_DAYS, _SPECIAL_DAYS = 14, 30
_MISSING_AFTER: Final = timedelta(days=60)


def move_and_records(ledger: Ledger) -> Iterator[Finding]:
    """Each person who moved has the two versions that the move names, and no arrival is left."""
    arrivals = Counter(
        (person, one.version)
        for person, versions in ledger.versions.items()
        for one in versions
        if _reason(one) in _BY_ARRIVAL and one.version > 1
    )
    for move in ledger.moves:
        for member in move.members:
            if member.state == "MOVED":
                arrivals[member.person.octets, member.arrived_version] -= 1
                yield from _said(move, _unlike_records(ledger, move, member))
    for (person, version), count in arrivals.items():
        if count:
            problem = f"version {version} arrived by {1 - count} moves"
            yield Finding(Rule.MOVE_AND_RECORDS, person.hex(), problem)


def open_move(ledger: Ledger) -> Iterator[Finding]:
    """Who is still to move is in the origin's book: a resident before the planned day only."""
    named: Counter[bytes] = Counter()
    for move in ledger.moves:
        if move.state not in _OPEN:
            continue
        for member in move.members:
            if member.state == "MOVING":
                named[member.person.octets] += 1
                problem = _unlike_open(ledger, move, member)
                if problem:
                    yield Finding(Rule.OPEN_MOVE, move.number, problem)
    for person, count in named.items():
        if count > 1:
            yield Finding(Rule.OPEN_MOVE, person.hex(), f"in {count} open moves")


def deadline(ledger: Ledger) -> Iterator[Finding]:
    """Nothing was accepted too late, and nothing that has run out counts still."""
    for move in ledger.moves:
        if move.state in _ARRIVED and move.moved_on is not None:
            yield from _arrival_in_time(ledger, move, move.moved_on)
        elif move.state == "NOTIFIED" and ledger.today > last_day(move.planned_on, _SPECIAL_DAYS):
            yield Finding(Rule.DEADLINE, move.number, "has run out and is NOTIFIED")
        elif move.state == "LAPSED" and ledger.today <= last_day(move.planned_on, _SPECIAL_DAYS):
            yield Finding(Rule.DEADLINE, move.number, "is LAPSED before its last day")
        if move.kind == "SPECIAL" and move.notified_on > last_day(move.planned_on, _NOTICE_DAYS):
            yield Finding(Rule.DEADLINE, move.number, "is a special move, and was filed too late")
        if _is_missing(move, ledger.today) and move.missing_since is None:
            yield Finding(Rule.DEADLINE, move.number, "has not arrived, and nobody was told")


def _arrival_in_time(ledger: Ledger, move: Move, moved_on: date) -> Iterator[Finding]:
    arrived = [_version(ledger, one, one.arrived_version) for one in move.members]
    for version in [one for one in arrived if one is not None and one.change is not None]:
        change = version.change
        if change is None:
            continue
        day = day_in_japan(change.recorded_at)
        is_late = day > last_day(moved_on, _NOTICE_DAYS)
        if change.reason == "SPECIAL_MOVE_IN" and day > special_last_day(moved_on, move.planned_on):
            yield Finding(Rule.DEADLINE, move.number, f"moved in by card on {day.isoformat()}")
        if is_late != move.registered_late or is_late != ledger.reasons_for_being_late[move.number]:
            yield Finding(Rule.DEADLINE, move.number, "is late and not marked, or the reverse")


def _unlike_records(ledger: Ledger, move: Move, member: MoveMember) -> str:
    left = _version(ledger, member, member.left_version)
    arrived = _version(ledger, member, member.arrived_version)
    if left is None or arrived is None or member.left_version >= member.arrived_version:
        return "has not both versions"
    if (left.municipality, str(left.state)) != (move.origin, "MOVED_OUT"):
        return f"left {left.municipality} and is {left.state} there"
    if (arrived.municipality, str(arrived.state)) != (move.arrived_in, "ACTIVE"):
        return f"arrived in {arrived.municipality} and is {arrived.state} there"
    expected = "SPECIAL_MOVE_IN" if move.kind == "SPECIAL" else "MOVE_IN"
    if _reason(arrived) != expected:
        return f"arrived by {_reason(arrived)}, the move is {move.kind}"
    return "" if _changed_on(arrived) == move.moved_on else "arrived on another day"


def _unlike_open(ledger: Ledger, move: Move, member: MoveMember) -> str:
    newest = ledger.newest(member.person.octets)
    if newest is None:
        return "names somebody whose record does not open"
    if newest.municipality != move.origin:
        return f"is open, and a person of it is in {newest.municipality}"
    has_left = move.planned_on <= ledger.today
    expected = "MOVED_OUT" if has_left else "ACTIVE"
    return "" if newest.state == expected else f"is open, and a person of it is {newest.state}"


def _is_missing(move: Move, today: date) -> bool:
    is_awaited = move.state in _OPEN and move.destination is not None
    # A notice that came after the move begins the time anew: its paper is not older.
    return is_awaited and today > max(move.planned_on, move.notified_on) + _MISSING_AFTER


def _version(ledger: Ledger, member: MoveMember, number: int) -> Resident | None:
    versions = ledger.versions.get(member.person.octets, [])
    return next((one for one in versions if one.version == number), None)


def _said(move: Move, problem: str) -> Iterator[Finding]:
    if problem:
        yield Finding(Rule.MOVE_AND_RECORDS, move.number, problem)


def _reason(version: Resident) -> str:
    return "" if version.change is None else str(version.change.reason)


def _changed_on(version: Resident) -> date | None:
    if version.change is None:
        return None
    day = version.change.date.sort_from
    return date(day // 10_000, day // 100 % 100, day % 100)
