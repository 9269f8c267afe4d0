"""A notice of moving out is entered once, and what no window may enter (domain.md, 3.2)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import cast

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Terminal
from juki_center.areas.moves.answers import MoveFiled
from juki_center.areas.moves.commands import (
    Mover,
    Notification,
)
from juki_center.areas.moves.notices import file_move_out
from juki_center.areas.moves.rows import AlertKind, Channel, Filer
from juki_center.areas.moves.states import MoveKind, MoveState
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.locks import EditLock
from juki_center.areas.residents.records import ResidenceState
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet
from juki_center.storage.faults import BROKEN_CONSTRAINT
from juki_center.storage.sqlite import SQLiteStore
from tests.support.books import give_code
from tests.support.center import NOW, SAMPLES
from tests.support.leaves import leaves
from tests.support.origin_window import (
    CHIYODA_OFFICE,
    HANAKO,
    NO_SUCH,
    SAKURA,
    SETAGAYA_OFFICE,
    TARO,
    TODAY,
    TOKOROZAWA_REGISTER,
    OriginWindow,
    facts,
)

SETAGAYA = Terminal("juki://municipality/131121/terminal/01", SETAGAYA_OFFICE)
COUNTER = Notification(Channel.COUNTER, Filer.SELF)
NOBODYS = ResidentCode("24727059608")
NAKA_WARD = MunicipalityCode("141046")


@pytest.fixture
def window(store: SQLiteStore) -> OriginWindow:
    """Give the window of Tokorozawa."""
    return OriginWindow(store)


# Once


async def test_a_notice_that_is_sent_again_gets_its_first_answer(window: OriginWindow) -> None:
    command = window.notice(kind=MoveKind.ORDINARY)

    first = await window.do(file_move_out, command)
    again = await window.at(TODAY).do(file_move_out, command)

    assert again == first
    assert isinstance(again, MoveFiled)


async def test_a_request_id_is_good_for_one_notice(window: OriginWindow) -> None:
    command = window.notice()
    await window.do(file_move_out, command)

    with pytest.raises(Refusal) as refused:
        await window.do(file_move_out, replace(command, kind=MoveKind.ORDINARY))

    assert refused.value.reason is Reason.REQUEST_ID_REUSED


async def test_an_answer_is_kept_for_a_day(window: OriginWindow) -> None:
    command = window.notice()
    await window.do(file_move_out, command)

    with pytest.raises(Refusal) as refused:
        await replace(window, now=NOW + timedelta(hours=25)).do(file_move_out, command)

    assert refused.value.reason is Reason.ANSWER_EXPIRED


@pytest.mark.parametrize("kind", MoveKind)
async def test_nobody_is_in_two_notices(window: OriginWindow, kind: MoveKind) -> None:
    await window.file((HANAKO,), kind=kind)

    refused = await window.refused(file_move_out, window.notice())

    assert refused.reason is Reason.MOVE_OPEN


async def test_of_two_notices_in_the_same_instant_one_is_refused(window: OriginWindow) -> None:
    commands = [window.notice((TARO, HANAKO)), window.notice((HANAKO, SAKURA))]

    outcomes = await asyncio.gather(
        *(window.do(file_move_out, one) for one in commands), return_exceptions=True
    )

    refused = [one for one in outcomes if isinstance(one, DeniedAttempt)]
    assert [one.reason for one in refused] == [Reason.MOVE_OPEN]
    assert sum(isinstance(one, MoveFiled) for one in outcomes) == 1


async def test_two_notices_for_one_person_are_refused_whatever_an_act_overlooks(
    window: OriginWindow,
) -> None:
    move = (await window.file((TARO, HANAKO))).move
    papers = window.store.read(lambda tx: tx.moves.papers(move))
    second = replace(move, number=NO_SUCH, members=move.members[1:])

    with pytest.raises(BROKEN_CONSTRAINT):
        await window.store.act(lambda tx: tx.moves.add(second, papers))

    assert window.store.read(lambda tx: tx.moves.move(NO_SUCH)) is None


async def test_somebody_whom_an_open_notice_has_deleted_is_told_of_the_notice(
    window: OriginWindow,
) -> None:
    await window.do(file_move_out, window.planned(planned_on=date(2026, 10, 1)))

    refused = await window.refused(file_move_out, window.notice((TARO,)))

    assert refused.reason is Reason.MOVE_OPEN


# What no window may enter


async def test_a_clerk_without_a_name_is_refused(window: OriginWindow) -> None:
    command = window.notice()

    refused = await window.refused(
        file_move_out, replace(command, at=replace(command.at, clerk_name=" "))
    )

    assert refused.reason is Reason.CLERK_NAME_REQUIRED


@pytest.mark.parametrize("code", [SAMPLES["yamazaki-ken"].record.code, NOBODYS])
async def test_who_lives_elsewhere_is_as_unknown_as_who_does_not_exist(
    window: OriginWindow, code: ResidentCode
) -> None:
    refused = await window.refused(file_move_out, window.notice(movers=(Mover(code, 1),)))

    assert facts(refused) == (Reason.RESIDENT_NOT_FOUND, {})


async def test_a_former_code_is_no_code_to_move_with(window: OriginWindow) -> None:
    old = window.movers(TARO)
    await give_code(window.store, TARO, NOBODYS)

    refused = await window.refused(file_move_out, window.notice(movers=old))

    assert refused.reason is Reason.CODE_CHANGED


async def test_a_record_that_the_clerk_has_not_seen_is_refused(window: OriginWindow) -> None:
    (mover,) = window.movers(TARO)

    refused = await window.refused(
        file_move_out, window.notice(movers=(replace(mover, expected_version=7),))
    )

    assert facts(refused) == (Reason.RECORD_CHANGED, {"version": "1"})


async def test_a_record_under_another_clerks_lock_is_refused_and_ones_own_is_not(
    window: OriginWindow,
) -> None:
    until = NOW + timedelta(minutes=5)
    lock = EditLock(window.person(HANAKO), b"\x07" * 16, window.terminal.uri, "山田", until)
    await window.store.act(lambda tx: tx.locks.put(lock))
    taro, hanako = window.movers(TARO, HANAKO)

    refused = await window.refused(file_move_out, window.notice(movers=(taro, hanako)))
    own = replace(hanako, lock_id=lock.lock_id)
    filed = await window.do(file_move_out, window.notice(movers=(taro, own)))

    assert facts(refused) == (Reason.RECORD_LOCKED, {"until": until.isoformat()})
    assert filed.move.state is MoveState.NOTIFIED


@pytest.mark.parametrize("state", [one for one in ResidenceState if one.value != "ACTIVE"])
async def test_a_deleted_record_moves_nowhere(window: OriginWindow, state: ResidenceState) -> None:
    gone = replace(window.record(), state=state)
    await window.store.act(lambda tx: tx.residents.replace(gone))

    refused = await window.refused(file_move_out, window.notice((TARO,)))

    assert facts(refused) == (
        Reason.NOT_IN_THIS_STATE,
        {"state": state.value, "event": "MOVED_AWAY"},
    )


async def test_persons_of_two_households_need_two_notices(window: OriginWindow) -> None:
    refused = await window.refused(file_move_out, window.notice((TARO, "takahashi-ichiro")))

    assert facts(refused) == (Reason.NOT_SAME_HOUSEHOLD, {})


@pytest.mark.parametrize(
    ("keys", "rule"),
    [((), "RANGE_1_20"), ((TARO, HANAKO, TARO), "TWICE"), ((TARO,) * 21, "RANGE_1_20")],
)
async def test_movers_are_one_to_twenty_and_each_once(
    window: OriginWindow, keys: tuple[str, ...], rule: str
) -> None:
    refused = await window.refused(file_move_out, window.notice(keys))

    assert facts(refused) == (Reason.FIELD_INVALID, {"field": "movers", "rule": rule})


async def test_a_move_to_where_one_lives_is_none(window: OriginWindow) -> None:
    refused = await window.refused(file_move_out, window.planned(destination=TOKOROZAWA_REGISTER))

    assert facts(refused) == (Reason.DESTINATION_IS_ORIGIN, {})


async def test_another_ward_of_the_same_city_is_the_origin(store: SQLiteStore) -> None:
    yokohama = MunicipalityCode("141003")
    window = OriginWindow(
        store, terminal=Terminal("juki://municipality/141003/terminal/01", yokohama)
    )

    refused = await window.refused(
        file_move_out, window.planned(("watanabe-aoi",), destination=NAKA_WARD)
    )

    assert refused.reason is Reason.DESTINATION_IS_ORIGIN


@pytest.mark.parametrize(
    ("code", "rule"),
    [("112909", "MUNICIPALITY_UNKNOWN"), ("014885", "MUNICIPALITY_NOT_VALID")],
)
async def test_a_destination_that_there_is_not_on_the_planned_day_is_refused(
    window: OriginWindow, code: str, rule: str
) -> None:
    refused = await window.refused(
        file_move_out, window.planned(destination=MunicipalityCode(code))
    )

    assert facts(refused) == (
        Reason.FIELD_INVALID,
        {"field": "plan.destination_code", "rule": rule},
    )


@pytest.mark.parametrize(
    ("planned_on", "rule"),
    [
        (date(2027, 11, 24), "RANGE"),
        (date(2000, 2, 28), "BEFORE_BIRTH"),
        (date(1948, 5, 5), "YEAR_WITHOUT_CALENDAR"),
    ],
)
async def test_a_day_that_nobody_can_plan_is_refused(
    window: OriginWindow, planned_on: date, rule: str
) -> None:
    refused = await window.refused(file_move_out, window.planned(planned_on=planned_on))

    assert facts(refused) == (
        Reason.FIELD_INVALID,
        {"field": "plan.planned_date", "rule": rule},
    )


async def test_a_move_may_be_planned_a_year_ahead(window: OriginWindow) -> None:
    filed = await window.do(file_move_out, window.planned(planned_on=date(2027, 11, 23)))

    assert filed.move.state is MoveState.NOTIFIED


@pytest.mark.parametrize(
    ("notified_on", "rule"),
    [(TODAY + timedelta(days=1), "FUTURE"), (date(2025, 11, 22), "RANGE")],
)
async def test_a_notice_reached_the_office_in_the_last_year_and_not_tomorrow(
    window: OriginWindow, notified_on: date, rule: str
) -> None:
    notification = Notification(Channel.POST, Filer.SELF, notified_on)

    refused = await window.refused(file_move_out, window.notice(notification=notification))

    assert facts(refused) == (
        Reason.FIELD_INVALID,
        {"field": "notification.notice_date", "rule": rule},
    )


async def test_a_notice_of_a_year_ago_may_still_be_entered(window: OriginWindow) -> None:
    notification = Notification(Channel.POST, Filer.SELF, date(2025, 11, 23))

    filed = await window.file(notification=notification)

    assert filed.move.notified_on == date(2025, 11, 23)


async def test_nothing_is_entered_while_the_origin_is_disconnected(window: OriginWindow) -> None:
    command = window.notice()
    await window.connect(TOKOROZAWA_REGISTER, connected=False)

    refused = await window.refused(file_move_out, command)

    assert facts(refused) == (Reason.RESIDENCE_DISCONNECTED, {})


async def test_a_destination_that_is_cut_off_today_may_be_moved_to(window: OriginWindow) -> None:
    await window.connect(CHIYODA_OFFICE, connected=False)

    filed = await window.under(RuleSet.R2023_02_06).file()

    assert filed.move.state is MoveState.NOTIFIED
    assert window.alerts(CHIYODA_OFFICE) == [AlertKind.EXPECTED]


async def test_a_refusal_is_in_the_log_with_its_cause_and_persons_and_changes_nothing(
    window: OriginWindow,
) -> None:
    command = window.notice((TARO, "takahashi-ichiro"))
    await window.refused(file_move_out, command)
    person = window.person(TARO)

    leaf = leaves(window.store)[-1]

    assert (leaf["ev"], leaf["out"]) == ("MOVE_REFUSED", "NOT_SAME_HOUSEHOLD")
    assert len(cast("list[bytes]", leaf["who"])) == 2
    assert window.store.read(lambda tx: tx.moves.newest_of_person(person)) is None
