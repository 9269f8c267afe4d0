"""A correction of what was sent, entered at the destination: what is here of the stay stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from juki_center.areas.moves.accepted_corrections import accept_correction
from juki_center.areas.moves.answers import MovedIn
from juki_center.areas.moves.commands import AcceptCorrection
from juki_center.areas.moves.rows import Correction
from juki_center.areas.moves.states import MoveState
from juki_center.areas.residents.locks import EditLock
from juki_center.areas.residents.records import ChangeReason, ProtectiveMeasure, ResidenceState
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    CLERK,
    DESTINATION,
    HANAKO,
    NEW_CODE,
    ORIGIN,
    SAKURA,
    SETAGAYA,
    TARO,
    Arrivals,
    code_of,
    day,
)
from tests.support.center import SAMPLES, TOKOROZAWA

OTHER_HEAD = "\U00020bb7田　次郎"


@pytest.fixture
def chiyoda(store: SQLiteStore) -> Arrivals:
    """Give the window at which the family has arrived."""
    return Arrivals(store)


async def corrected(chiyoda: Arrivals, **changes: object) -> MovedIn:
    """Let the family arrive, and the origin correct what it sent of Taro."""
    moved = await chiyoda.moved_in(TARO, HANAKO)
    entries = {"family_register_head": OTHER_HEAD, **changes}
    record = replace(SAMPLES[TARO].record, **entries)  # type: ignore[arg-type]  # fields
    sent = Correction(moved.move.number, chiyoda.person(TARO), DESTINATION, chiyoda.now, record)
    await chiyoda.store.act(lambda tx: tx.moves.put_correction(sent))
    return moved


def accepting(chiyoda: Arrivals, moved: MovedIn, key: str = TARO) -> AcceptCorrection:
    """Return the request to enter a person's correction."""
    version = chiyoda.record(key).version
    return AcceptCorrection(chiyoda.new_request, moved.move.number, code_of(key), version)


async def test_corrected_entries_are_entered_and_the_stay_here_is_as_it_was(
    chiyoda: Arrivals,
) -> None:
    moved = await corrected(chiyoda, kana="ヨシダ　タロ")
    await chiyoda.change_record(TARO, measure=ProtectiveMeasure())
    before = chiyoda.record(TARO)

    answer = await chiyoda.on("2027-04-20").do(accept_correction, accepting(chiyoda, moved))

    written = chiyoda.record(TARO)
    assert written == answer.record
    assert written.record == replace(
        before.record, family_register_head=OTHER_HEAD, kana="ヨシダ　タロ"
    )
    assert (written.version, written.household, written.municipality) == (
        before.version + 1,
        before.household,
        DESTINATION,
    )
    assert written.change is not None
    assert written.change.reason is ChangeReason.CORRECTION_EX_OFFICIO
    assert (written.change.date, written.change.clerk_name) == (day("令和9年4月20日"), CLERK)


async def test_what_was_entered_waits_no_more(chiyoda: Arrivals) -> None:
    moved = await corrected(chiyoda)
    await chiyoda.do(accept_correction, accepting(chiyoda, moved))

    refused = await chiyoda.refused(accept_correction, accepting(chiyoda, moved))

    assert refused.reason is Reason.NO_CORRECTION


async def test_what_the_clerk_has_entered_already_makes_no_version(chiyoda: Arrivals) -> None:
    moved = await corrected(chiyoda)
    await chiyoda.change_record(TARO, family_register_head=OTHER_HEAD)
    before = chiyoda.record(TARO)

    answer = await chiyoda.do(accept_correction, accepting(chiyoda, moved))

    assert answer.record == before == chiyoda.record(TARO)
    assert chiyoda.store.read(lambda tx: tx.moves.corrections(moved.move)) == []


async def test_the_same_request_gets_its_first_answer(chiyoda: Arrivals) -> None:
    command = accepting(chiyoda, await corrected(chiyoda))

    first = await chiyoda.do(accept_correction, command)
    again = await chiyoda.on("2027-04-15").do(accept_correction, command)

    assert again == first


async def test_it_needs_the_origins_book_no_more(chiyoda: Arrivals) -> None:
    moved = await corrected(chiyoda)
    await chiyoda.cut_off(ORIGIN)

    answer = await chiyoda.do(accept_correction, accepting(chiyoda, moved))

    assert answer.record.record.family_register_head == OTHER_HEAD


async def test_nothing_is_entered_while_the_own_book_is_closed(chiyoda: Arrivals) -> None:
    command = accepting(chiyoda, await corrected(chiyoda))
    await chiyoda.cut_off(DESTINATION)

    refused = await chiyoda.refused(accept_correction, command)

    assert refused.reason is Reason.RESIDENCE_DISCONNECTED


async def test_of_whom_no_correction_was_sent_none_is_entered(chiyoda: Arrivals) -> None:
    moved = await corrected(chiyoda)

    refused = await chiyoda.refused(accept_correction, accepting(chiyoda, moved, HANAKO))

    assert refused.reason is Reason.NO_CORRECTION


@pytest.mark.parametrize("key", [SAKURA, "kamiya-jun"])
async def test_who_does_not_live_here_is_not_found(chiyoda: Arrivals, key: str) -> None:
    moved = await corrected(chiyoda)

    refused = await chiyoda.refused(accept_correction, accepting(chiyoda, moved, key))

    assert refused.reason is Reason.RESIDENT_NOT_FOUND


async def test_a_former_code_is_refused(chiyoda: Arrivals) -> None:
    moved = await corrected(chiyoda)
    command = accepting(chiyoda, moved)
    await chiyoda.change_record(TARO, code=NEW_CODE, former_codes=(code_of(TARO),))

    refused = await chiyoda.refused(accept_correction, command)

    assert refused.reason is Reason.CODE_CHANGED


async def test_a_version_that_the_clerk_has_not_seen_is_refused(chiyoda: Arrivals) -> None:
    command = accepting(chiyoda, await corrected(chiyoda))
    await chiyoda.change_record(TARO, kana="ヨシダ　タロ")

    refused = await chiyoda.refused(accept_correction, command)

    assert (refused.reason, refused.metadata) == (Reason.RECORD_CHANGED, {"version": "4"})


async def test_a_record_that_somebody_edits_is_refused(chiyoda: Arrivals) -> None:
    command = accepting(chiyoda, await corrected(chiyoda))
    until = chiyoda.now + timedelta(minutes=9)
    lock = EditLock(chiyoda.person(TARO), bytes(16), chiyoda.terminal.uri, CLERK, until)
    await chiyoda.store.act(lambda tx: tx.locks.put(lock))

    refused = await chiyoda.refused(accept_correction, command)

    assert refused.reason is Reason.RECORD_LOCKED


async def test_who_has_died_since_is_corrected_no_more(chiyoda: Arrivals) -> None:
    moved = await corrected(chiyoda)
    await chiyoda.set_state(TARO, ResidenceState.DECEASED)

    refused = await chiyoda.refused(accept_correction, accepting(chiyoda, moved))

    assert (refused.reason, refused.metadata["state"]) == (Reason.NOT_IN_THIS_STATE, "DECEASED")


async def test_entries_that_the_register_may_not_hold_are_refused(chiyoda: Arrivals) -> None:
    moved = await corrected(chiyoda, alias="山田　花")

    refused = await chiyoda.refused(accept_correction, accepting(chiyoda, moved))

    assert refused.reason is Reason.FIELD_INVALID
    assert refused.metadata["field"] == "entries.alias"


async def test_a_move_that_was_taken_back_takes_no_correction(chiyoda: Arrivals) -> None:
    moved = await corrected(chiyoda)
    await chiyoda.change(moved.move, state=MoveState.CANCELLED_AFTER)

    refused = await chiyoda.refused(accept_correction, accepting(chiyoda, moved))

    assert refused.reason is Reason.NOT_IN_THIS_STATE


@pytest.mark.parametrize("terminal", [SETAGAYA, TOKOROZAWA])
async def test_nobody_but_the_destination_finds_the_move(
    chiyoda: Arrivals, terminal: object
) -> None:
    moved = await corrected(chiyoda)
    elsewhere = replace(chiyoda, terminal=terminal)  # type: ignore[arg-type]  # a terminal

    refused = await elsewhere.refused(accept_correction, accepting(elsewhere, moved))

    assert refused.reason is Reason.MOVE_NOT_FOUND
