"""Notices of moving out that are changed before an arrival."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.answers import MoveChanged
from juki_center.areas.moves.changes import change_move_out
from juki_center.areas.moves.commands import Notification
from juki_center.areas.moves.rows import AlertKind, Channel, Document, Filer
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.locks import EditLock
from juki_center.areas.residents.records import (
    ChangeReason,
    ResidenceState,
)
from juki_center.errors import Reason
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.books import give_code
from tests.support.center import CHIYODA, NOW
from tests.support.origin_window import (
    CHIYODA_OFFICE,
    FAMILY,
    HANAKO,
    NOT_HOSTED,
    SAKURA,
    SETAGAYA_OFFICE,
    TARO,
    TODAY,
    TOKOROZAWA_REGISTER,
    OriginWindow,
    departed,
    facts,
)

ACTIVE, MOVED_OUT = ResidenceState.ACTIVE, ResidenceState.MOVED_OUT
LATER = date(2026, 12, 20)
AFTER = date(2026, 12, 2)


@pytest.fixture
def window(store: SQLiteStore) -> OriginWindow:
    """Give the window of Tokorozawa."""
    return OriginWindow(store)


# Changed


async def test_another_day_is_the_next_version_of_the_notice(window: OriginWindow) -> None:
    move = (await window.file()).move

    changed = await window.do(change_move_out, window.change(move, planned_on=LATER))

    assert changed == MoveChanged(
        replace(move, version=2, planned_on=LATER, last_day=date(2027, 1, 19))
    )
    assert window.kept(move.number) == changed.move


async def test_another_destination_and_address_are_kept(window: OriginWindow) -> None:
    move = (await window.file()).move

    changed = await window.changed(move, destination=SETAGAYA_OFFICE, address="世田谷区成城")

    assert changed.destination == SETAGAYA_OFFICE
    papers = window.store.read(lambda tx: tx.moves.papers(changed))
    assert (papers.destination_address, papers.filer) == ("世田谷区成城", Filer.HOUSEHOLDER)


async def test_who_is_left_out_stays_and_may_be_named_in_another_notice(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move

    changed = await window.changed(move, (TARO, HANAKO))
    other = await window.file((SAKURA,))

    assert changed.persons == (window.person(TARO), window.person(HANAKO))
    assert other.move.state is MoveState.NOTIFIED


async def test_who_joins_is_in_no_other_notice(window: OriginWindow) -> None:
    move = (await window.file((TARO,))).move
    await window.file((SAKURA,))

    changed = await window.changed(move, (TARO, HANAKO))
    refused = await window.refused(change_move_out, window.change(changed))

    assert changed.persons == (window.person(TARO), window.person(HANAKO))
    assert refused.reason is Reason.MOVE_OPEN


async def test_who_was_lost_on_the_way_stays_in_the_notice(window: OriginWindow) -> None:
    move = (await window.file()).move
    gone = replace(move.members[2], state=MemberState.GONE)
    await window.keep(replace(move, members=(*move.members[:2], gone)))

    changed = await window.changed(move, (HANAKO, TARO), planned_on=LATER)

    assert changed.persons == tuple(window.person(key) for key in (HANAKO, TARO, SAKURA))
    assert [one.state for one in changed.members] == [MemberState.MOVING] * 2 + [MemberState.GONE]


async def test_a_changed_notice_by_paper_has_a_new_paper_and_the_old_one_opens_nothing(
    window: OriginWindow,
) -> None:
    filed = await window.file_by_paper()

    changed = await window.do(change_move_out, window.change(filed.move, planned_on=LATER))

    assert filed.certificate is not None
    assert changed.certificate is not None
    assert (changed.certificate.count, changed.certificate.planned_on) == (2, LATER)
    assert not changed.certificate.code.is_same(filed.certificate.code)
    assert (changed.move.certificates, changed.move.certificate_version) == (2, 2)
    kept = window.store.read(lambda tx: tx.moves.papers(changed.move))
    assert kept.verification_code == changed.certificate.code


async def test_a_notice_by_paper_that_goes_abroad_has_none_any_more(window: OriginWindow) -> None:
    move = (await window.file_by_paper()).move

    changed = await window.do(change_move_out, window.change(move, destination=None))

    assert (changed.certificate, changed.move.destination) == (None, None)
    kept = window.store.read(lambda tx: tx.moves.papers(changed.move))
    assert (kept.verification_code, kept.printed_codes) == (None, ())


async def test_a_paper_whose_new_day_lies_long_before_the_notice_is_an_equivalent_one(
    window: OriginWindow,
) -> None:
    move = (await window.file_by_paper()).move
    early = window.change(move, planned_on=date(2026, 10, 1))

    changed = await window.do(change_move_out, early)

    assert changed.certificate is not None
    assert changed.certificate.document is Document.EQUIVALENT
    assert (window.states(), changed.move.departed) == ([MOVED_OUT] * 3, True)
    assert {window.card(key).status for key in FAMILY} == {CardStatus.LAPSED}


async def test_a_late_notice_whose_day_was_wrong_is_an_ordinary_one_after_all(
    window: OriginWindow,
) -> None:
    moved_on = date(2026, 10, 1)
    late = window.notice(kind=MoveKind.ORDINARY)
    move = (await window.file_by_paper(plan=replace(late.plan, planned_on=moved_on))).move

    changed = await window.do(change_move_out, window.change(move, planned_on=LATER))

    assert changed.certificate is not None
    assert changed.certificate.document is Document.CERTIFICATE
    assert (window.states(), changed.move.departed) == ([ACTIVE] * 3, False)
    # What has lapsed stays so.
    assert {window.card(key).status for key in FAMILY} == {CardStatus.LAPSED}


# Changed after the planned day


async def test_a_later_day_brings_back_whom_the_former_one_had_deleted(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move
    next_day = await departed(window, move, AFTER)
    assert window.states() == [MOVED_OUT] * 3

    changed = await next_day.changed(next_day.kept(move.number), planned_on=LATER)

    assert window.states() == [ACTIVE] * 3
    back = window.record()
    assert back.change is not None
    assert (back.version, back.change.reason, back.change.cancels) == (
        3,
        ChangeReason.CANCELLATION,
        2,
    )
    assert (changed.departed, {one.left_version for one in changed.members}) == (False, {0})
    assert {window.card(key).status for key in FAMILY} == {CardStatus.ACTIVE}


async def test_another_day_that_has_come_too_ends_the_records_on_that_day(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move
    next_day = await departed(window, move, AFTER)
    changed = await next_day.changed(next_day.kept(move.number), planned_on=date(2026, 11, 30))

    await departed(next_day, changed, AFTER)

    written = window.record()
    assert written.change is not None
    assert (written.version, written.change.date) == (4, parse_date("令和8年11月30日"))
    assert window.states() == [MOVED_OUT] * 3


async def test_who_is_left_out_after_the_planned_day_is_in_the_book_again(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move
    next_day = await departed(window, move, AFTER)

    changed = await next_day.changed(next_day.kept(move.number), (TARO, HANAKO))

    assert window.states() == [MOVED_OUT, MOVED_OUT, ACTIVE]
    assert (changed.departed, len(changed.members)) == (True, 2)
    assert window.record(TARO).version == 2


async def test_who_joins_after_the_planned_day_departs_with_the_next_round(
    window: OriginWindow,
) -> None:
    move = (await window.file((TARO,))).move
    next_day = await departed(window, move, AFTER)

    changed = await next_day.changed(next_day.kept(move.number), (TARO, HANAKO))
    await departed(next_day, changed, AFTER)

    assert not changed.departed
    assert window.states(TARO, HANAKO) == [MOVED_OUT, MOVED_OUT]
    assert window.record(TARO).version == 2


async def test_somebody_whom_the_own_system_has_brought_back_is_left_alone(
    window: OriginWindow,
) -> None:
    move = (await window.file((TARO, HANAKO))).move
    next_day = await departed(window, move, AFTER)
    back = replace(window.record(TARO), state=ACTIVE)
    await window.store.act(lambda tx: tx.residents.replace(back))

    changed = await next_day.changed(next_day.kept(move.number), (TARO, HANAKO), planned_on=LATER)

    assert window.states(TARO, HANAKO) == [ACTIVE, ACTIVE]
    assert window.record(TARO).version == 3
    assert not changed.departed


async def test_a_changed_day_takes_a_missing_arrival_off_the_list(window: OriginWindow) -> None:
    move = (await window.file()).move
    await window.keep(replace(move, missing_since=NOW))

    same_day = await window.changed(move, address="千代田区")
    other_day = await window.changed(same_day, planned_on=LATER)

    assert (same_day.missing_since, other_day.missing_since) == (NOW, None)


# Told beforehand


async def test_the_new_destination_is_told_and_the_former_one_that_nobody_comes(
    window: OriginWindow,
) -> None:
    pushing = window.under(RuleSet.R2023_02_06)
    move = (await pushing.file()).move

    changed = await pushing.changed(move, destination=SETAGAYA_OFFICE)
    await pushing.changed(changed, planned_on=LATER, destination=SETAGAYA_OFFICE)

    assert window.alerts(CHIYODA_OFFICE) == [AlertKind.EXPECTED, AlertKind.NO_LONGER_EXPECTED]
    assert window.alerts(SETAGAYA_OFFICE) == [AlertKind.EXPECTED]


async def test_before_2023_nobody_is_told_of_a_change(window: OriginWindow) -> None:
    move = (await window.file()).move

    await window.changed(move, destination=SETAGAYA_OFFICE)

    assert window.alerts(CHIYODA_OFFICE) == window.alerts(SETAGAYA_OFFICE) == []


# What no change may do


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ({"destination": None}, "ABROAD"),
        ({"destination": NOT_HOSTED}, "DESTINATION_NOT_ON_NETWORK"),
        ({"planned_on": date(2026, 11, 6)}, "NOTIFIED_LATE"),
    ],
)
async def test_a_change_never_gives_the_special_case_up(
    window: OriginWindow, plan: dict[str, object], why: str
) -> None:
    move = (await window.file()).move

    refused = await window.refused(change_move_out, window.change(move, **plan))

    assert facts(refused) == (Reason.SPECIAL_NOT_POSSIBLE, {"why": why})
    assert window.kept(move.number) == move


async def test_a_special_notice_keeps_somebody_with_a_card(window: OriginWindow) -> None:
    move = (await window.file()).move
    await window.set_cards(CardStatus.LAPSED, HANAKO, SAKURA)

    refused = await window.refused(change_move_out, window.change(move, (HANAKO, SAKURA)))

    assert facts(refused) == (Reason.SPECIAL_NOT_POSSIBLE, {"why": "NO_USABLE_CARD"})


async def test_a_day_counts_from_the_first_notice_also_when_it_is_changed_late(
    window: OriginWindow,
) -> None:
    posted = Notification(Channel.POST, Filer.SELF, date(2026, 11, 1))
    move = (await window.file(notification=posted)).move

    changed = await window.changed(move, planned_on=date(2026, 10, 30))

    assert (changed.state, changed.notified_on) == (MoveState.NOTIFIED, date(2026, 11, 1))


async def test_a_change_leaves_time_for_the_move_in_by_card(window: OriginWindow) -> None:
    posted = Notification(Channel.POST, Filer.SELF, date(2026, 11, 1))
    move = (await window.file(notification=posted)).move

    refused = await window.refused(
        change_move_out, window.change(move, planned_on=date(2026, 10, 20))
    )

    assert facts(refused) == (Reason.SPECIAL_NOT_POSSIBLE, {"why": "NOTIFIED_LATE"})


async def test_a_notice_that_another_window_has_changed_is_looked_at_again(
    window: OriginWindow,
) -> None:
    move = (await window.file()).move
    await window.changed(move, planned_on=LATER)

    refused = await window.refused(change_move_out, window.change(move, (TARO,)))

    assert facts(refused) == (Reason.NOTICE_CHANGED, {"version": "2"})


async def test_of_two_changes_in_the_same_instant_one_counts(window: OriginWindow) -> None:
    move = (await window.file()).move
    commands = [window.change(move, planned_on=LATER), window.change(move, (TARO,))]

    outcomes = await asyncio.gather(
        *(window.do(change_move_out, one) for one in commands), return_exceptions=True
    )

    refused = [one for one in outcomes if isinstance(one, DeniedAttempt)]
    assert [one.reason for one in refused] == [Reason.NOTICE_CHANGED]
    assert window.kept(move.number).version == 2


async def test_a_change_that_is_sent_again_gets_its_first_answer(window: OriginWindow) -> None:
    move = (await window.file_by_paper()).move
    command = window.change(move, planned_on=LATER)

    first = await window.do(change_move_out, command)
    again = await window.do(change_move_out, command)

    assert again == first


@pytest.mark.parametrize("keys", [FAMILY, (SAKURA, TARO, HANAKO)])
async def test_a_change_that_changes_nothing_is_refused(
    window: OriginWindow, keys: tuple[str, ...]
) -> None:
    move = (await window.file()).move

    refused = await window.refused(change_move_out, window.change(move, keys))

    assert facts(refused) == (
        Reason.FIELD_INVALID,
        {"field": "plan", "rule": "NOTHING_CHANGED"},
    )


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"destination": TOKOROZAWA_REGISTER}, Reason.DESTINATION_IS_ORIGIN),
        ({"planned_on": TODAY + timedelta(days=366)}, Reason.FIELD_INVALID),
    ],
)
async def test_a_changed_plan_must_hold_what_a_first_one_must(
    window: OriginWindow, plan: dict[str, object], expected: Reason
) -> None:
    move = (await window.file()).move

    refused = await window.refused(change_move_out, window.change(move, **plan))

    assert refused.reason is expected


async def test_movers_of_a_change_must_hold_what_those_of_a_notice_must(
    window: OriginWindow,
) -> None:
    move = (await window.file((TARO, HANAKO))).move
    lock = EditLock(
        window.person(TARO), b"\x07" * 16, CHIYODA.uri, "山田", NOW + timedelta(hours=1)
    )
    taro, hanako = window.movers(TARO, HANAKO)
    unseen = replace(window.change(move), movers=(replace(taro, expected_version=9), hanako))

    other_household = await window.refused(
        change_move_out, window.change(move, (TARO, "takahashi-ichiro"))
    )
    elsewhere = await window.refused(change_move_out, window.change(move, (TARO, "yamazaki-ken")))
    changed = await window.refused(change_move_out, unseen)
    await window.store.act(lambda tx: tx.locks.put(lock))
    locked = await window.refused(change_move_out, window.change(move, (TARO,)))

    assert other_household.reason is Reason.NOT_SAME_HOUSEHOLD
    assert elsewhere.reason is Reason.RESIDENT_NOT_FOUND
    assert changed.reason is Reason.RECORD_CHANGED
    assert locked.reason is Reason.RECORD_LOCKED


async def test_a_former_code_is_no_code_to_change_a_notice_with(window: OriginWindow) -> None:
    move = (await window.file((TARO, HANAKO))).move
    change = window.change(move, (TARO,))
    await give_code(window.store, TARO, ResidentCode("24727059608"))

    refused = await window.refused(change_move_out, change)

    assert facts(refused) == (Reason.CODE_CHANGED, {})


@pytest.mark.parametrize("state", [ResidenceState.DECEASED, MOVED_OUT])
async def test_whoever_is_in_the_book_no_more_joins_no_notice(
    window: OriginWindow, state: ResidenceState
) -> None:
    move = (await window.file((TARO, HANAKO))).move
    gone = replace(window.record(SAKURA), state=state)
    await window.store.act(lambda tx: tx.residents.replace(gone))

    refused = await window.refused(change_move_out, window.change(move))

    assert facts(refused) == (
        Reason.NOT_IN_THIS_STATE,
        {"state": state.value, "event": "MOVED_AWAY"},
    )


@pytest.mark.parametrize(
    "state", [one for one in MoveState if one not in {MoveState.NOTIFIED, MoveState.ORDINARY}]
)
async def test_a_notice_is_changed_before_an_arrival_only(
    window: OriginWindow, state: MoveState
) -> None:
    move = await window.keep(replace((await window.file()).move, state=state))

    refused = await window.refused(change_move_out, window.change(move, planned_on=LATER))

    assert facts(refused) == (
        Reason.NOT_IN_THIS_STATE,
        {"state": state.value, "event": "CHANGED"},
    )
