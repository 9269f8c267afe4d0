"""What the store itself does not hold twice of one person or card, whatever an act overlooks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.cards.unlock_rows import Unlock, UnlockMode, UnlockState
from juki_center.storage.faults import BROKEN_CONSTRAINT
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import CardLife, made_card, ready_application
from tests.support.card_window import TARO, CardWindow
from tests.support.center import NOW, TOKOROZAWA, serial_of

UNDELIVERED = (CardStatus.MAKING, CardStatus.MADE, CardStatus.HELD)
OTHER_NUMBER = CardNumber.drawn(bytes(7) + b"\x02")


@pytest.fixture
def life(store: SQLiteStore) -> CardLife:
    """Return Tokorozawa's window, and cards."""
    return CardLife(CardWindow(store))


@pytest.mark.parametrize("first", UNDELIVERED)
@pytest.mark.parametrize("second", UNDELIVERED)
async def test_a_person_has_one_card_that_is_not_handed_over(
    life: CardLife, first: CardStatus, second: CardStatus
) -> None:
    application = await life.make(TARO, first)
    another = replace(made_card(application, second), serial=b"x" * 32, number=OTHER_NUMBER)

    with pytest.raises(BROKEN_CONSTRAINT):
        await life.store.act(lambda tx: tx.cards.add_card(another))


@pytest.mark.parametrize("state", [ApplicationState.INQUIRY_SENT, ApplicationState.APPROVED])
async def test_a_person_has_one_open_application(life: CardLife, state: ApplicationState) -> None:
    first = ready_application(life.store, TARO)
    second = replace(first, number=ApplicationNumber.drawn(bytes(7) + b"\x02"), state=state)
    await life.store.act(lambda tx: tx.applications.add(first, None))

    with pytest.raises(BROKEN_CONSTRAINT):
        await life.store.act(lambda tx: tx.applications.add(second, None))


async def test_a_card_has_one_unlocking_under_way(life: CardLife) -> None:
    await life.begin_unlock()
    another = Unlock(
        unlock_id=b"u" * 16,
        municipality=TOKOROZAWA.municipality,
        person=life.card().person,
        card_serial=serial_of(TARO),
        terminal_uri=TOKOROZAWA.uri,
        mode=UnlockMode.KEEP,
        state=UnlockState.OPEN,
        begun_at=NOW,
    )

    with pytest.raises(BROKEN_CONSTRAINT):
        await life.store.act(lambda tx: tx.unlocks.add(another))
