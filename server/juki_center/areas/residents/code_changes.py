"""The act of changing a resident record code (article 30-4; 30-3 in 2003).

The new one is drawn from the stock and never chosen; the old one stays with the person as a former
one, and the cards on which it stands are revoked in the same act.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from juki_center.areas.cards.holders import end_cards
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.assignment import draw_code, is_low
from juki_center.areas.residents.commands import ChangeResidentCode, CodeChanged
from juki_center.areas.residents.desk import Desk, RegisterTx, Written
from juki_center.areas.residents.edits import change_of, desk_of, edit_once
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import ChangeReason, Resident
from juki_center.areas.residents.rules import ResidenceEvent, after
from juki_center.areas.residents.versions import write_version


def change_resident_code(
    tx: RegisterTx, command: ChangeResidentCode, now: datetime, policy: RegisterPolicy
) -> CodeChanged:
    """Give a person a new code, for no reason that they would have to name.

    Raises Refusal with a reason that the proto's method lists.
    """
    desk = desk_of(command.edit, now, policy)

    def write(resident: Resident) -> Written:
        return _write(tx, desk, resident)

    written = edit_once(tx, desk, command.edit, command, write)
    (record,), (revoked, is_stock_low) = written.records, written.numbers
    return CodeChanged(record, revoked, code_stock_is_low=bool(is_stock_low))


def _write(tx: RegisterTx, desk: Desk, resident: Resident) -> Written:
    state = after(resident.state, ResidenceEvent.CODE_CHANGED)
    old = resident.record
    record = replace(
        old, code=draw_code(tx, desk.register), former_codes=(*old.former_codes, old.code)
    )
    change = change_of(desk, ChangeReason.CODE_CHANGED, civil_day(day_in_japan(desk.now)))
    changed = replace(resident, state=state, record=record, change=change)
    written = write_version(tx, resident, changed)
    revoked = end_cards(
        tx, resident.person, CardEvent.CODE_CHANGED, caller_uri=desk.terminal.uri, now=desk.now
    )
    return Written(
        (written,), (revoked, int(is_low(tx.codes, desk.register, desk.policy.low_stock)))
    )
