"""The act of notifying a move out, at the window of the origin: by card where it can be, or paper.

A notice ends no record by itself: the planned day does, when it has come. The one exception is a
notice that came too late for a certificate, which deletes at once (STD-4.1.3.0.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.numbers import CHANCE_OCTETS
from juki_center.areas.cards.window import Done, Found
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.answers import (
    Certificate,
    MoveFiled,
)
from juki_center.areas.moves.books import open_books
from juki_center.areas.moves.certificates import printed
from juki_center.areas.moves.commands import (
    FileMoveOut,
    Plan,
)
from juki_center.areas.moves.deadlines import is_notice_late, last_day_of_plan
from juki_center.areas.moves.departures import Entry, depart_moving, present
from juki_center.areas.moves.expectations import tell_planned
from juki_center.areas.moves.guards import (
    OriginTx,
    end_residence,
    find_movers,
    notice_day,
    refuse_plan,
    why_not_special,
)
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import Document, Move, MoveMember, MovePapers
from juki_center.areas.moves.states import MoveKind, MoveState
from juki_center.areas.moves.window import MoveWindow, once, window_of
from juki_center.areas.residents.household_order import needs_head
from juki_center.areas.residents.records import ChangeReason, Resident

_FIRST_STATES: Final = {MoveKind.SPECIAL: MoveState.NOTIFIED, MoveKind.ORDINARY: MoveState.ORDINARY}


def file_move_out(
    tx: OriginTx, command: FileMoveOut, now: datetime, policy: MovePolicy
) -> MoveFiled:
    """Enter a move-out notice (article 24), by card where that is asked for and can be (24-2).

    Raises Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        open_books(tx, here.register)
        movers = find_movers(tx, here, found, command.movers)
        refuse_plan(here, command.plan, movers)
        notified_on = notice_day(here, command.notification)
        filed = _file(tx, here, command, movers, notified_on)
        tell_planned(tx, here, None, filed.move)
        return Done(
            encode_answer(filed),
            Event.MOVE_OUT_FILED,
            subjects=filed.move.persons,
            resource=filed.move.number,
            details=facts_of(filed.move),
        )

    return decode_answer(once(tx, here, command.at, command, act), MoveFiled)


def facts_of(move: Move) -> tuple[tuple[str, str], ...]:
    """Return what the log says of a notice beside its number."""
    destination = "ABROAD" if move.destination is None else str(move.destination)
    return (
        ("kind", move.kind),
        ("version", str(move.version)),
        ("destination", destination),
        ("planned", move.planned_on.isoformat()),
    )


def _file(
    tx: OriginTx,
    here: MoveWindow,
    command: FileMoveOut,
    movers: Sequence[Resident],
    notified_on: date,
) -> MoveFiled:
    refused = None
    if command.kind is MoveKind.SPECIAL:
        refused = why_not_special(tx, here, command.plan, notified_on, movers)
    kind = MoveKind.ORDINARY if refused else command.kind
    notification = command.notification
    papers = MovePapers(
        clerk_name=command.at.clerk_name,
        channel=notification.channel,
        filer=notification.filer,
        destination_address=command.plan.address,
    )
    move = _new_move(tx, here, command.plan, kind, notified_on, movers)
    move, papers, certificate = settled(tx, here, move, papers)
    tx.moves.add(move, papers)
    return MoveFiled(move, refused, certificate, household_needs_head=_is_headless(tx, movers))


def _new_move(
    tx: OriginTx,
    here: MoveWindow,
    plan: Plan,
    kind: MoveKind,
    notified_on: date,
    movers: Sequence[Resident],
) -> Move:
    return Move(
        number=_new_number(tx),
        origin=here.register,
        destination=plan.destination,
        kind=kind,
        state=_FIRST_STATES[kind],
        version=1,
        planned_on=plan.planned_on,
        notified_on=notified_on,
        filed_at=here.window.now,
        members=tuple(MoveMember(one.person) for one in movers),
        last_day=last_day_of_plan(plan.planned_on) if kind is MoveKind.SPECIAL else None,
    )


def _new_number(tx: OriginTx) -> MoveNumber:
    while True:
        number = MoveNumber.drawn(tx.chance.octets(CHANCE_OCTETS))
        if tx.moves.move(number) is None:
            return number


def settled(
    tx: OriginTx, here: MoveWindow, move: Move, papers: MovePapers
) -> tuple[Move, MovePapers, Certificate | None]:
    """Return a notice with what it means at once: whose record it deletes, and its next paper.

    The caller writes the move and what is sealed. There is no paper by card, nor abroad.
    """
    if is_notice_late(move.planned_on, move.notified_on):
        move = _delete(tx, here, move)
        papers = replace(papers, document=Document.EQUIVALENT)
    else:
        papers = replace(papers, document=Document.CERTIFICATE)
    if move.kind is MoveKind.SPECIAL or move.destination is None:
        # A paper that an earlier version of the notice had opens nothing any more.
        return move, replace(papers, verification_code=None, printed_codes=()), None
    return printed(tx, here, move, papers)


def _delete(tx: OriginTx, here: MoveWindow, move: Move) -> Move:
    """Delete ex officio who left long ago, and let their cards lapse."""
    window = here.window
    leaving = present(move)
    entry = Entry(window.now, window.clerk_name)
    departed = depart_moving(tx, move, entry, reason=ChangeReason.DELETION_EX_OFFICIO)
    end_residence(tx, here, leaving)
    return departed


def _is_headless(tx: OriginTx, movers: Sequence[Resident]) -> bool:
    """Tell whether who stays in the household has nobody, or more than one, who heads it."""
    moving = {one.person for one in movers}
    household = tx.residents.household(movers[0].municipality, movers[0].household)
    return needs_head([one for one in household if one.person not in moving])
