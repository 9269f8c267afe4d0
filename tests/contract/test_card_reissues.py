"""A card in place of one that is lost or handed in: both cards change together, or neither does."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.application_commands import (
    HandedIn,
    Lost,
    ReissueCard,
)
from juki_center.areas.cards.application_rows import ApplicationKind, ApplicationState
from juki_center.areas.cards.applications import submit_application
from juki_center.areas.cards.note_rows import NoteKind
from juki_center.areas.cards.register import CardStatus, CardStyle, Purpose
from juki_center.areas.cards.reissues import reissue_card
from juki_center.areas.cards.sessions import RecordSession, record_session
from juki_center.areas.cards.suspensions import LossReason
from juki_center.areas.evidence import DocumentKind
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_window import CLERK, TARO, CardWindow, document
from tests.support.center import CHIYODA, NOW, SAMPLES, TOKOROZAWA, serial_of

HANAKO = "yoshida-hanako"
LOST = Lost(LossReason.STOLEN, "所沢警察署 第123号")


@pytest.fixture
def window(store: SQLiteStore) -> CardWindow:
    """Give a window whose residents all have an active card."""
    return CardWindow(store)


def reissue(window: CardWindow, old_card: Lost | HandedIn, **changes: object) -> ReissueCard:
    """Return a request of Taro's for another card; `changes` are fields of the form."""
    form = window.submission(**changes).form
    return ReissueCard(window.terminal, uuid.uuid4(), CLERK, form, old_card)


async def shown(window: CardWindow, key: str = TARO, terminal: Terminal = TOKOROZAWA) -> HandedIn:
    """Let a card lie in a reader of a terminal."""
    command = RecordSession(
        terminal=terminal,
        session_id=uuid.uuid4().bytes,
        purpose=Purpose.CARD_CHECK,
        card_serial=serial_of(key),
        resident_code=None,
        transcript_hash=bytes(32),
    )
    session = await window.store.act(lambda tx: record_session(tx, command, NOW))
    return HandedIn(session.session_id)


@pytest.mark.parametrize("status", [CardStatus.ACTIVE, CardStatus.SUSPENDED])
async def test_a_lost_card_is_revoked_by_the_application_for_another_one(
    window: CardWindow, status: CardStatus
) -> None:
    await window.set_status(status, TARO)

    answer = await window.do(reissue_card, reissue(window, LOST))

    assert window.status() is CardStatus.REVOKED
    assert (answer.old_card.serial, answer.old_card.status) == (
        serial_of(TARO),
        CardStatus.REVOKED,
    )
    application = answer.taken.application
    assert (application.kind, application.state) == (
        ApplicationKind.REISSUE,
        ApplicationState.APPROVED,
    )
    (note,) = window.store.read(lambda tx: tx.card_notes.of_card(serial_of(TARO)))
    assert note.kind is NoteKind.REVOKED
    assert note.facts["police_report"] == LOST.police_report


async def test_a_card_that_is_handed_in_is_returned_and_its_session_used(
    window: CardWindow,
) -> None:
    handed_in = await shown(window)

    answer = await window.do(reissue_card, reissue(window, handed_in, documents=()))
    second = await window.refused(reissue_card, reissue(window, handed_in))

    assert window.status() is CardStatus.RETURNED
    assert answer.old_card.returned_at == NOW
    assert answer.taken.application.kind is ApplicationKind.RENEWAL
    assert answer.taken.letter is not None
    assert second.reason is Reason.APPLICATION_OPEN


async def test_a_reissue_that_is_sent_again_gets_its_first_answer(window: CardWindow) -> None:
    command = reissue(window, await shown(window))

    first = await window.do(reissue_card, command)
    again = await window.do(reissue_card, command, NOW + timedelta(hours=20))

    assert again == first


async def test_a_refused_application_leaves_the_old_card_and_its_session_as_they_were(
    window: CardWindow,
) -> None:
    handed_in = await shown(window)
    refusals = [
        await window.refused(reissue_card, reissue(window, old_card, style=CardStyle.STYLE_2))
        for old_card in (LOST, handed_in)
    ]

    answer = await window.do(reissue_card, reissue(window, handed_in))

    assert [one.reason for one in refusals] == [Reason.PHOTO_REQUIRED] * 2
    assert answer.old_card.status is CardStatus.RETURNED


@pytest.mark.parametrize(
    "status", [CardStatus.REVOKED, CardStatus.LAPSED, CardStatus.RETURNED, CardStatus.VOID]
)
async def test_who_holds_no_card_has_none_to_replace(
    window: CardWindow, status: CardStatus
) -> None:
    await window.set_status(status, TARO)

    refused = await window.refused(reissue_card, reissue(window, LOST))

    assert refused.reason is Reason.CARD_UNKNOWN


async def test_the_card_of_somebody_else_is_not_taken_for_ones_own(window: CardWindow) -> None:
    refused = await window.refused(reissue_card, reissue(window, await shown(window, HANAKO)))

    assert refused.reason is Reason.CARD_UNKNOWN
    assert window.status(HANAKO) is CardStatus.ACTIVE


async def test_a_revoked_card_that_was_found_is_no_card_to_renew(window: CardWindow) -> None:
    await window.set_status(CardStatus.REVOKED, TARO)

    refused = await window.refused(reissue_card, reissue(window, await shown(window)))

    assert refused.reason is Reason.CARD_UNKNOWN


@pytest.mark.parametrize(
    ("elsewhere", "later", "reason"),
    [
        (True, timedelta(), Reason.SESSION_NOT_FOUND),
        (False, timedelta(seconds=301), Reason.SESSION_EXPIRED),
    ],
)
async def test_a_session_counts_at_its_terminal_and_in_its_time(
    window: CardWindow, later: timedelta, reason: Reason, *, elsewhere: bool
) -> None:
    handed_in = await shown(window, terminal=CHIYODA if elsewhere else TOKOROZAWA)

    refused = await window.refused(reissue_card, reissue(window, handed_in), NOW + later)

    assert refused.reason is reason


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ((), Reason.IDENTITY_DOCUMENT_REQUIRED),
        ((document(DocumentKind.PRIVATE_BODY),), Reason.ID_KIND_NOT_ACCEPTED),
    ],
)
async def test_nobody_ends_a_card_for_ever_without_a_document(
    window: CardWindow, documents: object, reason: Reason
) -> None:
    refused = await window.refused(reissue_card, reissue(window, LOST, documents=documents))

    assert refused.reason is reason
    assert window.status() is CardStatus.ACTIVE


async def test_an_open_application_is_told_before_any_card_ends(window: CardWindow) -> None:
    await window.set_status(CardStatus.RETURNED, TARO)
    await window.do(submit_application, window.submission())
    await window.set_status(CardStatus.ACTIVE, TARO)

    refused = await window.refused(reissue_card, reissue(window, LOST))

    assert refused.reason is Reason.APPLICATION_OPEN
    assert window.status() is CardStatus.ACTIVE


async def test_who_lives_elsewhere_is_unknown(window: CardWindow) -> None:
    command = reissue(window, LOST, code=SAMPLES["tsuji-makoto"].record.code)

    refused = await window.refused(reissue_card, command)

    assert refused.reason is Reason.RESIDENT_NOT_FOUND


async def test_a_clerk_without_a_name_is_refused(window: CardWindow) -> None:
    refused = await window.refused(reissue_card, replace(reissue(window, LOST), clerk_name=""))

    assert refused.reason is Reason.CLERK_NAME_REQUIRED
