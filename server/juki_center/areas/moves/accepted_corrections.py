"""The act of entering a correction that the origin has sent after its information was fetched.

The origin says what was wrong in its book, and the destination decides. What belongs to the stay
here is no matter of the origin's, and stays: address, household, days, code, measure.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.window import Done, Found
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.answers import CorrectionAccepted
from juki_center.areas.moves.arriving import LockTx, refuse_any_lock
from juki_center.areas.moves.commands import AcceptCorrection
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import Correction, Move
from juki_center.areas.moves.states import MoveEvent, MoveState
from juki_center.areas.moves.window import MoveTx, MoveWindow, arrived, once, window_of
from juki_center.areas.residents.entries import of_field
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.guards import find_person, refuse_changed
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    ResidenceRecord,
    Resident,
)
from juki_center.areas.residents.rules import ResidenceEvent, after, check_entries
from juki_center.areas.residents.versions import WriteTx, write_version
from juki_center.errors import NotAllowed, Reason, Refusal


class AcceptTx(MoveTx, LockTx, WriteTx, Protocol):
    """What entering a correction needs of a transaction."""


def accept_correction(
    tx: AcceptTx, command: AcceptCorrection, now: datetime, policy: MovePolicy
) -> CorrectionAccepted:
    """Enter the newest correction of a person who has moved here; it waits no more.

    A correction that says what the record says already makes no version. Raises Refusal with a
    reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        move = arrived(tx, here, found, command.number)
        if move.state is not MoveState.COMPLETED:
            raise NotAllowed(move.state, MoveEvent.CORRECTED)
        resident = find_person(tx, here, command.code)
        found.is_about(resident.person, resource=move.number)
        correction = _waiting(tx, move, resident)
        refuse_changed(resident, command.expected_version)
        refuse_any_lock(tx, here, [resident.person])
        answer = CorrectionAccepted(_enter(tx, here, resident, correction))
        tx.moves.take_correction(move.number, resident.person)
        return Done(
            encode_answer(answer),
            Event.CORRECTION_ACCEPTED,
            subjects=(resident.person,),
            resource=move.number,
            details=(("origin", str(move.origin)),),
        )

    return decode_answer(once(tx, here, command.at, command, act), CorrectionAccepted)


def _waiting(tx: AcceptTx, move: Move, resident: Resident) -> Correction:
    for one in tx.moves.corrections(move):
        if one.person == resident.person:
            return one
    raise Refusal(Reason.NO_CORRECTION)


def _enter(tx: AcceptTx, here: MoveWindow, resident: Resident, correction: Correction) -> Resident:
    state = after(resident.state, ResidenceEvent.CORRECTED)
    record = _over(resident.record, correction.record)
    with of_field("entries"):
        check_entries(record)
    if record == resident.record:
        return resident
    window = here.window
    change = ChangeInformation(
        ChangeReason.CORRECTION_EX_OFFICIO,
        civil_day(window.today),
        window.now,
        clerk_name=window.clerk_name,
    )
    return write_version(tx, resident, replace(resident, state=state, record=record, change=change))


def _over(here: ResidenceRecord, sent: ResidenceRecord) -> ResidenceRecord:
    """Return what was sent, with what belongs to the stay here and to the person's protection."""
    return replace(
        sent,
        code=here.code,
        former_codes=here.former_codes,
        address=here.address,
        building=here.building,
        relationship=here.relationship,
        resident_since=here.resident_since,
        address_since=here.address_since,
        notified=here.notified,
        previous_address=here.previous_address,
        hold=here.hold,
        measure=here.measure,
    )
