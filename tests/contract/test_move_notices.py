"""Notices of moving out: by card or by paper, late, abroad, beforehand (domain.md, 3.2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import cast

import pytest

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.answers import SpecialRefusal
from juki_center.areas.moves.commands import Notification
from juki_center.areas.moves.notices import file_move_out
from juki_center.areas.moves.rows import AlertKind, Channel, Document, Filer, MoveMember
from juki_center.areas.moves.states import MoveKind, MoveState
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.errors import Reason
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES, Center
from tests.support.leaves import leaves
from tests.support.origin_window import (
    ADDRESS,
    CHIYODA_OFFICE,
    FAMILY,
    HANAKO,
    NOT_HOSTED,
    PLANNED,
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


# By card


async def test_a_special_notice_waits_for_the_card_and_ends_no_record(window: OriginWindow) -> None:
    filed = await window.file()

    move = filed.move
    assert (move.kind, move.state, move.version) == (MoveKind.SPECIAL, MoveState.NOTIFIED, 1)
    assert (move.origin, move.destination) == (TOKOROZAWA_REGISTER, CHIYODA_OFFICE)
    assert (move.planned_on, move.notified_on, move.filed_at) == (PLANNED, TODAY, NOW)
    # 31 December and the days up to 3 January are closed, and so is Sunday.
    assert move.last_day == date(2027, 1, 4)
    assert move.members == tuple(MoveMember(window.person(key)) for key in FAMILY)
    assert (filed.refused_because, filed.certificate) == (None, None)
    assert window.kept(move.number) == move
    assert window.states() == [ResidenceState.ACTIVE] * 3
    assert {window.card(key).status for key in FAMILY} == {CardStatus.ACTIVE}


async def test_case_24_a_notice_is_there_for_the_destination_as_soon_as_it_is_entered(
    window: OriginWindow,
) -> None:
    person = window.person(TARO)
    before = window.store.read(lambda tx: tx.moves.open_of_person(person))

    filed = await window.file()

    assert before is None
    assert window.store.read(lambda tx: tx.moves.open_of_person(person)) == filed.move


@pytest.mark.embedded
async def test_the_papers_of_a_notice_say_how_it_came_and_are_sealed(window: OriginWindow) -> None:
    filed = await window.file()

    papers = window.store.read(lambda tx: tx.moves.papers(filed.move))

    assert (papers.channel, papers.filer) == (Channel.POST, Filer.HOUSEHOLDER)
    assert (papers.destination_address, papers.verification_code) == (ADDRESS, None)
    assert ADDRESS.encode() not in window.store.path.read_bytes()


@pytest.mark.parametrize("filer", Filer)
async def test_anybody_whom_the_law_names_may_notify(window: OriginWindow, filer: Filer) -> None:
    filed = await window.file(notification=Notification(Channel.COUNTER, filer))

    assert filed.move.state is MoveState.NOTIFIED


async def test_one_card_of_anybody_who_moves_is_enough(window: OriginWindow) -> None:
    await window.set_cards(CardStatus.LAPSED, TARO, HANAKO)

    filed = await window.file()

    assert filed.move.kind is MoveKind.SPECIAL


async def test_where_only_the_householders_card_counts_another_one_does_not(
    window: OriginWindow,
) -> None:
    strict = replace(window, policy=replace(window.policy, householder_card_only=True))
    without_head = await strict.file((HANAKO, SAKURA))
    await strict.set_cards(CardStatus.LAPSED, HANAKO, SAKURA)

    with_head = await strict.file((TARO,))

    assert without_head.refused_because is SpecialRefusal.NO_USABLE_CARD
    assert with_head.move.kind is MoveKind.SPECIAL


async def test_the_leaf_of_a_notice_names_persons_and_places_and_no_address(
    window: OriginWindow,
) -> None:
    filed = await window.file()

    leaf = leaves(window.store)[-1]
    assert (leaf["ev"], leaf["out"], leaf["id"]) == ("MOVE_OUT_FILED", "DONE", filed.move.number)
    assert leaf["more"] == {
        "kind": "SPECIAL",
        "version": "1",
        "destination": "131016",
        "planned": "2026-12-01",
    }
    assert len(cast("list[bytes]", leaf["who"])) == 3
    assert ADDRESS not in str(leaf)


# By paper


@pytest.mark.parametrize(
    "status",
    [CardStatus.SUSPENDED, CardStatus.REVOKED, CardStatus.LAPSED, CardStatus.MADE, CardStatus.HELD],
)
async def test_case_26_with_a_suspended_card_or_none_the_paper_is_offered(
    window: OriginWindow, status: CardStatus
) -> None:
    await window.set_cards(status)

    filed = await window.file()

    assert filed.refused_because is SpecialRefusal.NO_USABLE_CARD
    assert (filed.move.kind, filed.move.state) == (MoveKind.ORDINARY, MoveState.ORDINARY)
    assert filed.certificate is not None
    assert filed.move.last_day is None


async def test_a_card_whose_pin_is_not_proved_or_that_is_over_makes_no_special_notice(
    window: OriginWindow,
) -> None:
    await window.set_cards(CardStatus.LAPSED, HANAKO, SAKURA)
    serial = window.card(TARO).serial
    await window.store.act(lambda tx: tx.cards.set_pin_pending(serial, pending=True))
    pending = await window.file((TARO,))
    later = window.at(date(2034, 1, 10))

    expired = await later.do(file_move_out, later.planned((HANAKO,), planned_on=date(2034, 2, 1)))

    assert pending.refused_because is SpecialRefusal.NO_USABLE_CARD
    assert expired.refused_because is SpecialRefusal.NO_USABLE_CARD


async def test_a_card_that_waits_after_a_move_opens_no_other_one(window: OriginWindow) -> None:
    new = window.under(RuleSet.R2012_07_09)
    serial = new.card(TARO).serial
    until = TODAY + timedelta(days=40)
    await new.store.act(lambda tx: tx.cards.set_continuation(serial, TOKOROZAWA_REGISTER, until))

    filed = await new.file((TARO,))

    assert filed.refused_because is SpecialRefusal.NO_USABLE_CARD


async def test_a_destination_that_is_not_here_is_reached_by_paper(window: OriginWindow) -> None:
    filed = await window.do(file_move_out, window.planned(destination=NOT_HOSTED))

    assert filed.refused_because is SpecialRefusal.DESTINATION_NOT_ON_NETWORK
    assert filed.certificate is not None
    assert filed.certificate.destination_name == "大阪府大阪市"


async def test_an_ordinary_notice_is_answered_with_its_paper(window: OriginWindow) -> None:
    filed = await window.file_by_paper(notification=COUNTER)

    move, paper = filed.move, filed.certificate
    assert paper is not None
    assert (move.kind, move.state) == (MoveKind.ORDINARY, MoveState.ORDINARY)
    assert (move.certificates, move.certificate_version) == (1, 1)
    assert (paper.number, paper.count, paper.document) == (move.number, 1, Document.CERTIFICATE)
    assert (paper.origin_name, paper.destination_name) == ("埼玉県所沢市", "東京都千代田区")
    assert (paper.destination_address, paper.planned_on) == (ADDRESS, PLANNED)
    assert (paper.notified_on, paper.issued_on) == (TODAY, TODAY)
    assert [one.record for one in paper.persons] == [SAMPLES[key].record for key in FAMILY]
    assert filed.refused_because is None
    kept = window.store.read(lambda tx: tx.moves.papers(move))
    assert kept.verification_code == paper.code
    assert kept.printed_codes == tuple(SAMPLES[key].record.code for key in FAMILY)


async def test_a_paper_shows_its_persons_in_the_order_of_a_household(
    window: OriginWindow,
) -> None:
    filed = await window.file_by_paper((SAKURA, HANAKO, TARO))

    assert filed.certificate is not None
    names = [one.record.name for one in filed.certificate.persons]
    assert names == [SAMPLES[key].record.name for key in FAMILY]
    assert filed.move.persons == tuple(window.person(key) for key in (SAKURA, HANAKO, TARO))


@pytest.mark.parametrize("left", [(HANAKO,), (TARO,)])
async def test_a_household_that_loses_its_head_is_told(
    window: OriginWindow, left: tuple[str, ...]
) -> None:
    filed = await window.file(left)

    assert filed.household_needs_head is (TARO in left)


async def test_a_household_that_leaves_as_a_whole_needs_no_head(window: OriginWindow) -> None:
    assert not (await window.file()).household_needs_head


# Late


@pytest.mark.parametrize(
    ("planned_on", "is_late"),
    # Fourteen days before the notice, a holiday that rolls over included, and one more.
    [(date(2026, 11, 9), False), (date(2026, 11, 8), False), (date(2026, 11, 6), True)],
)
async def test_a_notice_after_the_move_is_in_time_for_14_days(
    window: OriginWindow, planned_on: date, *, is_late: bool
) -> None:
    filed = await window.do(file_move_out, window.planned(planned_on=planned_on))

    expected = SpecialRefusal.NOTIFIED_LATE if is_late else None
    assert filed.refused_because is expected
    assert filed.move.departed is is_late


async def test_what_counts_is_the_day_on_which_the_notice_reached_the_office(
    window: OriginWindow,
) -> None:
    command = window.planned(planned_on=date(2026, 11, 2))
    posted = Notification(Channel.POST, Filer.SELF, date(2026, 11, 16))

    filed = await window.do(file_move_out, replace(command, notification=posted))

    assert filed.move.kind is MoveKind.SPECIAL
    assert filed.move.notified_on == date(2026, 11, 16)


@pytest.mark.parametrize(
    ("planned_on", "is_over"),
    # The last day is the one on which it is entered or, over three closed days, the next; or was.
    [(date(2026, 10, 23), False), (date(2026, 10, 22), False), (date(2026, 10, 21), True)],
)
async def test_a_notice_whose_move_in_by_card_would_be_too_late_goes_by_paper(
    window: OriginWindow, planned_on: date, *, is_over: bool
) -> None:
    command = window.planned(planned_on=planned_on)
    posted = Notification(Channel.POST, Filer.SELF, planned_on)

    filed = await window.do(file_move_out, replace(command, notification=posted))

    expected = (
        (SpecialRefusal.NOTIFIED_LATE, MoveKind.ORDINARY) if is_over else (None, MoveKind.SPECIAL)
    )
    assert (filed.refused_because, filed.move.kind) == expected
    assert filed.move.departed is False
    assert (filed.certificate is not None) is is_over


async def test_a_notice_that_is_too_late_deletes_ex_officio_and_gives_another_document(
    window: OriginWindow,
) -> None:
    moved_on = date(2026, 10, 1)

    filed = await window.do(file_move_out, window.planned(planned_on=moved_on))

    assert filed.certificate is not None
    assert filed.certificate.document is Document.EQUIVALENT
    assert window.states() == [ResidenceState.MOVED_OUT] * 3
    written = window.record()
    assert written.change is not None
    assert written.change.reason is ChangeReason.DELETION_EX_OFFICIO
    assert written.change.date == parse_date("令和8年10月1日")
    assert [one.left_version for one in filed.move.members] == [2, 2, 2]
    assert [one.version for one in filed.certificate.persons] == [2, 2, 2]
    assert {window.card(key).status for key in FAMILY} == {CardStatus.LAPSED}


async def test_a_copy_that_is_not_printed_is_void_when_a_late_notice_deletes(
    window: OriginWindow, center: Center
) -> None:
    copy = await center.issue(await center.command(TARO))

    await window.do(file_move_out, window.planned(planned_on=date(2026, 10, 1)))

    number = copy.issue.issue_number
    row = window.store.read(lambda tx: tx.issues.by_number(number))
    assert row is not None
    assert row.recalled_at == NOW


# Abroad


async def test_case_26_a_move_abroad_is_never_special_and_changes_nothing(
    window: OriginWindow,
) -> None:
    person = window.person(TARO)

    refused = await window.refused(file_move_out, window.planned(destination=None))

    assert facts(refused) == (Reason.SPECIAL_NOT_POSSIBLE, {"why": "ABROAD"})
    assert window.store.read(lambda tx: tx.moves.newest_of_person(person)) is None


async def test_a_move_abroad_by_the_ordinary_way_has_no_paper(window: OriginWindow) -> None:
    command = replace(window.planned(destination=None), kind=MoveKind.ORDINARY)

    filed = await window.do(file_move_out, command)

    assert (filed.move.destination, filed.certificate) == (None, None)
    assert filed.move.certificates == 0


# Persons


async def test_a_foreign_resident_moves_like_anybody(store: SQLiteStore) -> None:
    window = OriginWindow(store, terminal=SETAGAYA)

    filed = await window.file_by_paper(("wang-xiaoming",))

    assert filed.certificate is not None
    (person,) = filed.certificate.persons
    assert (person.record.alias, person.record.birth.paper_text) == (
        "田中\u3000小明",
        "1975年10月1日",
    )


async def test_a_protected_person_moves_like_anybody_and_the_measure_is_in_the_paper(
    window: OriginWindow,
) -> None:
    special = await window.file(("sasaki-megumi",))
    paper = await window.file_by_paper(("sasaki-setsuko",))

    assert special.move.state is MoveState.NOTIFIED
    assert window.record("sasaki-megumi").record.measure is not None
    assert paper.certificate is not None


async def test_a_leap_day_is_a_day_like_any_other(window: OriginWindow) -> None:
    leap = window.at(date(2028, 2, 20))

    filed = await leap.do(file_move_out, leap.planned(planned_on=date(2028, 2, 29)))

    assert (filed.move.planned_on, filed.move.last_day) == (date(2028, 2, 29), date(2028, 3, 30))


# Beforehand


async def test_from_2023_on_the_planned_destination_is_told_whom_to_expect(
    window: OriginWindow,
) -> None:
    await window.file((HANAKO,))
    pulled = window.alerts(CHIYODA_OFFICE)

    await window.under(RuleSet.R2023_02_06).file((TARO, SAKURA))

    assert pulled == []
    assert window.alerts(CHIYODA_OFFICE) == [AlertKind.EXPECTED]


async def test_a_ward_office_that_is_planned_is_told_at_its_citys_register(
    window: OriginWindow,
) -> None:
    pushing = window.under(RuleSet.R2023_02_06)

    await pushing.do(file_move_out, pushing.planned(destination=NAKA_WARD))

    assert window.alerts(MunicipalityCode("141003")) == [AlertKind.EXPECTED]
    assert window.alerts(NAKA_WARD) == []


async def test_a_move_by_paper_is_announced_to_nobody(window: OriginWindow) -> None:
    await window.under(RuleSet.R2023_02_06).file_by_paper()

    assert window.alerts(CHIYODA_OFFICE) == []
