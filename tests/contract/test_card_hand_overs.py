"""Handing a card over: nothing before the card's own proof, everything with it."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.hand_overs import begin_hand_over, hand_over
from juki_center.areas.cards.note_rows import NoteKind
from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.register import CardStatus, Purpose
from juki_center.areas.cards.suspensions import suspend_card
from juki_center.areas.evidence import DocumentKind
from juki_center.areas.ports import Tx
from juki_center.areas.residents.commands import RegisterDeath
from juki_center.areas.residents.deletions import register_death
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import (
    APPLICATION,
    NEW_SERIAL,
    TRANSPORT_PIN,
    CardLife,
    hand_over_of,
    opening,
    suspension,
)
from tests.support.card_window import CLERK, TARO, CardWindow, document
from tests.support.center import CHIYODA, NOW, TOKOROZAWA, serial_of
from tests.support.leaves import leaves
from tests.support.register_desk import TODAY, RegisterDesk

AFTER_EXPIRY = datetime(2036, 11, 22, 15, tzinfo=UTC)


@pytest.fixture
def life(store: SQLiteStore) -> CardLife:
    """Return Tokorozawa's window, and cards."""
    return CardLife(CardWindow(store))


async def proof(life: CardLife, serial: bytes = NEW_SERIAL, now: datetime = NOW) -> bytes:
    """Let a card prove its PIN."""
    return await life.session(Purpose.PIN_PROOF, serial, now=now)


async def test_a_hand_over_begins_with_what_the_terminal_needs_to_set_a_pin(life: CardLife) -> None:
    await life.make()

    begun = await life.window.do(begin_hand_over, opening())

    assert begun.card_number == life.card(NEW_SERIAL).number
    assert (begun.transport_pin, begun.fee_yen) == (TRANSPORT_PIN, 500)
    assert begun.forbidden_pins == ("0203", "0302", "0345", "0370", "1970", "4503", "7003")
    assert leaves(life.store)[-1]["ev"] == "HAND_OVER_BEGUN"
    assert TRANSPORT_PIN not in repr(begun)


async def test_a_hand_over_may_be_begun_again_after_a_cut(life: CardLife) -> None:
    await life.make()
    first = await life.window.do(begin_hand_over, opening())

    assert await life.window.do(begin_hand_over, opening()) == first
    assert life.card(NEW_SERIAL).status is CardStatus.MADE


async def test_by_which_documents_the_applicant_was_identified_is_noted(life: CardLife) -> None:
    await life.make()
    await life.window.do(begin_hand_over, opening())

    (note,) = life.notes(NEW_SERIAL)

    assert (note.kind, note.caller_uri) == (NoteKind.HAND_OVER_BEGUN, TOKOROZAWA.uri)
    assert note.facts == {
        "clerk": CLERK,
        "documents": [["DRIVING_LICENCE", b"\x5a" * 32, b"\xa5" * 16, False]],
    }


async def test_with_the_proof_of_the_pin_card_application_fee_and_session_change_at_once(
    life: CardLife,
) -> None:
    await life.make()
    session = await proof(life)

    handed = await life.window.do(hand_over, hand_over_of(session))

    assert (handed.card.status, handed.application.state) == (
        CardStatus.ACTIVE,
        ApplicationState.DELIVERED,
    )
    assert life.card(NEW_SERIAL).status is CardStatus.ACTIVE
    assert life.window.kept(APPLICATION).state is ApplicationState.DELIVERED
    assert await refusal(life, session) is Reason.NOT_IN_THIS_STATE
    used = life.store.read(lambda tx: tx.cards.session(session))
    assert used is not None
    assert used.is_used
    assert [note.kind for note in life.notes(NEW_SERIAL)] == [NoteKind.HANDED_OVER]
    assert leaves(life.store)[-2]["ev"] == "CARD_HANDED_OVER"


async def test_the_fee_is_in_the_ledger_once(life: CardLife) -> None:
    await life.make()
    command = hand_over_of(await proof(life))
    await life.window.do(hand_over, command)

    await life.window.do(hand_over, command)

    day = date(2026, 11, 23)
    fees = life.store.read(lambda tx: tx.applications.fees(TOKOROZAWA.municipality, day, day))
    assert [(fee.amount_yen, fee.taken_on, fee.application) for fee in fees] == [
        (500, day, APPLICATION)
    ]


async def test_the_transport_pin_is_forgotten(life: CardLife) -> None:
    await life.make()
    await life.window.do(hand_over, hand_over_of(await proof(life)))

    made = life.store.read(lambda tx: tx.personalisations.newest_of(APPLICATION))

    assert made is not None
    assert made.secrets is None


async def test_a_hand_over_that_comes_again_gets_its_first_answer(life: CardLife) -> None:
    await life.make()
    command = hand_over_of(await proof(life))
    first = await life.window.do(hand_over, command)
    await life.window.do(suspend_card, suspension())

    again = await life.window.do(hand_over, command)

    assert again.card == first.card
    assert again.application.state is ApplicationState.DELIVERED


async def test_two_hand_overs_at_once_take_one_fee(life: CardLife) -> None:
    await life.make()
    first, second = hand_over_of(await proof(life)), hand_over_of(await proof(life))

    outcomes = await asyncio.gather(
        life.window.do(hand_over, first), life.window.do(hand_over, second), return_exceptions=True
    )

    refused = [one for one in outcomes if isinstance(one, Refusal)]
    assert [one.reason for one in refused] == [Reason.NOT_IN_THIS_STATE]
    assert len(outcomes) - len(refused) == 1


async def refusal(life: CardLife, session: bytes, **changes: object) -> Reason:
    """Return why a hand-over is refused, which leaves everything as it was."""
    refused = await life.window.refused(hand_over, hand_over_of(session, **changes))
    return refused.reason


async def test_a_card_that_proved_its_can_only_is_not_handed_over(life: CardLife) -> None:
    await life.make()
    checked = await life.session(Purpose.CARD_CHECK, NEW_SERIAL)

    assert await refusal(life, checked) is Reason.SESSION_NOT_FOUND
    assert life.card(NEW_SERIAL).status is CardStatus.MADE


async def test_another_card_is_not_the_applications_card(life: CardLife) -> None:
    await life.make()
    other = await proof(life, serial_of("yoshida-hanako"))

    assert await refusal(life, other) is Reason.CARD_NOT_OF_APPLICATION
    assert life.window.kept(APPLICATION).state is ApplicationState.READY


async def test_a_session_is_used_once_by_its_own_terminal_within_its_time(life: CardLife) -> None:
    await life.make()
    elsewhere = await life.session(Purpose.PIN_PROOF, NEW_SERIAL, terminal=CHIYODA)
    late = await proof(life, now=NOW - timedelta(seconds=301))
    used = await proof(life)
    await life.store.act(lambda tx: tx.cards.mark_used(used))

    assert await refusal(life, elsewhere) is Reason.SESSION_NOT_FOUND
    assert await refusal(life, late) is Reason.SESSION_EXPIRED
    assert await refusal(life, used) is Reason.SESSION_USED
    assert await refusal(life, uuid.uuid4().bytes) is Reason.SESSION_NOT_FOUND


@pytest.mark.parametrize("fee", [0, 499, 501, 1000])
async def test_another_fee_than_the_one_that_is_set_is_refused(life: CardLife, fee: int) -> None:
    await life.make()
    session = await proof(life)

    refused = await life.window.refused(hand_over, hand_over_of(session, fee_yen=fee))

    assert (refused.reason, refused.metadata) == (Reason.FEE_NOT_AS_SET, {"feeYen": "500"})


@pytest.mark.parametrize(
    "state",
    [one for one in ApplicationState if one is not ApplicationState.READY],
)
async def test_an_application_that_is_not_ready_is_refused(
    life: CardLife, state: ApplicationState
) -> None:
    application = await life.make()
    session = await proof(life)

    def act(tx: Tx) -> None:
        tx.applications.set_state(application.number, state, ended_at=None, end_reason=None)

    await life.store.act(act)

    assert await refusal(life, session) is Reason.NOT_IN_THIS_STATE
    begun = await life.window.refused(begin_hand_over, opening())
    assert begun.reason is Reason.NOT_IN_THIS_STATE


async def test_an_application_of_elsewhere_is_as_unknown_as_none_also_while_it_is_disconnected(
    life: CardLife,
) -> None:
    await life.make()
    session = await life.session(Purpose.PIN_PROOF, NEW_SERIAL, terminal=CHIYODA)
    elsewhere = CardLife(replace(life.window, terminal=CHIYODA))
    nobodys = ApplicationNumber.drawn(b"nobody's")
    await life.disconnect()

    begun = await elsewhere.window.refused(begin_hand_over, opening(terminal=CHIYODA))
    handed = await elsewhere.window.refused(hand_over, hand_over_of(session, terminal=CHIYODA))
    unknown = await elsewhere.window.refused(
        begin_hand_over, opening(terminal=CHIYODA, application=nobodys)
    )

    assert {one.reason for one in (begun, handed, unknown)} == {Reason.APPLICATION_NOT_FOUND}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.HELD, Reason.CARD_SUSPENDED),
        (CardStatus.SUSPENDED, Reason.CARD_SUSPENDED),
        (CardStatus.REVOKED, Reason.CARD_REVOKED),
        (CardStatus.LAPSED, Reason.CARD_REVOKED),
        (CardStatus.VOID, Reason.CARD_REVOKED),
    ],
)
async def test_a_card_that_was_stopped_or_ended_meanwhile_is_not_handed_over(
    life: CardLife, status: CardStatus, reason: Reason
) -> None:
    await life.make()
    session = await proof(life)
    await life.set_status(status, NEW_SERIAL)

    assert await refusal(life, session) is reason
    begun = await life.window.refused(begin_hand_over, opening())
    assert begun.reason is reason


async def test_a_suspension_between_proof_and_hand_over_wins(life: CardLife) -> None:
    await life.make()
    session = await proof(life)
    await life.window.do(suspend_card, suspension())

    assert await refusal(life, session) is Reason.CARD_SUSPENDED
    assert life.card(NEW_SERIAL).status is CardStatus.HELD


async def test_a_card_that_expired_before_it_was_collected_is_refused(life: CardLife) -> None:
    await life.make()

    refused = await life.window.refused(begin_hand_over, opening(), AFTER_EXPIRY)

    assert refused.reason is Reason.CARD_EXPIRED


async def test_a_holder_who_died_meanwhile_gets_no_card(life: CardLife, desk: RegisterDesk) -> None:
    await life.make()
    session = await proof(life)
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), TODAY))

    assert await refusal(life, session) is Reason.NOT_IN_THIS_STATE
    assert life.card(NEW_SERIAL).status is CardStatus.LAPSED
    assert life.window.kept(APPLICATION).state is ApplicationState.CANCELLED


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ((), Reason.IDENTITY_DOCUMENT_REQUIRED),
        ((document(DocumentKind.PRIVATE_BODY),), Reason.ID_KIND_NOT_ACCEPTED),
    ],
)
async def test_a_hand_over_needs_a_document_that_counts(
    life: CardLife, documents: tuple[object, ...], reason: Reason
) -> None:
    await life.make()

    refused = await life.window.refused(begin_hand_over, opening(documents=documents))

    assert refused.reason is reason
    assert leaves(life.store)[-1]["ev"] == "CARD_ACT_REFUSED"


async def answered_by_letter(life: CardLife) -> None:
    """Let the application that is ready be one that was answered by a letter."""
    application = await life.make()
    answered = replace(application, reply_until=date(2026, 12, 23))
    await life.store.act(lambda tx: tx.applications.update(answered))


async def test_case_30_the_letter_was_evidence_enough_under_the_first_rule_set_only(
    life: CardLife,
) -> None:
    await answered_by_letter(life)
    later = CardLife(life.window.under(RuleSet.R2004_03_08))

    begun = await life.window.do(begin_hand_over, opening(documents=()))
    refused = await later.window.refused(begin_hand_over, opening(documents=()))

    assert begun.transport_pin == TRANSPORT_PIN
    assert refused.reason is Reason.IDENTITY_DOCUMENT_REQUIRED


async def test_nothing_is_handed_over_by_nobody(life: CardLife) -> None:
    await life.make()
    session = await proof(life)

    assert await refusal(life, session, clerk_name=" ") is Reason.CLERK_NAME_REQUIRED
    begun = await life.window.refused(begin_hand_over, opening(clerk_name=""))
    assert begun.reason is Reason.CLERK_NAME_REQUIRED


async def test_nothing_is_handed_over_while_the_municipality_is_disconnected(
    life: CardLife,
) -> None:
    await life.make()
    session = await proof(life)
    await life.disconnect()

    with pytest.raises(Refusal) as refused:
        await life.window.do(hand_over, hand_over_of(session))

    assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED
    assert life.card(NEW_SERIAL).status is CardStatus.MADE


async def test_the_log_says_nothing_of_pins(life: CardLife) -> None:
    await life.make()
    begun = await life.window.do(begin_hand_over, opening())
    await life.window.do(hand_over, hand_over_of(await proof(life)))

    written = str(leaves(life.store))
    assert TRANSPORT_PIN not in written
    assert CLERK not in written
    assert begun.card_number in written
