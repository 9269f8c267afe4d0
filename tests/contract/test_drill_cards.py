"""The card of a drill: active and nobody's, and lapsed after it whatever became of it meanwhile."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from juki_center.areas.callers import Operator
from juki_center.areas.cards.drill_cards import OF_A_DRILL, end_drill_cards, enter_drill_card
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.references import ByNumber
from juki_center.areas.cards.register import Card, CardStatus, Purpose
from juki_center.areas.cards.suspensions import suspend_card
from juki_center.areas.fleet.disconnections import (
    Disconnect,
    Level,
    Scope,
    Subject,
    disconnect,
)
from juki_center.areas.fleet.hotlist import CardState, state_of
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import TARO, CardLife, suspension
from tests.support.card_window import CardWindow
from tests.support.center import NOW, TOKOROZAWA, serial_of
from tests.support.leaves import leaves

BY = "juki://center/center-1"
SERIAL = b"drill" * 6 + b"!!"


@pytest.fixture
def life(store: SQLiteStore) -> CardLife:
    """Return the window of Tokorozawa."""
    return CardLife(CardWindow(store))


async def entered(store: SQLiteStore, serial: bytes = SERIAL) -> Card:
    place = TOKOROZAWA.municipality
    return await store.act(lambda tx: enter_drill_card(tx, serial, place, BY, NOW))


async def ended(store: SQLiteStore) -> int:
    return await store.act(lambda tx: end_drill_cards(tx, BY, NOW))


async def suspend(life: CardLife, number: CardNumber) -> None:
    command, policy = suspension(ByNumber(number), Operator(BY)), life.window.policy
    await life.store.act(lambda tx: suspend_card(tx, command, NOW, policy))


async def test_card_of_a_drill_is_taken_until_it_is_reported_lost(life: CardLife) -> None:
    card = await entered(life.store)
    taken = await life.session(Purpose.PIN_PROOF, SERIAL)
    await suspend(life, card.number)

    with pytest.raises(Refusal) as caught:
        await life.session(Purpose.PIN_PROOF, SERIAL)

    assert len(taken) == 16
    assert caught.value.reason is Reason.CARD_SUSPENDED
    assert card.valid_until - card.made_on == timedelta(days=1)


@pytest.mark.parametrize("is_suspended", [True, False])
async def test_card_of_a_drill_lapses_and_leaves_the_hotlist(
    life: CardLife,
    is_suspended: bool,
) -> None:
    card = await entered(life.store)
    if is_suspended:
        await suspend(life, card.number)

    first, second = await ended(life.store), await ended(life.store)

    assert (first, second) == (1, 0)
    assert life.card(SERIAL).status is CardStatus.LAPSED
    assert state_of(life.card(SERIAL).status) is CardState.FREE
    shown = [one["more"] for one in leaves(life.store) if one["ev"] == "CARD_STATUS_CHANGED"]
    assert shown == [
        {"event": "MADE_FOR_A_DRILL", "status": "ACTIVE"},
        {"event": "HOLDER_GONE", "status": "LAPSED"},
    ]


async def test_cards_of_residents_are_left_alone(life: CardLife) -> None:
    await suspend(life, life.card().number)

    assert await ended(life.store) == 0
    assert life.card(serial_of(TARO)).status is CardStatus.SUSPENDED
    assert life.card(serial_of(TARO)).person != OF_A_DRILL


async def test_two_drills_have_two_cards(store: SQLiteStore) -> None:
    one, other = await entered(store), await entered(store, bytes(32))

    assert one.number != other.number
    assert await ended(store) == 2


async def test_card_of_a_drill_is_not_made_on_a_day_that_is_cut_off(store: SQLiteStore) -> None:
    today = Subject(Scope.CARD_BATCH, "juki://cards/made/2026-11-23/2026-11-23")
    command = Disconnect(BY, uuid.uuid4(), today, Level.HIGH, "a faulty machine")
    await store.act(lambda tx: disconnect(tx, command, NOW))

    with pytest.raises(Refusal) as caught:
        await entered(store)

    assert caught.value.reason is Reason.DISCONNECTED_CARD_BATCH
    assert store.read(lambda tx: tx.cards.of_person(OF_A_DRILL)) == []
