"""Resuming, revoking, taking back, looking at cards, and reports of locks."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.holders import end_cards
from juki_center.areas.cards.lock_reports import ReportLock, report_lock
from juki_center.areas.cards.looks import GetCard, get_card
from juki_center.areas.cards.note_rows import NoteKind
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.personalisation_rows import PersonalisationState
from juki_center.areas.cards.references import ByCode, ByNumber
from juki_center.areas.cards.register import CardStatus, Purpose
from juki_center.areas.cards.resumptions import resume_card
from juki_center.areas.cards.returns import ByCheck, ByFace, return_card
from juki_center.areas.cards.revocations import RevokeAtStore, revoke_at_store, revoke_card
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.suspensions import suspend_card
from juki_center.areas.evidence import DocumentKind
from juki_center.areas.residents.births import register_birth
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.commands import ChangeResidentCode, RegisterDeath
from juki_center.areas.residents.deletions import register_death
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import (
    APPLICATION,
    LICENCE_AND_PRIVATE,
    NEW_SERIAL,
    ONE_KIND_TWICE,
    OPERATOR,
    CardLife,
    by_code,
    by_number,
    handing_in,
    resumption,
    revocation,
    suspension,
)
from tests.support.card_window import CLERK, TARO, CardWindow, document
from tests.support.center import CHIYODA, NOW, TOKOROZAWA, serial_of
from tests.support.leaves import leaves
from tests.support.register_desk import TODAY, RegisterDesk, birth

AFTER_EXPIRY = datetime(2033, 8, 24, 15, tzinfo=UTC)
TARO_SERIAL = serial_of(TARO)


@pytest.fixture
def life(store: SQLiteStore) -> CardLife:
    """Return Tokorozawa's window, and cards."""
    return CardLife(CardWindow(store))


async def check(life: CardLife, serial: bytes = TARO_SERIAL, now: datetime = NOW) -> bytes:
    """Let a card show that it lies in the reader."""
    return await life.session(Purpose.CARD_CHECK, serial, now=now)


async def test_case_33_a_found_card_is_resumed_in_person_with_two_documents(
    life: CardLife,
) -> None:
    await life.window.do(suspend_card, suspension())
    session = await check(life)

    card = await life.window.do(resume_card, resumption(session))

    assert card.status is life.card().status is CardStatus.ACTIVE
    assert [note.kind for note in life.notes()] == [NoteKind.SUSPENDED, NoteKind.RESUMED]
    assert leaves(life.store)[-1]["ev"] == "CARD_RESUMED"


async def test_another_card_than_the_one_that_is_meant_is_not_resumed(life: CardLife) -> None:
    await life.window.do(suspend_card, suspension())
    session = await check(life)
    meant = replace(resumption(session), card_number=CardNumber("123456789092"))

    refused = await life.window.refused(resume_card, meant)
    await life.window.do(resume_card, replace(meant, card_number=life.card().number))

    assert refused.reason is Reason.FIELD_INVALID
    assert refused.metadata["field"] == "card_number"
    assert life.card().status is CardStatus.ACTIVE


async def test_another_card_than_the_one_that_is_meant_is_not_taken_back(life: CardLife) -> None:
    handed_in = handing_in(await check(life))
    assert isinstance(handed_in.card, ByCheck)
    wrong = replace(handed_in.card, meant=CardNumber("123456789092"))
    right = replace(handed_in.card, meant=life.card().number)

    refused = await life.window.refused(return_card, replace(handed_in, card=wrong))
    await life.window.do(return_card, replace(handed_in, card=right))

    assert refused.reason is Reason.FIELD_INVALID
    assert refused.metadata["field"] == "expected_card_number"
    assert life.card().status is CardStatus.RETURNED


@pytest.mark.parametrize("documents", [(), (document(),), ONE_KIND_TWICE, LICENCE_AND_PRIVATE])
async def test_a_card_is_not_resumed_without_two_documents(
    life: CardLife, documents: tuple[object, ...]
) -> None:
    await life.window.do(suspend_card, suspension())
    session = await check(life)

    refused = await life.window.refused(resume_card, resumption(session, documents))

    assert refused.reason is Reason.TWO_DOCUMENTS_REQUIRED
    assert life.card().status is CardStatus.SUSPENDED


@pytest.mark.parametrize(
    "status",
    [
        CardStatus.ACTIVE,
        CardStatus.MADE,
        CardStatus.REVOKED,
        CardStatus.LAPSED,
        CardStatus.RETURNED,
    ],
)
async def test_only_a_suspended_card_is_resumed(life: CardLife, status: CardStatus) -> None:
    await life.set_status(status, TARO_SERIAL)
    session = await check(life)

    refused = await life.window.refused(resume_card, resumption(session))

    assert refused.reason is Reason.NOT_IN_THIS_STATE
    assert life.card().status is status


async def test_an_expired_card_is_not_resumed(life: CardLife) -> None:
    await life.window.do(suspend_card, suspension())
    session = await check(life, now=AFTER_EXPIRY)

    refused = await life.window.refused(resume_card, resumption(session), AFTER_EXPIRY)

    assert refused.reason is Reason.CARD_EXPIRED


async def test_a_card_of_elsewhere_is_not_resumed(life: CardLife) -> None:
    await life.window.do(suspend_card, suspension())
    session = await life.session(Purpose.CARD_CHECK, terminal=CHIYODA)
    elsewhere = replace(life.window, terminal=CHIYODA)

    refused = await elsewhere.refused(resume_card, resumption(session, terminal=CHIYODA))

    assert refused.reason is Reason.CARD_UNKNOWN


async def test_a_resumption_needs_a_session_over_the_can_of_its_own_terminal_once_in_time(
    life: CardLife,
) -> None:
    proof = await life.session(Purpose.PIN_PROOF)
    await life.window.do(suspend_card, suspension())
    elsewhere = await life.session(Purpose.CARD_CHECK, terminal=CHIYODA)
    late = await check(life, now=NOW - timedelta(seconds=301))
    used = await check(life)
    await life.store.act(lambda tx: tx.cards.mark_used(used))

    reasons = [
        (await life.window.refused(resume_card, resumption(session))).reason
        for session in (proof, elsewhere, late, used)
    ]

    assert reasons == [
        Reason.SESSION_NOT_FOUND,
        Reason.SESSION_NOT_FOUND,
        Reason.SESSION_EXPIRED,
        Reason.SESSION_USED,
    ]


async def test_two_resumptions_at_once_are_one(life: CardLife) -> None:
    await life.window.do(suspend_card, suspension())
    commands = [resumption(await check(life)) for _ in range(2)]

    outcomes = await asyncio.gather(
        *(life.window.do(resume_card, one) for one in commands), return_exceptions=True
    )

    refused = [one.reason for one in outcomes if isinstance(one, Refusal)]
    assert refused == [Reason.NOT_IN_THIS_STATE]


async def test_a_report_that_comes_between_session_and_resumption_does_not_hinder_it_but_the_next(
    life: CardLife,
) -> None:
    await life.window.do(suspend_card, suspension())
    command = resumption(await check(life))
    await life.window.do(resume_card, command)
    await life.window.do(suspend_card, suspension())

    again = await life.window.do(resume_card, command)

    assert again.status is CardStatus.ACTIVE
    assert life.card().status is CardStatus.SUSPENDED


async def test_a_card_that_was_shown_before_its_report_is_not_resumed_by_that(
    life: CardLife,
) -> None:
    """Case 33: after a report the card must be there again."""
    before = await check(life)
    await life.window.do(suspend_card, suspension())
    between = await check(life)
    await life.window.do(suspend_card, suspension())

    reasons = [
        (await life.window.refused(resume_card, resumption(session))).reason
        for session in (before, between)
    ]

    assert reasons == [Reason.SESSION_USED, Reason.SESSION_USED]
    assert life.card().status is CardStatus.SUSPENDED


@pytest.mark.parametrize("purpose", [Purpose.PIN_PROOF, Purpose.SPECIAL_MOVE_IN])
async def test_a_pin_that_was_proved_before_the_loss_counts_no_more_after_the_resumption(
    life: CardLife, purpose: Purpose
) -> None:
    proof = await life.session(purpose)
    await life.window.do(suspend_card, suspension())
    await life.window.do(resume_card, resumption(await check(life)))

    session = life.store.read(lambda tx: tx.cards.session(proof))

    assert session is not None
    assert session.is_used


@pytest.mark.parametrize("card", [by_code(), by_number()])
async def test_a_revoked_card_never_comes_back(life: CardLife, card: object) -> None:
    revoked = await life.window.do(revoke_card, revocation(card))
    session = await check(life)

    refused = await life.window.refused(resume_card, resumption(session))

    assert revoked.status is CardStatus.REVOKED
    assert refused.reason is Reason.NOT_IN_THIS_STATE
    assert [note.kind for note in life.notes()] == [NoteKind.REVOKED]


async def test_a_made_card_that_is_revoked_lets_its_application_wait_for_another(
    life: CardLife,
) -> None:
    await life.make()

    await life.window.do(revoke_card, revocation())

    assert life.card(NEW_SERIAL).status is CardStatus.REVOKED
    assert life.window.kept(APPLICATION).state is ApplicationState.APPROVED
    made = life.store.read(lambda tx: tx.personalisations.of_card(NEW_SERIAL))
    assert made is not None
    assert made.state is PersonalisationState.VOID


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ((), Reason.IDENTITY_DOCUMENT_REQUIRED),
        ((document(DocumentKind.PRIVATE_BODY),), Reason.ID_KIND_NOT_ACCEPTED),
    ],
)
async def test_a_card_is_not_revoked_without_a_document_that_counts(
    life: CardLife, documents: tuple[object, ...], reason: Reason
) -> None:
    refused = await life.window.refused(revoke_card, revocation(documents=documents))

    assert refused.reason is reason
    assert life.card().status is CardStatus.ACTIVE


async def test_a_card_that_has_ended_is_not_revoked(life: CardLife) -> None:
    await life.set_status(CardStatus.LAPSED, TARO_SERIAL)

    by_its_number = await life.window.refused(revoke_card, revocation(by_number()))
    by_its_holder = await life.window.refused(revoke_card, revocation(by_code()))

    assert by_its_number.reason is Reason.NOT_IN_THIS_STATE
    assert by_its_holder.reason is Reason.CARD_UNKNOWN


@pytest.mark.parametrize("card", [by_code(), by_number()])
async def test_another_municipality_revokes_nothing(life: CardLife, card: object) -> None:
    elsewhere = replace(life.window, terminal=CHIYODA)

    refused = await elsewhere.refused(revoke_card, revocation(card, terminal=CHIYODA))

    assert refused.reason is Reason.CARD_UNKNOWN


async def test_a_revocation_by_a_former_code_is_refused(life: CardLife, desk: RegisterDesk) -> None:
    await desk.stock(1)
    await desk.do(change_resident_code, ChangeResidentCode(desk.edit(TARO)))

    refused = await life.window.refused(revoke_card, revocation())

    assert refused.reason is Reason.CODE_CHANGED
    assert life.card().status is CardStatus.REVOKED


async def test_an_operator_revokes_a_made_card_while_its_municipality_is_disconnected(
    life: CardLife,
) -> None:
    application = await life.make()
    await life.disconnect()
    command = RevokeAtStore(OPERATOR, CLERK, NEW_SERIAL)

    card = await life.store.act(lambda tx: revoke_at_store(tx, command, NOW))

    waiting = life.store.read(lambda tx: tx.applications.open_of_person(application.person))
    assert (card.status, [one.state for one in waiting]) == (
        CardStatus.REVOKED,
        [ApplicationState.APPROVED],
    )
    assert [note.caller_uri for note in life.notes(NEW_SERIAL)] == [OPERATOR.uri]


@pytest.mark.parametrize("status", [CardStatus.ACTIVE, CardStatus.SUSPENDED])
async def test_a_card_that_is_handed_in_is_returned(life: CardLife, status: CardStatus) -> None:
    await life.set_status(status, TARO_SERIAL)
    session = await check(life)

    card = await life.window.do(return_card, handing_in(session))

    assert card == life.card()
    assert (card.status, card.returned_at) == (CardStatus.RETURNED, NOW)
    assert [note.kind for note in life.notes()] == [NoteKind.RETURNED]


@pytest.mark.parametrize("status", [CardStatus.MADE, CardStatus.HELD])
async def test_a_card_that_is_returned_undelivered_lets_its_application_wait_for_another(
    life: CardLife, status: CardStatus
) -> None:
    await life.make(status=status)
    session = await check(life, NEW_SERIAL)

    card = await life.window.do(return_card, handing_in(session))

    assert card.status is CardStatus.RETURNED
    assert life.window.kept(APPLICATION).state is ApplicationState.APPROVED


@pytest.mark.parametrize("status", [CardStatus.REVOKED, CardStatus.LAPSED])
async def test_case_33_a_card_found_after_its_end_is_handed_in_and_stays_what_it_is(
    life: CardLife, status: CardStatus
) -> None:
    await life.set_status(status, TARO_SERIAL)
    session = await check(life)

    card = await life.window.do(return_card, handing_in(session))

    assert (card.status, card.returned_at) == (status, NOW)
    assert life.card() == card


async def test_a_card_is_handed_in_once(life: CardLife) -> None:
    await life.window.do(return_card, handing_in(await check(life)))

    refused = await life.window.refused(return_card, handing_in(await check(life)))

    assert refused.reason is Reason.ALREADY_RETURNED


async def test_a_dead_chip_is_handed_in_by_the_number_on_its_face(life: CardLife) -> None:
    command = handing_in(b"", card=ByFace(life.card().number))

    card = await life.window.do(return_card, command)

    assert card.status is CardStatus.RETURNED
    assert life.notes()[0].facts["chip_answered"] is False


async def test_a_card_that_is_being_made_or_was_given_up_is_not_handed_in(life: CardLife) -> None:
    for status in (CardStatus.MAKING, CardStatus.VOID):
        await life.set_status(status, TARO_SERIAL)
        refused = await life.window.refused(
            return_card, handing_in(b"", card=ByFace(life.card().number))
        )
        assert refused.reason is Reason.NOT_IN_THIS_STATE


async def test_a_card_of_elsewhere_is_not_taken_back(life: CardLife) -> None:
    session = await life.session(Purpose.CARD_CHECK, terminal=CHIYODA)
    elsewhere = replace(life.window, terminal=CHIYODA)
    commands = (
        handing_in(session, terminal=CHIYODA),
        handing_in(b"", card=ByFace(life.card().number), terminal=CHIYODA),
        handing_in(b"", card=ByFace(CardNumber.drawn(b"nobody's")), terminal=CHIYODA),
    )

    reasons = {(await elsewhere.refused(return_card, one)).reason for one in commands}

    assert reasons == {Reason.CARD_UNKNOWN}
    assert life.card().status is CardStatus.ACTIVE


async def test_an_expired_card_is_handed_in(life: CardLife) -> None:
    session = await check(life, now=AFTER_EXPIRY)

    card = await life.window.do(return_card, handing_in(session), AFTER_EXPIRY)

    assert card.status is CardStatus.RETURNED


async def test_all_cards_of_a_resident_are_shown_newest_first(life: CardLife) -> None:
    await life.make()

    cards = await life.window.do(get_card, GetCard(TOKOROZAWA, CLERK, by_code()))

    assert [card.serial for card in cards] == [NEW_SERIAL, TARO_SERIAL]
    assert leaves(life.store)[-1]["ev"] == "CARD_READ"


async def test_one_card_is_shown_by_its_number_also_while_disconnected(life: CardLife) -> None:
    await life.disconnect()

    cards = await life.window.do(get_card, GetCard(TOKOROZAWA, CLERK, by_number()))

    assert [card.serial for card in cards] == [TARO_SERIAL]


async def test_cards_of_elsewhere_and_of_nobody_are_unknown_alike(life: CardLife) -> None:
    elsewhere = replace(life.window, terminal=CHIYODA)
    nobodys = ByNumber(CardNumber.drawn(b"nobody's"))

    reasons = {
        (await elsewhere.refused(get_card, GetCard(CHIYODA, CLERK, one))).reason
        for one in (by_code(), by_number(), nobodys)
    }

    assert reasons == {Reason.CARD_UNKNOWN}


async def test_a_resident_without_a_card_has_none(life: CardLife, desk: RegisterDesk) -> None:
    await desk.stock(1)
    born = await desk.do(register_birth, birth(desk))
    child = ByCode(born.record.record.code)

    refused = await life.window.refused(get_card, GetCard(TOKOROZAWA, CLERK, child))

    assert refused.reason is Reason.CARD_UNKNOWN


async def test_nobody_looks_at_cards(life: CardLife) -> None:
    refused = await life.window.refused(get_card, GetCard(TOKOROZAWA, "", by_code()))

    assert refused.reason is Reason.CLERK_NAME_REQUIRED


async def test_a_lock_is_in_the_log_with_time_and_terminal_and_nothing_else(
    life: CardLife,
) -> None:
    command = ReportLock(CHIYODA, uuid.uuid4())

    is_new = await life.store.act(lambda tx: report_lock(tx, command, NOW))
    again = await life.store.act(lambda tx: report_lock(tx, command, NOW + timedelta(hours=1)))

    assert (is_new, again) == (True, False)
    reports = [leaf for leaf in leaves(life.store) if leaf["ev"] == "LOCK_REPORTED"]
    assert [set(leaf) for leaf in reports] == [{"v", "ev", "at", "by", "out", "iss", "req"}]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CardStatus.MAKING, CardStatus.VOID),
        (CardStatus.MADE, CardStatus.LAPSED),
        (CardStatus.HELD, CardStatus.LAPSED),
        (CardStatus.ACTIVE, CardStatus.LAPSED),
        (CardStatus.SUSPENDED, CardStatus.LAPSED),
        (CardStatus.REVOKED, CardStatus.REVOKED),
    ],
)
async def test_case_36_a_death_ends_every_card_and_the_application_in_the_same_act(
    life: CardLife, desk: RegisterDesk, before: CardStatus, after: CardStatus
) -> None:
    await life.make(status=before)

    await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))

    assert life.card(NEW_SERIAL).status is after
    assert life.window.kept(APPLICATION).state is ApplicationState.CANCELLED


async def test_a_code_change_ends_a_made_card_while_the_municipality_is_disconnected(
    life: CardLife,
) -> None:
    application = await life.make()
    await life.disconnect()

    ended = await life.store.act(
        lambda tx: end_cards(
            tx, application.person, CardEvent.CODE_CHANGED, caller_uri="juki://x", now=NOW
        )
    )

    assert ended == 1
    assert life.card(NEW_SERIAL).status is CardStatus.REVOKED
