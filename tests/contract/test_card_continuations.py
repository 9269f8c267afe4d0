"""Continuing the use of a card at the new residence, and the life of a card that waits for it."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import cbor2
import pytest

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.application_commands import Lost, ReissueCard
from juki_center.areas.cards.applications import submit_application
from juki_center.areas.cards.card_codec import decode_card, encode_card
from juki_center.areas.cards.continuations import lapse_overdue_continuations
from juki_center.areas.cards.holders import end_cards
from juki_center.areas.cards.looks import GetCard, get_card
from juki_center.areas.cards.note_rows import NoteKind
from juki_center.areas.cards.register import CardStatus, CardStyle, Purpose
from juki_center.areas.cards.reissues import reissue_card
from juki_center.areas.cards.resumptions import resume_card
from juki_center.areas.cards.returns import return_card
from juki_center.areas.cards.revocations import revoke_card
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.cards.suspensions import LossReason, suspend_card
from juki_center.areas.cards.unlocks import begin_unlock
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import ResidenceState
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import (
    DESK,
    NEW_SERIAL,
    by_code,
    by_number,
    handing_in,
    resumption,
    revocation,
    suspension,
    unlocking,
)
from tests.support.card_moves import (
    LAST_DAY,
    LAST_MOMENT,
    TARO_SERIAL,
    TOO_LATE,
    CardMoves,
    person_of,
)
from tests.support.card_window import CLERK, NONE_HELD, TARO
from tests.support.center import CHIYODA, CHIYODA_2, NOW, TOKOROZAWA, serial_of
from tests.support.leaves import leaves

SETAGAYA = Terminal("juki://municipality/131121/terminal/01", MunicipalityCode("131121"))
JOB = "juki://center/node-1"
DAY = timedelta(days=1)


@pytest.fixture
def moves(store: SQLiteStore) -> CardMoves:
    """Return residents and cards, and the window where they arrive, under the law of 2012."""
    return CardMoves(store)


@pytest.fixture
async def waiting(moves: CardMoves) -> CardMoves:
    """Let Taro have moved to Chiyoda with a card whose use was not continued yet."""
    await moves.arrive()
    return moves


async def lapse(moves: CardMoves, now: datetime, limit: int = 100) -> int:
    """Run the day-end job on cards."""
    return await moves.store.act(
        lambda tx: lapse_overdue_continuations(tx, now, limit=limit, caller_uri=JOB)
    )


async def session_refused(
    moves: CardMoves, purpose: Purpose = Purpose.PIN_PROOF, now: datetime = NOW
) -> Refusal:
    """Return why the card gives no session."""
    with pytest.raises(Refusal) as caught:
        await moves.proof(purpose=purpose, now=now)
    return caught.value


@pytest.mark.parametrize("now", [NOW, LAST_MOMENT])
async def test_case_27_continued_until_day_90_the_card_is_active_and_of_the_new_municipality(
    waiting: CardMoves, now: datetime
) -> None:
    before = await session_refused(waiting, Purpose.CERTIFICATE_COPY, now)

    card = await waiting.go_on(await waiting.proof(now=now), now=now)

    assert (before.reason, before.metadata) == (
        Reason.CARD_NOT_CONTINUED,
        {"continueUntil": "2027-02-21"},
    )
    assert card == waiting.card()
    assert (card.status, card.municipality) == (CardStatus.ACTIVE, CHIYODA.municipality)
    assert card.continue_until is None
    assert await waiting.proof(purpose=Purpose.CERTIFICATE_COPY, now=now)
    assert await waiting.proof(purpose=Purpose.SPECIAL_MOVE_IN, now=now)


@pytest.mark.parametrize("has_the_job_run", [False, True])
async def test_case_27_on_day_91_the_card_has_lapsed_whether_or_not_that_was_written(
    waiting: CardMoves, *, has_the_job_run: bool
) -> None:
    if has_the_job_run:
        await lapse(waiting, TOO_LATE)

    reasons = {
        (await session_refused(waiting, purpose, TOO_LATE)).reason
        for purpose in (Purpose.PIN_PROOF, Purpose.CERTIFICATE_COPY, Purpose.SPECIAL_MOVE_IN)
    }

    life = waiting.life(now=TOO_LATE)
    (seen,) = await life.window.do(get_card, GetCard(CHIYODA, CLERK, by_code()))
    assert reasons == {Reason.CARD_REVOKED}
    assert seen.status is CardStatus.LAPSED
    assert await waiting.proof(purpose=Purpose.CARD_CHECK, now=TOO_LATE)


async def test_case_27_a_session_of_day_90_continues_nothing_on_day_91(waiting: CardMoves) -> None:
    session = await waiting.proof(now=LAST_MOMENT)

    refused = await waiting.refused(session, now=TOO_LATE)

    assert (refused.reason, refused.metadata) == (
        Reason.CONTINUATION_OVER,
        {"lastDay": "2027-02-21"},
    )
    assert waiting.card().municipality == TOKOROZAWA.municipality


async def test_what_the_log_and_the_notes_say_of_a_continuation(waiting: CardMoves) -> None:
    await waiting.go_on(await waiting.proof())

    leaf, (note,) = leaves(waiting.store)[-1], waiting.life().notes()
    assert (leaf["ev"], leaf["iss"], leaf["res"]) == ("CARD_CONTINUED", "131016", "131016")
    assert leaf["more"] == {"from": "112089"}
    assert (note.kind, note.municipality) == (NoteKind.CONTINUED, CHIYODA.municipality)
    assert note.facts == {"clerk": CLERK, "documents": [], "back_written": False}


async def test_a_continuation_that_is_sent_again_gets_its_first_answer(waiting: CardMoves) -> None:
    session, request_id = await waiting.proof(), uuid.uuid4()

    first = await waiting.go_on(session, request_id=request_id)
    await waiting.store.act(lambda tx: tx.cards.set_status(TARO_SERIAL, CardStatus.REVOKED))
    again = await waiting.go_on(session, request_id=request_id, now=NOW + timedelta(hours=20))

    assert again == first
    assert [leaf["ev"] for leaf in leaves(waiting.store)].count("CARD_CONTINUED") == 1


async def test_a_card_that_was_continued_is_not_continued_again(waiting: CardMoves) -> None:
    await waiting.go_on(await waiting.proof())

    refused = await waiting.refused(await waiting.proof())

    assert refused.reason is Reason.CARD_NOT_AWAITING


async def test_two_continuations_at_once_are_one(waiting: CardMoves) -> None:
    sessions = [await waiting.proof() for _ in range(2)]

    outcomes = await asyncio.gather(
        *(waiting.go_on(one) for one in sessions), return_exceptions=True
    )

    refused = [one.reason for one in outcomes if isinstance(one, Refusal)]
    assert refused == [Reason.CARD_NOT_AWAITING]
    assert waiting.card().municipality == CHIYODA.municipality


async def test_a_card_whose_holder_has_not_moved_waits_for_nothing(moves: CardMoves) -> None:
    session = await moves.proof(terminal=TOKOROZAWA)

    refused = await moves.refused(session, terminal=TOKOROZAWA)

    assert refused.reason is Reason.CARD_NOT_AWAITING


@pytest.mark.parametrize("terminal", [TOKOROZAWA, CHIYODA_2])
async def test_a_session_counts_at_its_own_terminal_only(
    waiting: CardMoves, terminal: Terminal
) -> None:
    refused = await waiting.refused(await waiting.proof(), terminal=terminal)

    assert refused.reason is Reason.SESSION_NOT_FOUND


@pytest.mark.parametrize("now", [NOW, TOO_LATE])
async def test_another_terminals_session_tells_nothing_of_the_card_in_it(
    waiting: CardMoves, now: datetime
) -> None:
    session = await waiting.proof(now=now - timedelta(seconds=1))

    refused = await waiting.refused(session, terminal=CHIYODA_2, now=now)

    assert (refused.reason, refused.metadata) == (Reason.SESSION_NOT_FOUND, {})


async def test_the_origin_and_any_third_municipality_have_no_such_card(waiting: CardMoves) -> None:
    reasons = [
        (await waiting.refused(await waiting.proof(terminal=one), terminal=one)).reason
        for one in (TOKOROZAWA, SETAGAYA)
    ]

    assert reasons == [Reason.CARD_UNKNOWN] * 2


@pytest.mark.parametrize(
    ("purpose", "later", "reason"),
    [
        (Purpose.CARD_CHECK, timedelta(), Reason.SESSION_NOT_FOUND),
        (Purpose.PIN_PROOF, timedelta(seconds=301), Reason.SESSION_EXPIRED),
    ],
)
async def test_only_a_proof_of_the_pin_in_its_time_continues_the_use(
    waiting: CardMoves, purpose: Purpose, later: timedelta, reason: Reason
) -> None:
    session = await waiting.proof(purpose=purpose)

    assert (await waiting.refused(session, now=NOW + later)).reason is reason


async def test_an_unknown_or_used_session_continues_nothing(waiting: CardMoves) -> None:
    used = await waiting.proof()
    await waiting.store.act(lambda tx: tx.cards.mark_used(used))

    assert (await waiting.refused(bytes(16))).reason is Reason.SESSION_NOT_FOUND
    assert (await waiting.refused(used)).reason is Reason.SESSION_USED


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.SUSPENDED, Reason.CARD_SUSPENDED),
        (CardStatus.REVOKED, Reason.CARD_REVOKED),
        (CardStatus.RETURNED, Reason.CARD_REVOKED),
    ],
)
async def test_case_26_what_became_of_the_card_after_its_proof_wins(
    waiting: CardMoves, status: CardStatus, reason: Reason
) -> None:
    session = await waiting.proof()
    await waiting.life().set_status(status, TARO_SERIAL)

    assert (await waiting.refused(session)).reason is reason
    assert (await session_refused(waiting)).reason is reason


async def test_an_expired_card_is_not_continued(moves: CardMoves) -> None:
    await moves.replace_card(valid_until=date(2026, 11, 30))
    await moves.arrive()
    late = datetime(2026, 11, 30, 15, tzinfo=UTC)

    with pytest.raises(Refusal) as caught:
        await moves.proof(NEW_SERIAL, now=late)

    assert caught.value.reason is Reason.CARD_EXPIRED


async def test_a_card_that_owes_the_proof_of_its_pin_is_not_continued(waiting: CardMoves) -> None:
    session = await waiting.proof()
    await waiting.store.act(lambda tx: tx.cards.set_pin_pending(TARO_SERIAL, pending=True))

    assert (await waiting.refused(session)).reason is Reason.CARD_PIN_PENDING


async def test_nobody_continues_a_card_whose_holder_is_gone(waiting: CardMoves) -> None:
    """The card would have lapsed with its holder; that is looked at all the same."""
    session, person = await waiting.proof(), person_of(waiting.store)

    def delete(tx: Tx) -> None:
        tx.residents.replace(replace(tx.residents.resident(person), state=ResidenceState.DELETED))

    await waiting.store.act(delete)

    assert (await waiting.refused(session)).reason is Reason.CARD_REVOKED


@pytest.mark.parametrize("back_written", [False, True])
async def test_a_face_with_an_address_needs_the_new_one_on_its_back(
    moves: CardMoves, *, back_written: bool
) -> None:
    await moves.replace_card(style=CardStyle.STYLE_2)
    await moves.arrive()
    session = await moves.proof(NEW_SERIAL)

    if back_written:
        assert (await moves.go_on(session, back_written=True)).continue_until is None
    else:
        assert (await moves.refused(session)).reason is Reason.BACK_NOT_WRITTEN
        assert (await moves.go_on(session, back_written=True)).style is CardStyle.STYLE_2


async def test_the_holder_does_not_continue_on_the_day_on_which_an_agent_came(
    waiting: CardMoves,
) -> None:
    await waiting.enter_move(by_agent=True)

    same_day = await waiting.refused(await waiting.proof())
    next_day = await waiting.go_on(await waiting.proof(now=NOW + DAY), now=NOW + DAY)

    assert same_day.reason is Reason.AGENT_NO_CONTINUATION
    assert next_day.continue_until is None


async def test_a_notice_of_moving_on_does_not_hide_that_an_agent_came(waiting: CardMoves) -> None:
    await waiting.enter_move(by_agent=True)
    await waiting.enter_notice()

    same_day = await waiting.refused(await waiting.proof())

    assert same_day.reason is Reason.AGENT_NO_CONTINUATION


async def test_the_holder_who_came_in_person_continues_on_the_same_day(waiting: CardMoves) -> None:
    await waiting.enter_move(by_agent=False)

    assert (await waiting.go_on(await waiting.proof())).continue_until is None


async def test_a_clerk_is_named(waiting: CardMoves) -> None:
    refused = await waiting.refused(await waiting.proof(), clerk_name=" ")

    assert refused.reason is Reason.CLERK_NAME_REQUIRED
    assert leaves(waiting.store)[-1]["ev"] == "MOVE_REFUSED"


async def test_nothing_is_continued_while_the_municipality_is_disconnected(
    waiting: CardMoves,
) -> None:
    session, code = await waiting.proof(), CHIYODA.municipality
    await waiting.store.act(lambda tx: tx.registers.set_connected(code, connected=False))

    with pytest.raises(Refusal) as caught:
        await waiting.go_on(session)

    assert caught.value.reason is Reason.RESIDENCE_DISCONNECTED
    assert waiting.card().continue_until == LAST_DAY


async def test_a_copy_that_waits_for_the_card_is_refused_after_the_move(moves: CardMoves) -> None:
    session = await moves.proof(purpose=Purpose.CERTIFICATE_COPY)
    await moves.arrive()

    with pytest.raises(Refusal) as caught:
        await moves.store.act(
            lambda tx: use_session(tx, session, CHIYODA.uri, Purpose.CERTIFICATE_COPY, NOW)
        )

    assert caught.value.reason is Reason.CARD_NOT_CONTINUED


async def test_a_further_move_ends_the_card(waiting: CardMoves) -> None:
    after = await waiting.arrive(terminal=TOKOROZAWA, now=NOW + DAY)

    assert (after.lapsed, after.continue_until) == (1, None)
    assert waiting.card().status is CardStatus.LAPSED


async def test_the_holders_death_ends_the_card(waiting: CardMoves) -> None:
    person = person_of(waiting.store)

    ended = await waiting.store.act(
        lambda tx: end_cards(tx, person, CardEvent.HOLDER_GONE, caller_uri=JOB, now=NOW)
    )

    assert (ended, waiting.card().status) == (1, CardStatus.LAPSED)


@pytest.mark.parametrize("card", [by_code(), by_number()])
async def test_at_the_new_residence_a_waiting_card_is_suspended_and_resumed(
    waiting: CardMoves, card: object
) -> None:
    window = waiting.life().window
    suspended = await window.do(suspend_card, suspension(card, caller=DESK))
    check = await waiting.proof(purpose=Purpose.CARD_CHECK)

    resumed = await window.do(resume_card, resumption(check, terminal=CHIYODA))

    report = next(leaf for leaf in leaves(waiting.store) if leaf["ev"] == "CARD_SUSPENDED")
    assert suspended.card.status is CardStatus.SUSPENDED
    assert (resumed.status, resumed.continue_until) == (CardStatus.ACTIVE, LAST_DAY)
    assert report["res"] == "131016"
    assert (await waiting.go_on(await waiting.proof())).status is CardStatus.ACTIVE


@pytest.mark.parametrize("card", [by_code(), by_number()])
async def test_at_the_new_residence_a_waiting_card_is_seen_and_revoked(
    waiting: CardMoves, card: object
) -> None:
    window = waiting.life().window
    (seen,) = await window.do(get_card, GetCard(CHIYODA, CLERK, card))  # type: ignore[arg-type]

    revoked = await window.do(revoke_card, revocation(card, terminal=CHIYODA))

    assert (seen.status, seen.continue_until) == (CardStatus.ACTIVE, LAST_DAY)
    assert revoked.status is CardStatus.REVOKED


async def test_at_the_new_residence_a_waiting_card_is_handed_in(waiting: CardMoves) -> None:
    session = await waiting.proof(purpose=Purpose.CARD_CHECK)

    card = await waiting.life().window.do(return_card, handing_in(session, terminal=CHIYODA))

    assert (card.status, card.returned_at) == (CardStatus.RETURNED, NOW)


async def test_at_the_new_residence_a_lost_waiting_card_is_replaced(waiting: CardMoves) -> None:
    window = waiting.life().window
    form = window.submission(**NONE_HELD).form
    command = ReissueCard(CHIYODA, uuid.uuid4(), CLERK, form, Lost(LossReason.LOST))

    answer = await window.do(reissue_card, command)

    assert answer.old_card.status is CardStatus.REVOKED
    assert answer.taken.application.municipality == CHIYODA.municipality


async def test_case_31_who_may_still_continue_a_card_gets_no_second_one(
    waiting: CardMoves,
) -> None:
    window = waiting.life().window
    refused = await window.refused(submit_application, window.submission(**NONE_HELD), LAST_MOMENT)

    taken = await window.do(submit_application, window.submission(**NONE_HELD), TOO_LATE)

    assert refused.reason is Reason.ALREADY_HAS_CARD
    assert taken.application.municipality == CHIYODA.municipality


async def test_a_waiting_card_is_not_unlocked(waiting: CardMoves) -> None:
    refused = await waiting.life().window.refused(begin_unlock, unlocking(terminal=CHIYODA))

    assert refused.reason is Reason.CARD_NOT_CONTINUED


async def origin_refuses(moves: CardMoves) -> list[Reason]:
    """Return why the origin's window does nothing with the card any more."""
    window, check = moves.life(TOKOROZAWA).window, Purpose.CARD_CHECK
    return [
        (await window.refused(get_card, GetCard(TOKOROZAWA, CLERK, by_number()))).reason,
        (await window.refused(get_card, GetCard(TOKOROZAWA, CLERK, by_code()))).reason,
        (await window.refused(revoke_card, revocation(by_number()))).reason,
        (
            await window.refused(
                return_card, handing_in(await moves.proof(terminal=TOKOROZAWA, purpose=check))
            )
        ).reason,
        (
            await window.refused(
                resume_card, resumption(await moves.proof(terminal=TOKOROZAWA, purpose=check))
            )
        ).reason,
        (await window.refused(begin_unlock, unlocking(card=by_number()))).reason,
    ]


@pytest.mark.parametrize("is_continued", [False, True])
async def test_to_the_origin_the_card_is_as_unknown_as_one_that_does_not_exist(
    waiting: CardMoves, *, is_continued: bool
) -> None:
    if is_continued:
        await waiting.go_on(await waiting.proof())

    assert await origin_refuses(waiting) == [Reason.CARD_UNKNOWN] * 6


async def test_after_its_time_a_card_is_not_revoked_or_suspended_but_handed_in(
    waiting: CardMoves,
) -> None:
    life = waiting.life(now=TOO_LATE)
    session = await waiting.proof(purpose=Purpose.CARD_CHECK, now=TOO_LATE)

    revoked = await life.window.refused(revoke_card, revocation(by_number(), terminal=CHIYODA))
    reported = await life.window.refused(suspend_card, suspension(by_number()))
    by_holder = await life.window.refused(suspend_card, suspension(by_code()))
    returned = await life.window.do(return_card, handing_in(session, terminal=CHIYODA))

    assert revoked.reason is Reason.NOT_IN_THIS_STATE
    assert (reported.reason, by_holder.reason) == (Reason.CARD_REVOKED, Reason.CARD_UNKNOWN)
    assert (returned.status, returned.returned_at) == (CardStatus.LAPSED, TOO_LATE)
    assert await lapse(waiting, TOO_LATE) == 1
    assert waiting.card() == replace(returned, continue_until=LAST_DAY)


async def test_after_its_time_a_card_is_not_there_to_be_replaced(waiting: CardMoves) -> None:
    life = waiting.life(now=TOO_LATE)
    form = life.window.submission(**NONE_HELD).form
    command = ReissueCard(CHIYODA, uuid.uuid4(), CLERK, form, Lost(LossReason.LOST))

    assert (await life.window.refused(reissue_card, command)).reason is Reason.CARD_UNKNOWN


async def test_the_job_writes_what_has_lapsed_once_and_a_page_at_a_time(
    moves: CardMoves,
) -> None:
    for key in (TARO, "yoshida-hanako"):
        await moves.arrive(key)
    await moves.life().set_status(CardStatus.SUSPENDED, serial_of("yoshida-hanako"))

    counts = [await lapse(moves, LAST_MOMENT)]
    counts += [await lapse(moves, TOO_LATE, limit=1) for _ in range(3)]

    leaf = leaves(moves.store)[-1]
    assert counts == [0, 1, 1, 0]
    assert {moves.card(serial_of(key)).status for key in (TARO, "yoshida-hanako")} == {
        CardStatus.LAPSED
    }
    assert (leaf["ev"], leaf["more"]) == (
        "CARD_STATUS_CHANGED",
        {"event": "NOT_CONTINUED", "status": "LAPSED"},
    )


async def test_the_job_leaves_cards_alone_that_were_continued_or_have_ended(
    moves: CardMoves,
) -> None:
    await moves.arrive()
    await moves.go_on(await moves.proof())
    await moves.arrive("yoshida-hanako")
    await moves.life().set_status(CardStatus.REVOKED, serial_of("yoshida-hanako"))

    assert await lapse(moves, TOO_LATE) == 0


async def test_an_answer_that_was_kept_before_cards_could_wait_is_still_read(
    moves: CardMoves,
) -> None:
    card = moves.card()
    waiting = replace(card, continue_until=LAST_DAY)

    assert decode_card(encode_card(waiting)) == waiting
    assert decode_card(without_the_day(encode_card(card))) == card


def without_the_day(octets: bytes) -> bytes:
    """Return a card's octets as an earlier version of the program has written them."""
    fields = cbor2.loads(octets)
    del fields["continue_until"]
    return cbor2.dumps(fields, canonical=True)
