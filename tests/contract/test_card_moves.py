"""What a move does to its holders' cards, by the law in force and by the kind of the move."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from juki_center.areas.cards.application_rows import ApplicationState, EndReason
from juki_center.areas.cards.continuations import (
    CardsAfterMove,
    MovedHolder,
    bring_back,
    end_on_move,
    refuse_cards_of_others,
)
from juki_center.areas.cards.looks import GetCard, get_card
from juki_center.areas.cards.note_rows import NoteKind
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import CardKind, CardStatus, CardStyle, Purpose
from juki_center.areas.cards.returns import return_card
from juki_center.areas.cards.sessions import use_session
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import APPLICATION, NEW_SERIAL, by_code, handing_in
from tests.support.card_moves import LAST_DAY, TARO_SERIAL, TOO_LATE, CardMoves, person_of
from tests.support.card_window import CLERK, MUNICIPALITIES, TARO
from tests.support.center import CHIYODA, NOW, TOKOROZAWA, serial_of
from tests.support.leaves import leaves

HANAKO = "yoshida-hanako"
TARO_NUMBER = CardNumber.drawn(TARO_SERIAL[-8:])
LAPSING = [RuleSet.R2003_08, RuleSet.R2004_03_08, RuleSet.R2010_11_26]
CONTINUING = [RuleSet.R2012_07_09, RuleSet.R2023_02_06]
KEPT = CardsAfterMove(continue_until=LAST_DAY)
LAPSED = CardsAfterMove(lapsed=1)


@pytest.fixture
def moves(store: SQLiteStore) -> CardMoves:
    """Return residents and cards, and the window where they arrive, under the law of 2012."""
    return CardMoves(store)


def under(moves: CardMoves, rule_set: RuleSet) -> CardMoves:
    """Return the same under another law."""
    return replace(moves, policy=CardPolicy(rule_set, MUNICIPALITIES))


@pytest.mark.parametrize("rule_set", LAPSING)
async def test_case_27_before_2012_the_old_card_has_lapsed_everywhere_with_the_move(
    moves: CardMoves, rule_set: RuleSet
) -> None:
    here = under(moves, rule_set)
    before = await here.proof(terminal=TOKOROZAWA, purpose=Purpose.CERTIFICATE_COPY)

    after = await here.arrive(handed_in=(TARO_NUMBER,))

    with pytest.raises(Refusal) as running:
        await here.store.act(
            lambda tx: use_session(tx, before, TOKOROZAWA.uri, Purpose.CERTIFICATE_COPY, NOW)
        )
    with pytest.raises(Refusal) as following:
        await here.proof(purpose=Purpose.CERTIFICATE_COPY)
    card = here.card()
    assert after == LAPSED
    assert (card.status, card.returned_at, card.continue_until) == (CardStatus.LAPSED, NOW, None)
    assert {running.value.reason, following.value.reason} == {Reason.CARD_REVOKED}


@pytest.mark.parametrize("rule_set", CONTINUING)
async def test_case_27_from_2012_on_the_card_waits_90_days_for_its_use_to_be_continued(
    moves: CardMoves, rule_set: RuleSet
) -> None:
    after = await under(moves, rule_set).arrive()

    card, leaf = moves.card(), leaves(moves.store)[-1]
    assert after == KEPT
    assert (card.status, card.continue_until) == (CardStatus.ACTIVE, LAST_DAY)
    assert card.municipality == TOKOROZAWA.municipality
    assert (leaf["ev"], leaf["more"]) == (
        "CARD_STATUS_CHANGED",
        {"event": "AWAITS_CONTINUATION", "status": "ACTIVE", "until": "2027-02-21"},
    )


@pytest.mark.parametrize("rule_set", list(RuleSet))
async def test_every_card_lapses_with_a_move_by_paper(moves: CardMoves, rule_set: RuleSet) -> None:
    after = await under(moves, rule_set).arrive(by_card=False)

    assert after == LAPSED
    assert moves.card().status is CardStatus.LAPSED


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        (CardStatus.MAKING, CardStatus.VOID),
        (CardStatus.MADE, CardStatus.LAPSED),
        (CardStatus.HELD, CardStatus.LAPSED),
        (CardStatus.SUSPENDED, CardStatus.LAPSED),
    ],
)
async def test_case_26_only_a_card_in_use_waits_and_any_other_ends(
    moves: CardMoves, status: CardStatus, ended: CardStatus
) -> None:
    await moves.life().set_status(status, TARO_SERIAL)

    after = await moves.arrive()

    assert after == LAPSED
    assert (moves.card().status, moves.card().continue_until) == (ended, None)


@pytest.mark.parametrize(
    "status", [CardStatus.REVOKED, CardStatus.LAPSED, CardStatus.RETURNED, CardStatus.VOID]
)
async def test_a_card_that_has_ended_stays_what_it_is(moves: CardMoves, status: CardStatus) -> None:
    await moves.life().set_status(status, TARO_SERIAL)

    after = await moves.arrive()

    assert after == CardsAfterMove()
    assert (moves.card().status, moves.card().continue_until) == (status, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_until": date(2026, 11, 22)},
        {"pin_pending": True},
        {"kind": CardKind.CLERK},
        {"continue_until": date(2026, 11, 30)},
        {"continue_until": date(2026, 11, 22)},
    ],
)
async def test_a_card_that_could_not_have_opened_the_move_lapses_with_it(
    moves: CardMoves, changes: dict[str, object]
) -> None:
    await moves.replace_card(**changes)

    after = await moves.arrive()

    assert after == LAPSED
    assert moves.card(NEW_SERIAL).status is CardStatus.LAPSED


async def test_each_member_keeps_the_own_card(moves: CardMoves) -> None:
    afterwards = [await moves.arrive(key) for key in (TARO, HANAKO)]

    assert afterwards == [KEPT, KEPT]
    assert moves.card(serial_of(HANAKO)).continue_until == LAST_DAY


async def test_a_face_with_an_address_is_counted(moves: CardMoves) -> None:
    await moves.replace_card(style=CardStyle.STYLE_2)

    assert await moves.arrive() == replace(KEPT, faces=1)


async def test_a_card_that_is_handed_in_does_not_wait(moves: CardMoves) -> None:
    after = await moves.arrive(handed_in=(TARO_NUMBER,))

    card, (note,) = moves.card(), moves.life().notes()
    assert after == LAPSED
    assert (card.status, card.returned_at, card.continue_until) == (CardStatus.LAPSED, NOW, None)
    assert (note.kind, note.municipality) == (NoteKind.RETURNED, CHIYODA.municipality)
    assert note.facts == {"clerk": CLERK, "documents": [], "chip_answered": False}


@pytest.mark.parametrize("by_card", [True, False])
async def test_an_open_application_ends_with_the_move(moves: CardMoves, *, by_card: bool) -> None:
    await moves.life(TOKOROZAWA).make()

    after = await moves.arrive(by_card=by_card)

    kept = moves.life().window.kept(APPLICATION)
    assert (kept.state, kept.end_reason) == (ApplicationState.CANCELLED, EndReason.HOLDER_GONE)
    assert after == LAPSED
    assert moves.card(NEW_SERIAL).status is CardStatus.LAPSED


async def test_what_a_move_does_to_cards_needs_no_key(moves: CardMoves) -> None:
    await moves.life().disconnect()
    window = moves.window()
    holder = MovedHolder(person_of(moves.store), by_card=True)

    after = await moves.store.act(lambda tx: end_on_move(tx, window, holder))

    assert after == KEPT


async def test_a_card_that_lapsed_with_the_move_is_handed_in_where_its_holder_lives_now(
    moves: CardMoves,
) -> None:
    await moves.arrive(by_card=False)
    session = await moves.proof(purpose=Purpose.CARD_CHECK)

    card = await moves.life().window.do(return_card, handing_in(session, terminal=CHIYODA))

    assert (card.status, card.returned_at) == (CardStatus.LAPSED, NOW)
    seen = await moves.life().window.do(get_card, GetCard(CHIYODA, CLERK, by_code()))
    assert [one.number for one in seen] == [TARO_NUMBER]


async def refusal_of(moves: CardMoves, *numbers: CardNumber) -> Reason | None:
    """Return why cards that are handed in do not belong to Taro's and Hanako's move."""
    persons = tuple(person_of(moves.store, key) for key in (TARO, HANAKO))
    try:
        moves.store.read(lambda tx: refuse_cards_of_others(tx, persons, numbers))
    except Refusal as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize(
    "status", [CardStatus.ACTIVE, CardStatus.SUSPENDED, CardStatus.REVOKED, CardStatus.LAPSED]
)
async def test_cards_in_the_movers_hands_are_taken(moves: CardMoves, status: CardStatus) -> None:
    await moves.life().set_status(status, TARO_SERIAL)

    assert await refusal_of(moves, TARO_NUMBER, CardNumber.drawn(serial_of(HANAKO)[-8:])) is None


@pytest.mark.parametrize(
    "status",
    [
        CardStatus.MAKING,
        CardStatus.MADE,
        CardStatus.HELD,
        CardStatus.RETURNED,
        CardStatus.VOID,
    ],
)
async def test_a_card_in_nobodys_hands_is_no_card_of_the_move(
    moves: CardMoves, status: CardStatus
) -> None:
    await moves.life().set_status(status, TARO_SERIAL)

    assert await refusal_of(moves, TARO_NUMBER) is Reason.CARD_NOT_OF_THE_MOVE


async def test_a_card_of_somebody_else_or_of_nobody_or_taken_before_is_none_of_the_move(
    moves: CardMoves,
) -> None:
    others = CardNumber.drawn(serial_of("yoshida-sakura")[-8:])
    await moves.store.act(lambda tx: tx.cards.set_returned(serial_of(HANAKO), NOW))
    before = CardNumber.drawn(serial_of(HANAKO)[-8:])

    reasons = {
        await refusal_of(moves, TARO_NUMBER, number)
        for number in (others, before, CardNumber.drawn(b"nobody's"))
    }

    assert reasons == {Reason.CARD_NOT_OF_THE_MOVE}


async def test_a_clerks_card_is_none_of_the_move(moves: CardMoves) -> None:
    await moves.replace_card(kind=CardKind.CLERK)

    number = moves.card(NEW_SERIAL).number
    assert await refusal_of(moves, number) is Reason.CARD_NOT_OF_THE_MOVE


async def back(moves: CardMoves, now: datetime = NOW) -> int:
    """Take Taro's move back at Chiyoda's window."""
    person, window = person_of(moves.store), moves.window(now=now)
    origin, day = TOKOROZAWA.municipality, date(2026, 11, 23)
    return await moves.store.act(lambda tx: bring_back(tx, window, person, origin, day))


async def test_a_move_that_is_taken_back_gives_the_card_back_to_the_origin(
    moves: CardMoves,
) -> None:
    before = moves.card()
    await moves.arrive()

    lapsed = await back(moves)

    assert lapsed == 0
    assert moves.card() == before
    assert leaves(moves.store)[-1]["more"] == {"event": "BROUGHT_BACK", "status": "ACTIVE"}


async def test_a_card_that_waits_goes_back_also_where_it_was_made_on_the_day_of_the_move(
    moves: CardMoves,
) -> None:
    await moves.replace_card(made_on=date(2026, 11, 23))
    before = moves.card(NEW_SERIAL)
    await moves.arrive()

    assert await back(moves) == 0
    assert moves.card(NEW_SERIAL) == before


async def test_a_card_whose_use_was_continued_goes_back_too(moves: CardMoves) -> None:
    before = moves.card()
    await moves.arrive()
    await moves.go_on(await moves.proof())

    lapsed = await back(moves)

    assert lapsed == 0
    assert moves.card() == before


async def test_a_card_that_was_reported_lost_meanwhile_goes_back_suspended(
    moves: CardMoves,
) -> None:
    await moves.arrive()
    await moves.life().set_status(CardStatus.SUSPENDED, TARO_SERIAL)

    await back(moves)

    card = moves.card()
    assert (card.status, card.continue_until) == (CardStatus.SUSPENDED, None)


async def test_what_the_destination_has_issued_ends_when_the_move_is_taken_back(
    moves: CardMoves,
) -> None:
    await moves.arrive(by_card=False)
    await moves.life().make()

    lapsed = await back(moves)

    assert lapsed == 1
    assert moves.card(NEW_SERIAL).status is CardStatus.LAPSED
    assert moves.life().window.kept(APPLICATION).state is ApplicationState.CANCELLED


async def test_a_card_that_lapsed_with_the_move_stays_so_when_it_is_taken_back(
    moves: CardMoves,
) -> None:
    await moves.arrive(by_card=False)

    assert await back(moves) == 0
    assert moves.card().status is CardStatus.LAPSED


async def test_a_card_whose_90_days_are_over_does_not_come_back(moves: CardMoves) -> None:
    await moves.arrive()

    assert await back(moves, TOO_LATE + timedelta(days=1)) == 0
    assert moves.card().continue_until == LAST_DAY
