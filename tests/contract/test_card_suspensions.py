"""Suspending a card: by anybody who takes reports, at once, whoever is disconnected."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from juki_center.areas.callers import Desk, Operator, Terminal
from juki_center.areas.cards.note_rows import NoteKind
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.references import ByCode, ByNumber
from juki_center.areas.cards.register import CardKind, CardStatus, Purpose
from juki_center.areas.cards.resumptions import resume_card
from juki_center.areas.cards.suspensions import BySerial, suspend_card
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.commands import ChangeResidentCode
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import (
    DESK,
    LOST,
    NEW_SERIAL,
    OPERATOR,
    CardLife,
    by_code,
    by_number,
    made_card,
    ready_application,
    resumption,
    suspension,
)
from tests.support.card_window import CLERK, MUNICIPALITIES, TARO, CardWindow
from tests.support.center import CHIYODA, NOW, TOKOROZAWA, serial_of
from tests.support.leaves import leaves
from tests.support.register_desk import RegisterDesk

AFTER_EXPIRY = datetime(2033, 8, 24, 15, tzinfo=UTC)


@pytest.fixture
def life(store: SQLiteStore) -> CardLife:
    """Return Tokorozawa's window, and cards."""
    return CardLife(CardWindow(store))


@pytest.mark.parametrize("caller", [DESK, CHIYODA, TOKOROZAWA, OPERATOR])
async def test_anybody_who_takes_reports_suspends_a_card_of_any_municipality(
    life: CardLife, caller: Desk | Terminal | Operator
) -> None:
    suspended = await life.window.do(suspend_card, suspension(caller=caller))

    assert (suspended.card.status, suspended.since) == (CardStatus.SUSPENDED, NOW)
    assert life.card().status is CardStatus.SUSPENDED


@pytest.mark.parametrize("card", [by_code(), by_number(), BySerial(serial_of(TARO))])
async def test_a_card_is_suspended_while_its_municipality_is_disconnected(
    life: CardLife, card: ByCode | ByNumber | BySerial
) -> None:
    await life.disconnect()

    await life.window.do(suspend_card, suspension(card, caller=TOKOROZAWA))

    assert life.card().status is CardStatus.SUSPENDED
    assert [note.kind for note in life.notes()] == [NoteKind.SUSPENDED]


async def test_the_note_says_who_reported_what_to_whom_and_how_it_was_checked(
    life: CardLife,
) -> None:
    await life.window.do(suspend_card, suspension())

    (note,) = life.notes()
    assert note.facts == {
        "clerk": CLERK,
        "reporter": "HOLDER",
        "channel": "PHONE",
        "reason": "LOST",
        "questions": [["BIRTH_DATE", True]],
        "police_report": LOST.police_report,
    }
    assert (note.caller_uri, note.municipality) == (DESK.uri, TOKOROZAWA.municipality)


async def test_the_log_names_card_and_caller_and_never_the_clerk_or_the_police_report(
    life: CardLife,
) -> None:
    await life.window.do(suspend_card, suspension())

    leaf = leaves(life.store)[-1]
    assert (leaf["ev"], leaf["out"], leaf["by"]) == ("CARD_SUSPENDED", "DONE", DESK.uri)
    assert leaf["id"] == life.card().number
    assert CLERK not in str(leaf)
    assert LOST.police_report not in str(leaf)


async def test_a_second_report_gets_the_same_answer_and_a_note_of_its_own(life: CardLife) -> None:
    first = await life.window.do(suspend_card, suspension())

    second = await life.window.do(suspend_card, suspension(), NOW + timedelta(hours=1))

    assert second == first
    assert [note.at for note in life.notes()] == [NOW, NOW + timedelta(hours=1)]


async def test_a_suspension_after_a_resumption_counts_from_its_own_time(life: CardLife) -> None:
    await life.window.do(suspend_card, suspension())
    session = await life.session(Purpose.CARD_CHECK)
    await life.window.do(resume_card, resumption(session), NOW + timedelta(minutes=1))

    again = await life.window.do(suspend_card, suspension(), NOW + timedelta(minutes=2))
    further = await life.window.do(suspend_card, suspension(), NOW + timedelta(minutes=3))

    assert again.since == further.since == NOW + timedelta(minutes=2)


async def test_a_suspension_whose_note_was_deleted_counts_from_the_oldest_that_is_left(
    life: CardLife,
) -> None:
    await life.window.do(suspend_card, suspension())
    later = NOW + timedelta(days=1)
    await life.store.act(lambda tx: tx.card_notes.forget(before=later, limit=10))

    suspended = await life.window.do(suspend_card, suspension(), later)

    assert suspended.since == later


async def test_a_made_card_is_held_until_it_is_resumed_as_made(life: CardLife) -> None:
    await life.make()

    held = await life.window.do(suspend_card, suspension())
    session = await life.session(Purpose.CARD_CHECK, NEW_SERIAL)
    resumed = await life.window.do(resume_card, resumption(session))

    assert (held.card.serial, held.card.status) == (NEW_SERIAL, CardStatus.HELD)
    assert resumed.status is CardStatus.MADE


async def test_a_request_that_comes_again_has_no_further_effect(life: CardLife) -> None:
    command = suspension()
    first = await life.window.do(suspend_card, command)

    again = await life.window.do(suspend_card, command, NOW + timedelta(hours=1))

    assert again == first
    assert len(life.notes()) == 1


async def test_a_request_id_with_another_content_is_refused(life: CardLife) -> None:
    command = suspension()
    await life.window.do(suspend_card, command)

    with pytest.raises(Refusal) as refused:
        await life.window.do(suspend_card, replace(command, card=by_number()))

    assert refused.value.reason is Reason.REQUEST_ID_REUSED


async def test_a_request_comes_again_after_a_day_and_finds_its_answer_gone(life: CardLife) -> None:
    command = suspension()
    await life.window.do(suspend_card, command)

    with pytest.raises(Refusal) as refused:
        await life.window.do(suspend_card, command, NOW + timedelta(hours=25))

    assert refused.value.reason is Reason.ANSWER_EXPIRED


@pytest.mark.parametrize(
    "status", [CardStatus.REVOKED, CardStatus.LAPSED, CardStatus.RETURNED, CardStatus.VOID]
)
async def test_a_card_that_has_ended_is_refused_by_number_and_unknown_by_code(
    life: CardLife, status: CardStatus
) -> None:
    await life.set_status(status, serial_of(TARO))

    by_its_number = await life.window.refused(suspend_card, suspension(by_number()))
    by_its_holder = await life.window.refused(suspend_card, suspension(by_code()))

    assert by_its_number.reason is Reason.CARD_REVOKED
    assert by_its_holder.reason is Reason.CARD_UNKNOWN
    assert life.card().status is status


async def test_a_card_that_is_being_made_is_unknown(life: CardLife) -> None:
    await life.make(status=CardStatus.MAKING)

    refused = await life.window.refused(
        suspend_card, suspension(ByNumber(life.card(NEW_SERIAL).number))
    )

    assert refused.reason is Reason.CARD_UNKNOWN
    assert life.card(NEW_SERIAL).status is CardStatus.MAKING


@pytest.mark.parametrize("status", [CardStatus.ACTIVE, CardStatus.SUSPENDED])
async def test_a_card_that_has_expired_is_refused(life: CardLife, status: CardStatus) -> None:
    await life.set_status(status, serial_of(TARO))

    refused = await life.window.refused(suspend_card, suspension(), AFTER_EXPIRY)

    assert refused.reason is Reason.CARD_EXPIRED


async def test_nobodys_code_and_nobodys_number_are_answered_alike(life: CardLife) -> None:
    stranger = ByCode(ResidentCode("24727059608"))
    number = ByNumber(CardNumber.drawn(b"nobody's"))

    refusals = [
        await life.window.refused(suspend_card, suspension(one)) for one in (stranger, number)
    ]

    assert {one.reason for one in refusals} == {Reason.CARD_UNKNOWN}
    assert [one.metadata for one in refusals] == [{}, {}]
    assert leaves(life.store)[-1]["ev"] == "CARD_ACT_REFUSED"


async def test_a_former_code_is_as_unknown_as_any(life: CardLife, desk: RegisterDesk) -> None:
    await desk.stock(1)
    await desk.do(change_resident_code, ChangeResidentCode(desk.edit(TARO)))

    refused = await life.window.refused(suspend_card, suspension(by_code()))

    assert refused.reason is Reason.CARD_UNKNOWN


async def test_a_clerks_card_is_suspended_at_the_store_only(life: CardLife) -> None:
    application = ready_application(life.store, TARO)
    clerks = replace(made_card(application, CardStatus.ACTIVE), kind=CardKind.CLERK)
    await life.store.act(lambda tx: tx.cards.add_card(clerks))

    by_its_number = await life.window.refused(
        suspend_card, suspension(ByNumber(clerks.number), OPERATOR)
    )
    suspended = await life.window.do(suspend_card, suspension(BySerial(NEW_SERIAL), OPERATOR))

    assert by_its_number.reason is Reason.CARD_UNKNOWN
    assert suspended.card.status is CardStatus.SUSPENDED


async def test_a_report_without_a_name_of_who_takes_it_is_refused(life: CardLife) -> None:
    refused = await life.window.refused(suspend_card, suspension(clerk_name="　"))

    assert refused.reason is Reason.CLERK_NAME_REQUIRED
    assert life.card().status is CardStatus.ACTIVE


async def test_an_office_that_is_no_more_suspends_nothing(life: CardLife) -> None:
    offices = Municipalities(
        replace(office, valid_to=date(2003, 8, 25)) if office.code == DESK.municipality else office
        for office in MUNICIPALITIES.everything()
    )
    window = replace(life.window, policy=replace(life.window.policy, municipalities=offices))

    with pytest.raises(Refusal) as refused:
        await window.do(suspend_card, suspension())

    assert refused.value.reason is Reason.UNAUTHENTICATED
