"""Moves within a municipality: who may move, what is entered, what becomes of cards and copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from juki_center.areas.cards.register import CardStatus, CardStyle
from juki_center.areas.copies.commands import RecallReason
from juki_center.areas.moves.answers import MovedWithin
from juki_center.areas.moves.commands import (
    Place,
    RegisterMoveWithin,
    Within,
)
from juki_center.areas.moves.notices import file_move_out
from juki_center.areas.moves.within import register_move_within
from juki_center.areas.residents.cancellations import cancel_entry
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.commands import CancelEntry, DeleteRecord, LockRecord
from juki_center.areas.residents.deletions import delete_record
from juki_center.areas.residents.edit_locks import lock_record
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.records import ChangeReason
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES, Center, serial_of
from tests.support.leaves import leaves
from tests.support.origin_window import CLERK, TODAY, OriginWindow
from tests.support.register_desk import RegisterDesk, code_of
from tests.support.rows import change as change_rows

TARO, HANAKO, SAKURA = FAMILY = ("yoshida-taro", "yoshida-hanako", "yoshida-sakura")
ICHIRO = "takahashi-ichiro"
ADDRESS, BUILDING = "埼玉県所沢市宮本町一丁目1番2号", "宮本町荘２０３"
MOVED_ON = date(2026, 11, 20)
LONG_AGO = date(2026, 11, 1)


@dataclass(slots=True)
class Windows:
    """The residence's window, and the desk beside it."""

    window: OriginWindow
    desk: RegisterDesk

    @property
    def store(self) -> SQLiteStore:
        """The store of both."""
        return self.window.store

    def command(
        self,
        *places: tuple[str, str],
        to: str | None = None,
        building: str = "",
        **changes: object,
    ) -> RegisterMoveWithin:
        """Return a move of persons into a place, in whose household or a new one."""
        command = RegisterMoveWithin(
            at=self.window.by_clerk(),
            movers=tuple(
                Within(code_of(key), self.desk.record(key).version, relationship)
                for key, relationship in places
            ),
            place=Place(ADDRESS, building, code_of(to) if to else None),
            moved_on=MOVED_ON,
        )
        return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command

    def family(self, **changes: object) -> RegisterMoveWithin:
        """Return a move of the whole Yoshida family, which stays what it is."""
        places = ((TARO, "世帯主"), (HANAKO, "妻"), (SAKURA, "子"))
        return self.command(*places, same_household=True, **changes)  # type: ignore[arg-type]  # fields

    async def do(self, command: RegisterMoveWithin) -> MovedWithin:
        """Register a move."""
        return await self.window.do(register_move_within, command)

    async def refused(self, command: RegisterMoveWithin) -> Refusal:
        """Return the refusal of a move, which has changed nothing."""
        before = [self.desk.record(key) for key in FAMILY]
        refusal = await self.window.refused(register_move_within, command)
        assert [self.desk.record(key) for key in FAMILY] == before
        assert leaves(self.store)[-1]["ev"] == "MOVE_REFUSED"
        return refusal


@pytest.fixture
def windows(store: SQLiteStore, desk: RegisterDesk) -> Windows:
    """Return the windows of Tokorozawa."""
    return Windows(OriginWindow(store), desk)


def fields(refusal: Refusal) -> tuple[str, str]:
    """Return which field of a request breaks which rule."""
    assert refusal.reason is Reason.FIELD_INVALID
    return refusal.metadata["field"], refusal.metadata["rule"]


# What is entered


async def test_a_whole_family_moves_and_stays_one_household(windows: Windows) -> None:
    before = [windows.desk.record(key) for key in FAMILY]

    answer = await windows.do(windows.family(building=BUILDING))

    after = [one.record for one in answer.registered]
    assert [one.household for one in after] == [one.household for one in before]
    for old, new in zip(before, after, strict=True):
        assert new.record == replace(
            old.record,
            address=ADDRESS,
            building=BUILDING,
            address_since=civil_day(MOVED_ON),
            notified=civil_day(TODAY),
        )
        assert new.change is not None
        assert (new.change.reason, new.change.date, new.change.recorded_at) == (
            ChangeReason.MOVE_WITHIN,
            civil_day(MOVED_ON),
            NOW,
        )
        assert (new.change.clerk_name, new.change.late_reason) == (CLERK, "")
    assert (answer.household_needs_head, answer.registered_late) == (False, False)
    assert [windows.desk.record(key) for key in FAMILY] == after


async def test_each_mover_is_in_a_notice_about_the_address_alone(windows: Windows) -> None:
    await windows.do(windows.family())

    notices = windows.store.read(lambda tx: [tx.changes.at(place) for place in (1, 2, 3)])
    assert {one.reason for one in notices} == {ChangeReason.MOVE_WITHIN}
    assert {one.items for one in notices} == {(Item.ADDRESS,)}
    assert windows.desk.notice_count() == 3


async def test_a_daughter_moves_into_a_household_of_her_own(windows: Windows) -> None:
    left = windows.desk.record(TARO).household

    answer = await windows.do(windows.command((SAKURA, "世帯主")))

    (moved,) = answer.registered
    assert moved.record.household != left
    assert moved.record.record.relationship == "世帯主"
    assert not answer.household_needs_head


async def test_a_head_who_moves_alone_leaves_a_household_that_needs_one(windows: Windows) -> None:
    answer = await windows.do(windows.command((TARO, "世帯主")))

    assert answer.household_needs_head


async def test_persons_join_the_household_of_another_resident(windows: Windows) -> None:
    answer = await windows.do(windows.command((TARO, "同居人"), (HANAKO, "同居人"), to=ICHIRO))

    joined = windows.desk.record(ICHIRO).household
    assert {one.record.household for one in answer.registered} == {joined}
    assert answer.household_needs_head


async def test_a_second_head_in_the_joined_household_is_told(windows: Windows) -> None:
    answer = await windows.do(windows.command((SAKURA, "世帯主"), to=ICHIRO))

    assert answer.household_needs_head


async def test_a_late_notice_is_taken_with_its_reason_which_stays_with_the_entry(
    windows: Windows,
) -> None:
    command = windows.family(moved_on=LONG_AGO, late_reason="入院のため")

    answer = await windows.do(command)

    assert answer.registered_late
    change = windows.desk.record(TARO).change
    assert change is not None
    assert change.late_reason == "入院のため"
    assert leaves(windows.store)[-1]["more"] == {"late": "True"}


async def test_the_last_day_of_the_fourteen_is_the_next_open_one(windows: Windows) -> None:
    """Moved on 9 November: the 23rd is a holiday, so that the 24th is in time."""
    command = windows.family(moved_on=date(2026, 11, 9))

    on_last_day = windows.window.at(date(2026, 11, 24))
    late = await windows.window.at(date(2026, 11, 25)).refused(register_move_within, command)
    answer = await on_last_day.do(register_move_within, command)

    assert (late.reason, late.metadata) == (
        Reason.LATE_REASON_REQUIRED,
        {"lastDay": "2026-11-24"},
    )
    assert not answer.registered_late


async def test_a_reason_of_a_notice_in_time_is_not_kept(windows: Windows) -> None:
    await windows.do(windows.family(late_reason="なし"))

    change = windows.desk.record(TARO).change
    assert change is not None
    assert change.late_reason == ""


async def test_the_same_request_is_answered_as_before_and_does_nothing_again(
    windows: Windows,
) -> None:
    command = windows.family()
    first = await windows.do(command)

    assert await windows.do(command) == first
    assert windows.desk.record(TARO).version == 2


async def test_an_entry_of_a_move_within_can_be_cancelled_by_itself(windows: Windows) -> None:
    before = windows.desk.record(SAKURA)
    await windows.do(windows.command((SAKURA, "世帯主")))

    answer = await windows.desk.do(cancel_entry, CancelEntry(windows.desk.edit(SAKURA)))

    assert (answer.record.record, answer.record.household) == (before.record, before.household)


# Cards and copies


async def test_cards_stay_active_and_those_of_style_2_need_their_back_written(
    windows: Windows,
) -> None:
    style = "UPDATE cards SET style = 'STYLE_2' WHERE serial = ?"
    for key in (TARO, HANAKO, SAKURA):
        change_rows(windows.store, style, serial_of(key))
    change_rows(
        windows.store,
        "UPDATE cards SET valid_until = '2026-11-22' WHERE serial = ?",
        serial_of(HANAKO),
    )
    change_rows(
        windows.store,
        "UPDATE cards SET status = 'LAPSED' WHERE serial = ?",
        serial_of(SAKURA),
    )

    answer = await windows.do(windows.family())

    assert [one.card_faces for one in answer.registered] == [1, 0, 0]
    assert {one.lapsed_cards for one in answer.registered} == {0}
    card = windows.store.read(lambda tx: tx.cards.card(serial_of(TARO)))
    assert card is not None
    assert (card.status, card.style) == (CardStatus.ACTIVE, CardStyle.STYLE_2)


@pytest.mark.parametrize(("last_day", "faces"), [("2026-11-23", 1), ("2026-11-22", 0)])
async def test_a_card_whose_90_days_are_over_needs_no_back(
    windows: Windows, last_day: str, faces: int
) -> None:
    change_rows(
        windows.store,
        f"UPDATE cards SET style = 'STYLE_2', continue_until = '{last_day}' WHERE serial = ?",
        serial_of(TARO),
    )

    answer = await windows.do(windows.command((TARO, "世帯主")))

    assert [one.card_faces for one in answer.registered] == [faces]


async def test_a_card_of_style_1_shows_no_address(windows: Windows) -> None:
    answer = await windows.do(windows.family())

    assert {one.card_faces for one in answer.registered} == {0}


async def test_copies_that_are_not_printed_are_void(windows: Windows, center: Center) -> None:
    command = await center.command(TARO)
    copy = await center.issue(command)

    await windows.do(windows.command((TARO, "世帯主")))

    found = center.found(command)
    assert found is not None
    assert found.signed_content == b""
    assert found.issue.recall_reason is RecallReason.RESIDENT_MOVED
    assert copy.issue.recalled_at is None


# What is refused


@pytest.mark.parametrize(
    ("places", "changes", "broken"),
    [
        ([], {}, ("movers", "RANGE_1_20")),
        ([(TARO, "世帯主"), (TARO, "世帯主")], {}, ("movers", "TWICE")),
        ([(SAKURA, "子")], {}, ("movers", "ONE_HEAD")),
        ([(TARO, "世帯主"), (HANAKO, "世帯主")], {}, ("movers", "ONE_HEAD")),
        ([(TARO, "世帯主")], {"same_household": True}, ("movers", "WHOLE_HOUSEHOLD")),
        ([(TARO, "夫")], {"to": HANAKO}, ("place.household_of_code", "OWN_HOUSEHOLD")),
        ([(TARO, "世帯主")], {"moved_on": TODAY + timedelta(1)}, ("moved_date", "FUTURE")),
        (
            [(TARO, "世帯主")],
            {"moved_on": date(1900, 1, 1), "late_reason": "x"},
            ("moved_date", "YEAR_WITHOUT_CALENDAR"),
        ),
        (
            [(SAKURA, "世帯主")],
            {"moved_on": date(1999, 1, 1), "late_reason": "不明"},
            ("moved_date", "BEFORE_BIRTH"),
        ),
        (
            [(TARO, "世帯主")],
            {"moved_on": date(1994, 1, 1), "late_reason": "不明"},
            ("moved_date", "BEFORE_PRESENT_ADDRESS"),
        ),
        ([(TARO, "世帯主")], {"building": "㈱ビル"}, ("place.building_and_room", "")),
    ],
)
async def test_a_request_that_cannot_be_is_refused(
    windows: Windows,
    places: Sequence[tuple[str, str]],
    changes: dict[str, object],
    broken: tuple[str, str],
) -> None:
    command = windows.command(*places, **changes)  # type: ignore[arg-type]  # keywords of command

    field, rule = fields(await windows.refused(command))

    assert field == broken[0]
    assert rule == broken[1] or not broken[1]


async def test_the_place_where_somebody_lives_already_is_no_new_one(windows: Windows) -> None:
    old = SAMPLES[TARO].record
    command = windows.family(place=Place(old.address, old.building))

    assert fields(await windows.refused(command)) == ("place.address", "NOTHING_CHANGED")


async def test_an_earlier_day_than_the_present_address_has_is_refused(windows: Windows) -> None:
    await windows.do(windows.family())
    again = windows.family(place=Place(ADDRESS, "別館"), moved_on=MOVED_ON - timedelta(days=1))

    assert fields(await windows.refused(again)) == ("moved_date", "BEFORE_PRESENT_ADDRESS")


async def test_persons_of_two_households_are_no_group(windows: Windows) -> None:
    refused = await windows.refused(windows.command((TARO, "世帯主"), (ICHIRO, "同居人")))

    assert refused.reason is Reason.NOT_SAME_HOUSEHOLD


async def test_whoever_is_not_a_resident_here_is_not_found(windows: Windows) -> None:
    mover = await windows.refused(windows.command(("yamazaki-ken", "世帯主")))
    host = await windows.refused(windows.command((TARO, "同居人"), to="yamazaki-ken"))

    assert mover.reason is host.reason is Reason.RESIDENT_NOT_FOUND


async def test_a_record_that_was_changed_or_is_locked_or_deleted_is_not_moved(
    windows: Windows,
) -> None:
    desk = windows.desk
    stale = windows.command((TARO, "世帯主"))
    stale = replace(stale, movers=(replace(stale.movers[0], expected_version=7),))
    changed = await windows.refused(stale)
    await desk.do(delete_record, DeleteRecord(desk.edit(HANAKO), parse_date("令和8年11月23日")))
    deleted = await windows.refused(windows.command((HANAKO, "世帯主")))
    joined = await windows.refused(windows.command((ICHIRO, "同居人"), to=HANAKO))
    await desk.do(lock_record, LockRecord(desk.terminal, CLERK, code_of(TARO)))
    locked = await windows.refused(windows.command((TARO, "世帯主")))

    assert changed.reason is Reason.RECORD_CHANGED
    assert deleted.reason is joined.reason is Reason.NOT_IN_THIS_STATE
    assert deleted.metadata["event"] == "CORRECTED"
    assert locked.reason is Reason.RECORD_LOCKED


async def test_the_holder_of_the_lock_moves_the_record(windows: Windows) -> None:
    lock = await windows.desk.do(
        lock_record, LockRecord(windows.desk.terminal, CLERK, code_of(TARO))
    )
    command = windows.command((TARO, "世帯主"))
    mover = replace(command.movers[0], lock_id=lock.lock_id)

    answer = await windows.do(replace(command, movers=(mover,)))

    assert answer.registered[0].record.version == 2


async def test_somebody_who_is_about_to_leave_is_not_moved_within(windows: Windows) -> None:
    await windows.window.do(file_move_out, windows.window.notice([HANAKO]))

    refused = await windows.refused(windows.family())

    assert refused.reason is Reason.MOVE_OPEN


async def test_nobody_moves_in_a_register_that_is_cut_off(windows: Windows) -> None:
    command = windows.family()
    here = MunicipalityCode("112089")
    await windows.store.act(lambda tx: tx.registers.set_connected(here, connected=False))

    refused = await windows.window.refused(register_move_within, command)

    assert refused.reason is Reason.RESIDENCE_DISCONNECTED


async def test_a_move_needs_the_clerks_name(windows: Windows) -> None:
    command = windows.family()
    nameless = replace(command, at=replace(command.at, clerk_name=" "))

    assert (await windows.refused(nameless)).reason is Reason.CLERK_NAME_REQUIRED
