"""The act of correcting what was sent: corrected entries for a destination, which decides on them.

The newest replaces an older one that still waits. The origin's own record stays as it is, because
it is deleted, or about to be.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.window import Done, Found
from juki_center.areas.moves.answer_codec import encode_answer
from juki_center.areas.moves.answers import NoticeGiven, notice_given
from juki_center.areas.moves.books import open_books
from juki_center.areas.moves.commands import CorrectMoveOut
from juki_center.areas.moves.guards import OriginTx
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import AlertKind, Correction, Move, MoveAlert, MoveMember
from juki_center.areas.moves.states import MemberState, MoveEvent
from juki_center.areas.moves.waiting import send_entries, waits
from juki_center.areas.moves.window import (
    ALERT_ID_OCTETS,
    MoveWindow,
    alert,
    leaving,
    once,
    window_of,
)
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.entries import of_field
from juki_center.areas.residents.guards import refuse_future
from juki_center.areas.residents.records import ResidenceRecord
from juki_center.areas.residents.rules import check_entries
from juki_center.errors import NotAllowed, Reason, Refusal

_SENT: Final = frozenset({MemberState.MOVING, MemberState.MOVED})


def correct_move_out(
    tx: OriginTx, command: CorrectMoveOut, now: datetime, policy: MovePolicy
) -> NoticeGiven:
    """Send a person's corrected entries to the destination that has fetched or registered them.

    A destination that is cut off gets them in their turn, once it is connected again. Raises
    Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        move = leaving(tx, here, found, command.number).after(MoveEvent.CORRECTED)
        destination = _destination(tx, move)
        open_books(tx, here.register)
        member = _sent(tx, move, command.code)
        record = _corrected(tx, here, command, member)
        is_waiting = _send(tx, move, member, record, now)
        return Done(
            encode_answer(NoticeGiven(move, is_waiting)),
            Event.MOVE_OUT_CORRECTED,
            subjects=(member.person,),
            resource=move.number,
            details=(("destination", str(destination)), ("waits", str(is_waiting).lower())),
        )

    return notice_given(once(tx, here, command.at, command, act))


def _send(
    tx: OriginTx, move: Move, member: MoveMember, record: ResidenceRecord, now: datetime
) -> bool:
    """Keep a correction for its destination; return whether what it is told waits.

    Until the persons have arrived it lies with the origin: whoever has fetched may give back.
    """
    if move.arrived_in is None:
        lying = Correction(move.number, member.person, move.origin, now, record)
        tx.moves.put_correction(lying)
        (told,) = alert(tx, move, AlertKind.CORRECTION, _destination(tx, move), now=now)
        return waits(tx, told.municipality)
    sent = Correction(move.number, member.person, move.arrived_in, now, record)
    notice_id = tx.chance.octets(ALERT_ID_OCTETS)
    told = MoveAlert(notice_id, move.arrived_in, move.number, AlertKind.CORRECTION, now)
    return send_entries(tx, told, sent)


def _destination(tx: OriginTx, move: Move) -> MunicipalityCode:
    """Return whose register has what was sent.

    Raises NotAllowed for one that is not in this network: nothing was ever sent to it.
    """
    claim = None if move.transfer is None else move.transfer.municipality
    destination = move.arrived_in or claim
    if destination is None or not tx.registers.is_hosted(destination):
        raise NotAllowed(move.state, MoveEvent.CORRECTED)
    return destination


def _sent(tx: OriginTx, move: Move, code: ResidentCode) -> MoveMember:
    """Return the person of the notice whose code this is, or was when the notice was sent.

    Raises Refusal(RESIDENT_NOT_FOUND), for who stayed too.
    """
    holder = tx.residents.by_any_code(code)
    sent = {one.person: one for one in move.members if one.state in _SENT}
    if holder is None or holder.where.person not in sent:
        raise Refusal(Reason.RESIDENT_NOT_FOUND)
    return sent[holder.where.person]


def _corrected(
    tx: OriginTx, here: MoveWindow, command: CorrectMoveOut, member: MoveMember
) -> ResidenceRecord:
    """Return the record as it was to stand in the origin's book. Raises RuleBroken."""
    # Whoever has come back since then has newer versions there, which were never sent.
    own = tx.residents.own_last(member.person, here.register, member.left_version or None)
    if own is None:
        raise Refusal(Reason.RESIDENT_NOT_FOUND)
    with of_field("entries"):
        record = command.entries.over(own.record)
        check_entries(record)
        refuse_future(record.birth, here.window.now, "date_of_birth")
    return record
