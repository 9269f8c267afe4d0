"""What the end of a day does to moves that nobody has touched: people leave, deadlines pass.

Each act takes one move, looks again whether it is still due, and writes all of it or nothing: done
twice it does nothing the second time. When that happens is no matter of this module; until it has,
`planned.counted_on` says what counts.

A departure opens the origin's book, and waits while the origin is disconnected; nothing else here
opens what is sealed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.cards.holders import end_cards
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.copies.prints import PrintTx
from juki_center.areas.copies.voids import void_unprinted
from juki_center.areas.days import day_in_japan
from juki_center.areas.moves import departures
from juki_center.areas.moves.deadlines import MISSING_AFTER_DAYS, is_arrival_missing
from juki_center.areas.moves.departures import Entry
from juki_center.areas.moves.ends import end_cards_of_departed
from juki_center.areas.moves.expectations import tell_nobody_comes
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import AlertKind, Move, MoveMember
from juki_center.areas.moves.states import MemberState, MoveEvent, MoveState
from juki_center.areas.moves.window import AlertTx, alert
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import ResidenceState
from juki_center.areas.residents.versions import WriteTx

USED_WITHIN: Final = timedelta(hours=24)
"""After this time a destination that has fetched the information loses its claim."""


class DayEndTx(WriteTx, AlertTx, PrintTx, Protocol):
    """What the end of a day needs of a transaction."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round over what is due: when it is made, and whom the log names for it."""

    now: datetime
    caller_uri: str


def depart(tx: DayEndTx, number: MoveNumber, this: Round) -> bool:
    """Delete the records of those whose planned day has come; tell whether that was due.

    Cards stay good for the special case alone; by paper they lapse. Copies of them that are not
    printed yet are void. Raises Refusal(RESIDENCE_DISCONNECTED).
    """
    today, move = day_in_japan(this.now), tx.moves.move(number)
    if move is None or not move.is_open or move.departed or today < move.planned_on:
        return False
    members = tuple(_departed(tx, move, member, this) for member in move.members)
    tx.moves.update(replace(move, members=members, departed=True))
    left = [one.person for one in members if one not in move.members]
    voided = void_unprinted(tx, left, this.now, this.caller_uri)
    _log(tx, move, this, "DEPARTED", ("left", str(len(left))), ("copies", str(voided)))
    return True


def lapse(tx: DayEndTx, number: MoveNumber, this: Round) -> bool:
    """End the special case of a move whose last day is over; tell whether that was due.

    The members' cards lapse, and paper is needed from now on.
    """
    today, move = day_in_japan(this.now), tx.moves.move(number)
    if move is None or move.state is not MoveState.NOTIFIED:
        return False
    if move.last_day is None or today <= move.last_day:
        return False
    tx.moves.update(move.after(MoveEvent.DEADLINE_PASSED))
    lapsed = sum(
        end_cards(tx, one, CardEvent.HOLDER_GONE, caller_uri=this.caller_uri, now=this.now)
        for one in move.moving
    )
    alert(tx, move, AlertKind.LAPSED, move.origin, now=this.now)
    tell_nobody_comes(tx, move, this.now)
    _log(tx, move, this, "LAPSED", ("cards", str(lapsed)))
    return True


def give_back(tx: DayEndTx, number: MoveNumber, this: Round) -> bool:
    """Give back what a destination has fetched and never used, so that nobody is stuck.

    Tell whether that was due.
    """
    move = tx.moves.move(number)
    transfer = None if move is None else move.transfer
    if move is None or transfer is None or move.state is not MoveState.TRANSFERRED:
        return False
    if transfer.fetched_at >= this.now - USED_WITHIN:
        return False
    tx.moves.update(replace(move.after(MoveEvent.GIVEN_BACK), transfer=None))
    offices = (move.origin, transfer.municipality)
    alert(tx, move, AlertKind.TRANSFER_GIVEN_BACK, *offices, now=this.now)
    _log(tx, move, this, "GIVEN_BACK", issuing=transfer.municipality)
    return True


def miss(tx: DayEndTx, number: MoveNumber, this: Round) -> bool:
    """Ask the origin once where those are who left long ago; tell whether that was due."""
    today, move = day_in_japan(this.now), tx.moves.move(number)
    if move is None or move.missing_since is not None or move.destination is None:
        return False
    if not (move.is_open and move.departed):
        return False
    if not is_arrival_missing(move.planned_on, move.notified_on, today):
        return False
    tx.moves.update(replace(move, missing_since=this.now))
    alert(tx, move, AlertKind.ARRIVAL_MISSING, move.origin, now=this.now)
    _log(tx, move, this, "ARRIVAL_MISSING")
    return True


Act = Callable[[DayEndTx, MoveNumber, Round], bool]
Found = list[tuple[int, Move]]


@dataclass(frozen=True, slots=True)
class Due:
    """One of the acts, and how the moves are found that it may be due for, behind a cursor."""

    act: Act
    find: Callable[[AlertTx, datetime, int, int], Found]


def _departing(tx: AlertTx, now: datetime, after: int, limit: int) -> Found:
    return tx.moves.departing(day_in_japan(now), after=after, limit=limit)


def _stale(tx: AlertTx, now: datetime, after: int, limit: int) -> Found:
    return tx.moves.stale(now - USED_WITHIN, after=after, limit=limit)


def _overdue(tx: AlertTx, now: datetime, after: int, limit: int) -> Found:
    return tx.moves.overdue(day_in_japan(now), after=after, limit=limit)


def _unarrived(tx: AlertTx, now: datetime, after: int, limit: int) -> Found:
    day = day_in_japan(now) - timedelta(days=MISSING_AFTER_DAYS)
    return tx.moves.unarrived(day, after=after, limit=limit)


DEPARTURES: Final = Due(depart, _departing)
TRANSFERS: Final = Due(give_back, _stale)
DEADLINES: Final = Due(lapse, _overdue)
ARRIVALS: Final = Due(miss, _unarrived)


def _departed(tx: DayEndTx, move: Move, member: MoveMember, this: Round) -> MoveMember:
    """Return a person of the notice after the planned day.

    Somebody who has died, or whose record lies elsewhere by now, is left alone.
    """
    where = tx.residents.whereabouts(member.person)
    is_here = where is not None and where.municipality == move.origin
    if member.state is not MemberState.MOVING or where is None or not is_here:
        return member
    if where.state is not ResidenceState.ACTIVE:
        return member
    resident = tx.residents.resident(member.person)
    written = departures.depart(tx, resident, Entry(this.now), day=move.planned_on)
    end_cards_of_departed(tx, move, written.person, caller_uri=this.caller_uri, now=this.now)
    return replace(member, left_version=written.version)


def _log(
    tx: DayEndTx,
    move: Move,
    this: Round,
    what: str,
    *facts: tuple[str, str],
    issuing: MunicipalityCode | None = None,
) -> None:
    tx.audit.append(
        AuditEvent(
            event=Event.MOVE_DAY_ENDED,
            at=this.now,
            caller_uri=this.caller_uri,
            issuing=issuing,
            residence=move.origin,
            subjects=move.persons,
            resource=move.number,
            details=(("what", what), *facts),
        )
    )
