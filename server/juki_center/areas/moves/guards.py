"""What must hold before a move-out notice is entered or changed, whatever its kind.

Who moves, where to and when are looked at here, and whether the move can go by card.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final, Protocol

from juki_center.areas.cards.admission import is_admitted
from juki_center.areas.cards.holders import end_cards
from juki_center.areas.cards.register import Purpose
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.window import Found
from juki_center.areas.copies.prints import PrintTx
from juki_center.areas.copies.voids import void_unprinted
from juki_center.areas.moves.answers import SpecialRefusal
from juki_center.areas.moves.books import BooksTx
from juki_center.areas.moves.commands import (
    Mover,
    Notification,
    Plan,
)
from juki_center.areas.moves.deadlines import (
    a_year_after,
    is_notice_late,
    last_day_of_notice,
    last_day_of_plan,
)
from juki_center.areas.moves.departures import departed_persons
from juki_center.areas.moves.rows import Move
from juki_center.areas.moves.window import AlertTx, MoveWindow
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.entries import of_field
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.guards import (
    LockTx,
    find_person,
    refuse_before_birth,
    refuse_changed,
    refuse_locked,
)
from juki_center.areas.residents.household_order import HOUSEHOLDER
from juki_center.areas.residents.records import PersonID, ResidenceState, Resident
from juki_center.areas.residents.rules import ResidenceEvent, after
from juki_center.areas.residents.versions import WriteTx
from juki_center.errors import Reason, Refusal, RuleBroken

MOST_MOVERS: Final = 20
ABROAD: Final = "ABROAD"
"""Why a move abroad is never one by card; the other whys are SpecialRefusal's."""


class OriginTx(AlertTx, BooksTx, LockTx, PrintTx, WriteTx, Protocol):
    """What the acts of the origin's window need of a transaction."""


def find_movers(
    tx: OriginTx,
    here: MoveWindow,
    found: Found,
    movers: Sequence[Mover],
    move: Move | None = None,
    *,
    event: ResidenceEvent = ResidenceEvent.MOVED_AWAY,
) -> tuple[Resident, ...]:
    """Return the records of those who are to move, in the order of the request.

    `move` is the notice that is changed: its own persons may have departed by it already. `event`
    is what is to happen to the records. Raises RuleBroken, RANGE_1_20 or TWICE; NotAllowed for a
    deleted record; and Refusal: RESIDENT_NOT_FOUND, CODE_CHANGED, RECORD_CHANGED, RECORD_LOCKED,
    MOVE_OPEN, NOT_SAME_HOUSEHOLD, RESIDENCE_DISCONNECTED.
    """
    codes = [one.code for one in movers]
    if not 1 <= len(codes) <= MOST_MOVERS:
        raise RuleBroken(f"RANGE_1_{MOST_MOVERS}", "movers")
    if len(set(codes)) != len(codes):
        raise RuleBroken("TWICE", "movers")
    residents = tuple(find_person(tx, here, code) for code in codes)
    _tell(found, residents, move)
    for resident, mover in zip(residents, movers, strict=True):
        refuse_changed(resident, mover.expected_version)
        refuse_locked(tx, here.window, resident.person, mover.lock_id)
        _refuse_elsewhere(tx, resident, move, event)
    if len({one.household for one in residents}) != 1:
        raise Refusal(Reason.NOT_SAME_HOUSEHOLD)
    return residents


def _tell(found: Found, residents: tuple[Resident, ...], move: Move | None) -> None:
    named = tuple(one.person for one in residents)
    if move is None:
        found.is_about(*named)
    else:
        found.is_about(*dict.fromkeys((*move.persons, *named)), resource=move.number)


def _refuse_elsewhere(
    tx: OriginTx, resident: Resident, move: Move | None, event: ResidenceEvent
) -> None:
    """Refuse somebody who is in another open notice, or in no book that one could leave."""
    other = tx.moves.open_of_person(resident.person)
    if other is not None and (move is None or other.number != move.number):
        raise Refusal(Reason.MOVE_OPEN)
    has_departed_by_it = move is not None and resident.person in departed_persons(move)
    if not (has_departed_by_it and resident.state is ResidenceState.MOVED_OUT):
        after(resident.state, event)


def refuse_plan(here: MoveWindow, plan: Plan, residents: Sequence[Resident]) -> None:
    """Raise for a plan that nobody can have: RuleBroken, or Refusal(DESTINATION_IS_ORIGIN).

    Rules of the planned date: RANGE (more than a year ahead), YEAR_WITHOUT_CALENDAR, BEFORE_BIRTH.
    Of the destination: MUNICIPALITY_UNKNOWN, and MUNICIPALITY_NOT_VALID on the planned date.
    """
    with of_field("plan.planned_date"):
        if plan.planned_on > a_year_after(here.window.today):
            raise RuleBroken("RANGE")
        last_day_of_notice(plan.planned_on)
        last_day_of_plan(plan.planned_on)
        for resident in residents:
            refuse_before_birth(civil_day(plan.planned_on), resident.record.birth, "")
    if plan.destination is not None:
        _refuse_destination(here, plan.destination, plan.planned_on)


def _refuse_destination(here: MoveWindow, destination: MunicipalityCode, day: date) -> None:
    with of_field("plan.destination_code"):
        here.policy.municipalities.office_on(destination, day)
    if register_of(here, destination) == here.register:
        raise Refusal(Reason.DESTINATION_IS_ORIGIN)


def notice_day(here: MoveWindow, notification: Notification) -> date:
    """Return the day on which a notice reached the office: today, where none is given.

    Raises RuleBroken, FUTURE, or RANGE for one that lies more than a year back.
    """
    today = here.window.today
    day = notification.notified_on or today
    with of_field("notification.notice_date"):
        if day > today:
            raise RuleBroken("FUTURE")
        if today > a_year_after(day):
            raise RuleBroken("RANGE")
    return day


def why_not_special(
    tx: OriginTx, here: MoveWindow, plan: Plan, notified_on: date, movers: Sequence[Resident]
) -> SpecialRefusal | None:
    """Return why a move cannot go by card (article 24-2); None where it can.

    Raises Refusal(SPECIAL_NOT_POSSIBLE) for a move abroad, which needs no paper either.
    """
    if plan.destination is None:
        raise Refusal(Reason.SPECIAL_NOT_POSSIBLE, why=ABROAD)
    if not tx.registers.is_hosted(register_of(here, plan.destination)):
        return SpecialRefusal.DESTINATION_NOT_ON_NETWORK
    # A notice that was long on its way to the desk may be in time where its move-in is not.
    is_over = here.window.today > last_day_of_plan(plan.planned_on)
    if is_over or is_notice_late(plan.planned_on, notified_on):
        return SpecialRefusal.NOTIFIED_LATE
    if not any(_has_usable_card(tx, here, one) for one in movers):
        return SpecialRefusal.NO_USABLE_CARD
    return None


def _has_usable_card(tx: OriginTx, here: MoveWindow, resident: Resident) -> bool:
    """Tell whether a person's card would open the move today; one for all is enough."""
    if here.policy.householder_card_only and resident.record.relationship != HOUSEHOLDER:
        return False
    return any(
        is_admitted(card, Purpose.SPECIAL_MOVE_IN, here.window.now)
        for card in tx.cards.of_person(resident.person)
    )


def end_residence(tx: OriginTx, here: MoveWindow, persons: Collection[PersonID]) -> None:
    """Let the cards lapse of persons who have left by paper, and void their unprinted copies."""
    uri, now = here.window.terminal.uri, here.window.now
    for person in persons:
        end_cards(tx, person, CardEvent.HOLDER_GONE, caller_uri=uri, now=now)
    void_unprinted(tx, persons, now, uri)


def register_of(here: MoveWindow, office: MunicipalityCode) -> MunicipalityCode:
    """Return whose register a known office keeps."""
    return here.policy.municipalities.register_of(office)
