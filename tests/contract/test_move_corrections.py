"""Corrections of what was sent: the newest waits at the destination, which is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.moves.answers import MoveFiled, NoticeGiven
from juki_center.areas.moves.arrivals import record_arrival
from juki_center.areas.moves.commands import (
    Arrival,
    GetMove,
    Look,
    Paper,
    Place,
    Plan,
    RegisterMoveIn,
)
from juki_center.areas.moves.corrections import correct_move_out
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.reads import get_move
from juki_center.areas.moves.rows import AlertKind, Correction, Move, Transfer
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.moves.withdrawals import cancel_move_out
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import ResidenceState
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.books import give_code
from tests.support.books import move as move_books
from tests.support.card_window import CLERK
from tests.support.center import CHIYODA, NOW, SAMPLES
from tests.support.origin_window import (
    ADDRESS,
    CHIYODA_OFFICE,
    FAMILY,
    HANAKO,
    NO_SUCH,
    NOT_HOSTED,
    PLANNED,
    SAKURA,
    TARO,
    TOKOROZAWA_REGISTER,
    OriginWindow,
    facts,
)

MOVED = date(2026, 11, 20)
MOVED_OUT = ResidenceState.MOVED_OUT
OSAKA = Plan(NOT_HOSTED, PLANNED, ADDRESS)
NAME = "𠮷田\u3000太朗"


@pytest.fixture
def window(store: SQLiteStore) -> OriginWindow:
    """Give the window of Tokorozawa."""
    return OriginWindow(store)


async def to_osaka(window: OriginWindow) -> Move:
    """Enter a notice by paper to where no register is in the network."""
    return (await window.file_by_paper(plan=OSAKA)).move


# Corrections


async def in_chiyoda(window: OriginWindow, keys: tuple[str, ...] = FAMILY) -> Move:
    """Let persons move to Chiyoda against their paper; return the completed move."""
    filed: MoveFiled = await window.file_by_paper(keys)
    assert filed.certificate is not None
    chiyoda = replace(window, terminal=CHIYODA)
    relationships = {TARO: "世帯主", HANAKO: "妻", SAKURA: "子"}
    command = RegisterMoveIn(
        at=chiyoda.by_clerk(),
        ground=Paper(filed.move.number, filed.certificate.code, MOVED),
        arrivals=tuple(Arrival(SAMPLES[key].record.code, 0, relationships[key]) for key in keys),
        place=Place(ADDRESS),
    )
    return (await chiyoda.do(register_move_in, command)).move


async def fetched(window: OriginWindow) -> Move:
    """Let Chiyoda have fetched the information of a family."""
    move = (await window.file()).move
    claim = Transfer(b"\x01" * 16, CHIYODA_OFFICE, CHIYODA.uri, bytes(32), PLANNED, NOW)
    return await window.keep(replace(move, state=MoveState.TRANSFERRED, transfer=claim))


def waiting(window: OriginWindow, move: Move) -> list[Correction]:
    """Return the corrections that wait at the destination."""
    return window.store.read(lambda tx: tx.moves.corrections(move))


async def test_a_correction_waits_at_the_destination_which_is_told(window: OriginWindow) -> None:
    move = await in_chiyoda(window)

    answer = await window.do(correct_move_out, window.correction(move, name=NAME))

    (correction,) = waiting(window, move)
    assert answer == NoticeGiven(move, waits=False)
    assert answer.move == window.kept(move.number)
    assert (correction.municipality, correction.sent_at) == (CHIYODA_OFFICE, NOW)
    assert correction.record == replace(SAMPLES[TARO].record, name=NAME)
    assert window.alerts(CHIYODA_OFFICE)[-1] is AlertKind.CORRECTION
    assert window.record().record.name == SAMPLES[TARO].record.name


async def test_a_newer_correction_replaces_the_one_that_waits(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    await window.do(correct_move_out, window.correction(move, name=NAME))

    later = replace(window, now=NOW + timedelta(hours=1))
    await later.do(correct_move_out, later.correction(move, kana="ヨシダ\u3000タロオ"))
    await later.do(correct_move_out, later.correction(move, HANAKO, kana="ヨシダ\u3000ハナ"))

    kept = {one.person: one.record.kana for one in waiting(window, move)}
    assert kept == {
        window.person(TARO): "ヨシダ\u3000タロオ",
        window.person(HANAKO): "ヨシダ\u3000ハナ",
    }
    assert window.alerts(CHIYODA_OFFICE).count(AlertKind.CORRECTION) == 3


async def test_what_was_only_fetched_can_be_corrected_too(window: OriginWindow) -> None:
    move = await fetched(window)

    await window.do(correct_move_out, window.correction(move, name=NAME))
    shown = await replace(window, terminal=CHIYODA).do(
        get_move, GetMove(Look(CHIYODA, CLERK), move.number)
    )

    assert [one.record.name for one in shown.corrections] == [NAME]


async def test_a_correction_rests_on_what_was_sent_and_not_on_what_came_after(
    window: OriginWindow,
) -> None:
    move = await in_chiyoda(window)
    await give_code(window.store, TARO, ResidentCode("24727059608"))

    await window.do(correct_move_out, window.correction(move, name=NAME))

    (correction,) = waiting(window, move)
    assert correction.record.code == SAMPLES[TARO].record.code
    assert correction.record.address == SAMPLES[TARO].record.address


async def test_who_has_come_back_since_then_is_corrected_as_sent_then(
    window: OriginWindow,
) -> None:
    move = await in_chiyoda(window)
    await move_books(window.store, TARO, str(TOKOROZAWA_REGISTER))
    await give_code(window.store, TARO, ResidentCode("24727059608"))

    await window.do(correct_move_out, window.correction(move, name=NAME))

    (correction,) = waiting(window, move)
    assert (correction.record.code, correction.record.former_codes) == (
        SAMPLES[TARO].record.code,
        (),
    )


async def test_a_correction_that_is_sent_again_is_one(window: OriginWindow) -> None:
    command = window.correction(await in_chiyoda(window), name=NAME)

    first = await window.do(correct_move_out, command)
    again = await window.do(correct_move_out, command)

    assert again == first
    assert window.alerts(CHIYODA_OFFICE).count(AlertKind.CORRECTION) == 1


async def test_a_correction_before_the_arrival_lies_with_the_origin(window: OriginWindow) -> None:
    move = await fetched(window)

    await window.do(correct_move_out, window.correction(move, name=NAME))

    (correction,) = waiting(window, move)
    assert correction.municipality == move.origin
    assert window.alerts(CHIYODA_OFFICE)[-1] is AlertKind.CORRECTION


async def test_a_correction_goes_with_the_notice_that_is_withdrawn(window: OriginWindow) -> None:
    move = await fetched(window)
    await window.do(correct_move_out, window.correction(move, name=NAME))
    given_back = await window.keep(replace(move, state=MoveState.NOTIFIED, transfer=None))

    await window.do(cancel_move_out, window.withdrawal(given_back))

    assert waiting(window, move) == []


@pytest.mark.parametrize("key", ["takahashi-ichiro", SAKURA])
async def test_nobody_is_corrected_who_was_not_sent(window: OriginWindow, key: str) -> None:
    move = await in_chiyoda(window, (TARO, HANAKO))

    refused = await window.refused(correct_move_out, window.correction(move, key))

    assert facts(refused) == (Reason.RESIDENT_NOT_FOUND, {})


async def test_nobody_is_corrected_who_stays(window: OriginWindow) -> None:
    move = await in_chiyoda(window, (TARO, HANAKO))
    stayed = replace(move.members[1], state=MemberState.STAYED)
    await window.keep(replace(move, members=(move.members[0], stayed)))

    refused = await window.refused(correct_move_out, window.correction(move, HANAKO))

    assert refused.reason is Reason.RESIDENT_NOT_FOUND


@pytest.mark.parametrize(
    ("entries", "field", "rule"),
    [
        ({"birth": None}, "entries.date_of_birth", "REQUIRED"),
        ({"birth": parse_date("令和9年1月1日")}, "entries.date_of_birth", "FUTURE"),
        ({"address": ""}, "entries.address", "REQUIRED"),
        ({"alias": "田中"}, "entries.alias", "ENTRY_OF_FOREIGN_RESIDENTS"),
    ],
)
async def test_corrected_entries_must_hold_what_entries_must(
    window: OriginWindow, entries: dict[str, object], field: str, rule: str
) -> None:
    move = await in_chiyoda(window)

    refused = await window.refused(correct_move_out, window.correction(move, **entries))

    assert facts(refused) == (Reason.FIELD_INVALID, {"field": field, "rule": rule})
    assert waiting(window, move) == []


@pytest.mark.parametrize(
    "state",
    [one for one in MoveState if one not in {MoveState.TRANSFERRED, MoveState.COMPLETED}],
)
async def test_nothing_is_corrected_that_was_not_sent(
    window: OriginWindow, state: MoveState
) -> None:
    move = await window.keep(replace((await window.file()).move, state=state))

    refused = await window.refused(correct_move_out, window.correction(move, name=NAME))

    assert facts(refused) == (
        Reason.NOT_IN_THIS_STATE,
        {"state": state.value, "event": "CORRECTED"},
    )


async def test_nothing_was_sent_to_where_no_register_is_in_the_network(
    window: OriginWindow,
) -> None:
    move = await window.do(record_arrival, window.arrival(await to_osaka(window), MOVED))

    refused = await window.refused(correct_move_out, window.correction(move, name=NAME))

    assert facts(refused) == (
        Reason.NOT_IN_THIS_STATE,
        {"state": "COMPLETED", "event": "CORRECTED"},
    )


@pytest.mark.parametrize("register", [TOKOROZAWA_REGISTER, CHIYODA_OFFICE])
async def test_a_correction_needs_both_registers(
    window: OriginWindow, register: MunicipalityCode
) -> None:
    move = await in_chiyoda(window)
    await window.connect(register, connected=False)

    refused = await window.refused(correct_move_out, window.correction(move, name=NAME))

    assert facts(refused) == (Reason.RESIDENCE_DISCONNECTED, {})
    await window.connect(register, connected=True)
    assert waiting(window, move) == []


# Whose


async def test_a_move_of_others_is_as_unknown_as_none(window: OriginWindow) -> None:
    move = await in_chiyoda(window)
    elsewhere = replace(window, terminal=CHIYODA)
    unknown = replace(move, number=NO_SUCH)

    refusals = [
        await elsewhere.refused(record_arrival, elsewhere.arrival(move, MOVED)),
        await elsewhere.refused(correct_move_out, elsewhere.correction(move, name=NAME)),
        await window.refused(record_arrival, window.arrival(unknown, MOVED)),
        await window.refused(correct_move_out, window.correction(unknown, name=NAME)),
    ]

    assert [facts(one) for one in refusals] == [(Reason.MOVE_NOT_FOUND, {})] * 4


async def test_a_clerk_without_a_name_records_and_corrects_nothing(window: OriginWindow) -> None:
    move = await to_osaka(window)
    nameless = replace(window.by_clerk(), clerk_name="")

    refusals = [
        await window.refused(record_arrival, replace(window.arrival(move, MOVED), at=nameless)),
        await window.refused(correct_move_out, replace(window.correction(move), at=nameless)),
    ]

    assert {one.reason for one in refusals} == {Reason.CLERK_NAME_REQUIRED}


async def test_no_arrival_is_recorded_while_the_origin_is_disconnected(
    window: OriginWindow,
) -> None:
    move = await to_osaka(window)
    await window.connect(TOKOROZAWA_REGISTER, connected=False)

    refused = await window.refused(record_arrival, window.arrival(move, MOVED))

    assert refused.reason is Reason.RESIDENCE_DISCONNECTED
    assert window.kept(move.number) == move
