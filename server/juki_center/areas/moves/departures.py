"""A person leaves the origin's book, or is in it again as before: a further version each time.

Only what a notice has ended is restored here. Cards are no matter of this module: by card they are
needed for the move in, by paper they lapse, and which it is the act that calls knows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from juki_center.areas.days import day_in_japan
from juki_center.areas.moves.rows import Move, MoveMember
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    PersonID,
    ResidenceState,
    Resident,
)
from juki_center.areas.residents.rules import ResidenceEvent, after
from juki_center.areas.residents.versions import WriteTx, write_version


@dataclass(frozen=True, slots=True)
class Entry:
    """Who makes an entry, and when; without a clerk's name it is made by the day's end."""

    at: datetime
    clerk_name: str = field(default="", repr=False)


def depart(
    tx: WriteTx,
    resident: Resident,
    entry: Entry,
    *,
    day: date,
    reason: ChangeReason = ChangeReason.MOVE_OUT,
) -> Resident:
    """Write that a person has left the municipality on a day; return the version as written.

    `reason` is DELETION_EX_OFFICIO for a notice that came too late (STD-4.1.3.0.1). Raises
    NotAllowed for a record that is deleted already, and Refusal(RESIDENCE_DISCONNECTED).
    """
    state = after(resident.state, ResidenceEvent.MOVED_AWAY)
    change = ChangeInformation(reason, civil_day(day), entry.at, clerk_name=entry.clerk_name)
    return write_version(tx, resident, replace(resident, state=state, change=change))


def restore(tx: WriteTx, departed: Resident, entry: Entry, *, cancels: int) -> Resident:
    """Write that a person who had departed is in the book again; return the version as written.

    `cancels` is the version that `depart` wrote. Entries stay as they are, because departing
    changed none of them: a measure that was begun since then holds on. Raises NotAllowed for a
    record that has not departed, and Refusal(RESIDENCE_DISCONNECTED).
    """
    state = after(departed.state, ResidenceEvent.MOVE_CANCELLED)
    change = ChangeInformation(
        ChangeReason.CANCELLATION,
        civil_day(day_in_japan(entry.at)),
        entry.at,
        cancels=cancels,
        clerk_name=entry.clerk_name,
    )
    return write_version(tx, departed, replace(departed, state=state, change=change))


def depart_moving(
    tx: WriteTx,
    move: Move,
    entry: Entry,
    *,
    day: date | None = None,
    reason: ChangeReason = ChangeReason.MOVE_OUT,
) -> Move:
    """Let everybody who is to move and has not departed leave on a day; None is the planned one.

    Returns the departed move, which the caller writes. Raises what `depart` raises.
    """
    left_on = move.planned_on if day is None else day
    left = {
        one: depart(tx, tx.residents.resident(one), entry, day=left_on, reason=reason).version
        for one in present(move)
    }
    return replace(move, departed=True, members=_with_versions(move, left))


def restore_members(tx: WriteTx, move: Move, persons: Collection[PersonID], entry: Entry) -> Move:
    """Let those of these persons who have departed be in the origin's book again.

    Somebody whom the municipality's own system has brought back already is left alone. Returns the
    move, which the caller writes; whether it counts as departed is the caller's to say. Raises what
    `restore` raises.
    """
    concerned = [one for one in move.members if one.left_version and one.person in persons]
    for one in concerned:
        resident = tx.residents.resident(one.person)
        if resident.state is ResidenceState.MOVED_OUT:
            restore(tx, resident, entry, cancels=one.left_version)
    return replace(
        move, members=_with_versions(move, dict.fromkeys((one.person for one in concerned), 0))
    )


def _with_versions(move: Move, versions: Mapping[PersonID, int]) -> tuple[MoveMember, ...]:
    return tuple(
        replace(one, left_version=versions.get(one.person, one.left_version))
        for one in move.members
    )


def present(move: Move) -> tuple[PersonID, ...]:
    """Return those who are still to move and whose records hold in the origin's book."""
    moving = set(move.moving)
    return tuple(
        one.person for one in move.members if one.person in moving and not one.left_version
    )


def departed_persons(move: Move) -> tuple[PersonID, ...]:
    """Return those who are still to move and whose records the planned day has ended."""
    moving = set(move.moving)
    return tuple(one.person for one in move.members if one.person in moving and one.left_version)
