"""The act of moving within the municipality (article 23): new address, and with whom.

No certificate passes and no notice stands open: one book is written, at one window. Cards stay what
they are, and those of style 2 need the new address on their back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.register import Card, CardStatus, CardStyle
from juki_center.areas.cards.rules import as_of
from juki_center.areas.cards.window import Done, Found
from juki_center.areas.copies.voids import void_unprinted
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.answers import (
    MovedWithin,
    Registered,
)
from juki_center.areas.moves.commands import (
    Mover,
    RegisterMoveWithin,
    Within,
)
from juki_center.areas.moves.deadlines import is_notice_late, last_day_of_notice
from juki_center.areas.moves.guards import OriginTx, find_movers
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.window import MoveWindow, once, window_of
from juki_center.areas.residents.entries import of_field
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.guards import find_person, refuse_before_birth, refuse_future
from juki_center.areas.residents.household_order import HOUSEHOLDER, living, needs_head
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    HouseholdID,
    ResidenceRecord,
    Resident,
)
from juki_center.areas.residents.rules import ResidenceEvent, after, check_entries
from juki_center.areas.residents.versions import write_version
from juki_center.errors import Reason, Refusal, RuleBroken

# What is still in the making is printed with the address that the register has by then.
_WITH_A_BACK: Final = frozenset({CardStatus.MADE, CardStatus.HELD, CardStatus.ACTIVE})


class WithinTx(OriginTx, Protocol):
    """What a move within needs of a transaction."""


def register_move_within(
    tx: WithinTx, command: RegisterMoveWithin, now: datetime, policy: MovePolicy
) -> MovedWithin:
    """Enter that persons of one household live elsewhere in the municipality.

    Raises Refusal with a reason that the proto's method lists.
    """
    here = window_of(command.at, now, policy)

    def act(found: Found) -> Done:
        answer = _move(tx, here, found, command)
        return Done(
            encode_answer(answer),
            Event.MOVED_WITHIN,
            subjects=tuple(one.record.person for one in answer.registered),
            details=(("late", str(answer.registered_late)),),
        )

    return decode_answer(once(tx, here, command.at, command, act), MovedWithin)


def _move(tx: WithinTx, here: MoveWindow, found: Found, command: RegisterMoveWithin) -> MovedWithin:
    named = [Mover(one.code, one.expected_version, one.lock_id) for one in command.movers]
    movers = find_movers(tx, here, found, named, event=ResidenceEvent.CORRECTED)
    change = _change(here, command)
    records = [
        _entered(here, command, resident, one)
        for resident, one in zip(movers, command.movers, strict=True)
    ]
    target = _household(tx, here, command, movers)
    written = [
        write_version(tx, before, replace(before, household=target, record=record, change=change))
        for before, record in zip(movers, records, strict=True)
    ]
    window = here.window
    void_unprinted(tx, [one.person for one in movers], window.now, window.terminal.uri)
    return MovedWithin(
        tuple(Registered(one, card_faces=_faces(tx, here, one)) for one in written),
        household_needs_head=_is_headless(tx, here, movers[0].household, target),
        registered_late=is_notice_late(command.moved_on, window.today),
    )


def _change(here: MoveWindow, command: RegisterMoveWithin) -> ChangeInformation:
    """Return what the entries say of their cause.

    Raises RuleBroken for a day that cannot be, and Refusal(LATE_REASON_REQUIRED). A reason is kept
    where the notice is late, and is no matter where it is not.
    """
    window, moved_on = here.window, command.moved_on
    refuse_future(civil_day(moved_on), window.now, "moved_date")
    with of_field("moved_date"):
        last_day, is_late = last_day_of_notice(moved_on), is_notice_late(moved_on, window.today)
    if is_late and not command.late_reason.strip():
        raise Refusal(Reason.LATE_REASON_REQUIRED, lastDay=last_day.isoformat())
    return ChangeInformation(
        ChangeReason.MOVE_WITHIN,
        civil_day(moved_on),
        window.now,
        clerk_name=window.clerk_name,
        late_reason=command.late_reason if is_late else "",
    )


def _entered(
    here: MoveWindow, command: RegisterMoveWithin, resident: Resident, stated: Within
) -> ResidenceRecord:
    """Return the entries at the new place. Raises RuleBroken."""
    old, place, moved_on = resident.record, command.place, civil_day(command.moved_on)
    refuse_before_birth(moved_on, old.birth, "moved_date")
    since = old.address_since or old.resident_since
    if moved_on.sort_to < since.sort_from:
        raise RuleBroken("BEFORE_PRESENT_ADDRESS", "moved_date")
    if (old.address, old.building) == (place.address, place.building):
        raise RuleBroken("NOTHING_CHANGED", "place.address")
    record = replace(
        old,
        address=place.address,
        building=place.building,
        relationship=stated.relationship,
        address_since=moved_on,
        notified=civil_day(here.window.today),
    )
    with of_field("place"):
        check_entries(record)
    return record


def _household(
    tx: WithinTx, here: MoveWindow, command: RegisterMoveWithin, movers: Sequence[Resident]
) -> HouseholdID:
    """Return the household in which the persons live at the new place.

    Raises RuleBroken: WHOLE_HOUSEHOLD, ONE_HEAD, OWN_HOUSEHOLD; NotAllowed; and Refusal:
    RESIDENT_NOT_FOUND, CODE_CHANGED.
    """
    own = movers[0].household
    if command.same_household:
        persons = {one.person for one in movers}
        whole = {one.person for one in living(tx.residents.household(here.register, own))}
        if whole != persons:
            raise RuleBroken("WHOLE_HOUSEHOLD", "movers")
        return own
    if command.place.household_of is None:
        if sum(one.relationship == HOUSEHOLDER for one in command.movers) != 1:
            raise RuleBroken("ONE_HEAD", "movers")
        return tx.residents.new_household()
    host = find_person(tx, here, command.place.household_of)
    after(host.state, ResidenceEvent.HOUSEHOLD_JOINED)
    if host.household == own:
        # Whoever lives elsewhere is in another household, unless all of it moves.
        raise RuleBroken("OWN_HOUSEHOLD", "place.household_of_code")
    return host.household


def _faces(tx: WithinTx, here: MoveWindow, resident: Resident) -> int:
    return sum(_has_back(here, card) for card in tx.cards.of_person(resident.person))


def _has_back(here: MoveWindow, card: Card) -> bool:
    status = as_of(card, here.window.now).status
    is_valid = status in _WITH_A_BACK and here.window.today <= card.valid_until
    return is_valid and card.style is CardStyle.STYLE_2


def _is_headless(tx: WithinTx, here: MoveWindow, left: HouseholdID, entered: HouseholdID) -> bool:
    return any(
        needs_head(tx.residents.household(here.register, one))
        for one in dict.fromkeys((left, entered))
    )
