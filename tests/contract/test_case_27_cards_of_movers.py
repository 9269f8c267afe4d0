"""Case 27: a family moves by card; what its cards are good for afterwards, by the law in force."""

from __future__ import annotations

from datetime import date

import pytest

from juki_center.areas.cards.continuations import continue_card, lapse_overdue_continuations
from juki_center.areas.cards.register import CardStatus, Purpose
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.moves.answers import MovedIn
from juki_center.areas.moves.commands import (
    Arrival,
    CancelMoveIn,
    ContinueCard,
)
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.take_backs import cancel_move_in
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    DESTINATION,
    FAMILY,
    HANAKO,
    ORIGIN,
    SAKURA,
    TARO,
    Arrivals,
    code_of,
)
from tests.support.center import TOKOROZAWA

LAST_DAY = date(2027, 7, 13)
"""The ninetieth day after the notice of 14 April 2027."""
COPY = Purpose.CERTIFICATE_COPY


@pytest.fixture
def of_2003(store: SQLiteStore) -> Arrivals:
    """Give the destination's window under the law under which cards lapse with a move."""
    return Arrivals(store)


@pytest.fixture
def of_2012(of_2003: Arrivals) -> Arrivals:
    """Give the destination's window under the law under which a card can be continued."""
    return of_2003.under(RuleSet.R2012_07_09)


async def continued(here: Arrivals, key: str = TARO) -> ContinueCard:
    """Return the request to continue a card that proves its PIN now."""
    return ContinueCard(here.new_request, await here.session(key, Purpose.PIN_PROOF))


async def no_session(here: Arrivals, purpose: Purpose = COPY, key: str = TARO) -> Reason:
    """Return why a card gives no session."""
    with pytest.raises(Refusal) as caught:
        await here.session(key, purpose)
    return caught.value.reason


async def unusable(here: Arrivals, session: bytes) -> Reason:
    """Return why a session that was finished before is good for nothing."""
    with pytest.raises(Refusal) as caught:
        await here.store.act(lambda tx: use_session(tx, session, here.terminal.uri, COPY, here.now))
    return caught.value.reason


async def test_case_27_before_2012_the_cards_of_all_who_moved_have_lapsed_at_once(
    of_2003: Arrivals,
) -> None:
    await of_2003.notice()
    at_origin = of_2003.at_window(TOKOROZAWA)
    running = await at_origin.session(purpose=COPY)
    command = of_2003.move_in(await of_2003.fetch(), handed_in=(of_2003.card(TARO).number,))

    moved = await of_2003.do(register_move_in, command)

    assert [one.lapsed_cards for one in moved.registered] == [1, 1, 1]
    assert {of_2003.card(key).status for key in FAMILY} == {CardStatus.LAPSED}
    returned = [of_2003.card(key).returned_at for key in FAMILY]
    assert returned == [of_2003.now, None, None]
    assert await unusable(at_origin, running) is Reason.CARD_REVOKED
    assert {await no_session(here) for here in (of_2003, at_origin)} == {Reason.CARD_REVOKED}


async def test_case_27_continued_on_day_90_a_card_is_active_and_of_the_new_municipality(
    of_2012: Arrivals,
) -> None:
    moved = await of_2012.moved_in()
    before = await no_session(of_2012)
    day_90 = of_2012.on("2027-07-13")

    answer = await day_90.do(continue_card, await continued(day_90))

    assert [one.continue_until for one in moved.registered] == [LAST_DAY] * 3
    assert before is Reason.CARD_NOT_CONTINUED
    assert answer.card == day_90.card()
    assert (answer.card.status, answer.card.municipality) == (CardStatus.ACTIVE, DESTINATION)
    assert await day_90.session(purpose=COPY)
    assert await no_session(day_90, key=HANAKO) is Reason.CARD_NOT_CONTINUED


@pytest.mark.parametrize("has_the_day_ended", [False, True])
async def test_case_27_on_day_91_a_card_has_lapsed(
    of_2012: Arrivals, *, has_the_day_ended: bool
) -> None:
    await of_2012.moved_in()
    day_91 = of_2012.on("2027-07-14")
    if has_the_day_ended:
        written = await day_91.store.act(
            lambda tx: lapse_overdue_continuations(tx, day_91.now, limit=9, caller_uri="juki://x")
        )
        assert written == 3

    reasons = {await no_session(day_91, one) for one in (Purpose.PIN_PROOF, COPY)}

    assert reasons == {Reason.CARD_REVOKED}


async def test_case_26_a_suspended_card_in_the_family_lapses_while_the_others_wait(
    of_2012: Arrivals,
) -> None:
    await of_2012.set_card(HANAKO, CardStatus.SUSPENDED)

    moved = await of_2012.moved_in()

    waits = [one.continue_until for one in moved.registered]
    assert waits == [LAST_DAY, None, LAST_DAY]
    assert of_2012.card(HANAKO).status is CardStatus.LAPSED


async def test_the_card_of_somebody_who_stays_is_as_before(of_2012: Arrivals) -> None:
    await of_2012.moved_in(TARO, HANAKO)

    stayed = of_2012.card(SAKURA)
    assert (stayed.status, stayed.continue_until) == (CardStatus.ACTIVE, None)


async def test_after_an_agents_notice_the_holder_continues_on_another_day(
    of_2012: Arrivals,
) -> None:
    await of_2012.notice()
    command = of_2012.move_in(await of_2012.fetch(), by_agent=True)
    await of_2012.do(register_move_in, command)
    next_day = of_2012.on("2027-04-15")

    refused = await of_2012.refused(continue_card, await continued(of_2012))
    answer = await next_day.do(continue_card, await continued(next_day))

    assert refused.reason is Reason.AGENT_NO_CONTINUATION
    assert answer.card.municipality == DESTINATION


async def test_a_holder_who_has_given_notice_of_a_further_move_continues_until_leaving(
    of_2012: Arrivals,
) -> None:
    await of_2012.moved_in()
    further = await of_2012.paper_notice(
        TARO, HANAKO, origin=DESTINATION, destination=ORIGIN, planned_on=date(2027, 4, 20)
    )

    answer = await of_2012.do(continue_card, await continued(of_2012))
    await of_2012.day_has_come(further)
    left = await of_2012.refused(continue_card, await continued(of_2012, HANAKO))

    assert answer.card.continue_until is None
    assert left.reason is Reason.CARD_REVOKED


async def test_a_continued_card_is_the_origins_again_where_the_move_is_taken_back(
    of_2012: Arrivals,
) -> None:
    moved = await of_2012.moved_in()
    await of_2012.do(continue_card, await continued(of_2012))
    next_day = of_2012.on("2027-04-15")

    await next_day.do(cancel_move_in, taking_back(next_day, moved))

    cards = [of_2012.card(key) for key in FAMILY]
    assert {(card.status, card.municipality, card.continue_until) for card in cards} == {
        (CardStatus.ACTIVE, ORIGIN, None)
    }


def taking_back(here: Arrivals, moved: MovedIn) -> CancelMoveIn:
    """Return the request to take the family's move back."""
    arrivals = tuple(Arrival(code_of(key), here.record(key).version) for key in FAMILY)
    return CancelMoveIn(here.new_request, moved.move.number, arrivals)
