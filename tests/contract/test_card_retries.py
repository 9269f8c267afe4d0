"""What every act on a card at a window promises: done once, and not at all while cut off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from juki_center.areas.cards.hand_overs import hand_over
from juki_center.areas.cards.register import Card, CardSession, Purpose
from juki_center.areas.cards.resumptions import resume_card
from juki_center.areas.cards.returns import return_card
from juki_center.areas.cards.revocations import revoke_card
from juki_center.areas.cards.suspensions import suspend_card
from juki_center.areas.cards.unlocks import begin_unlock, complete_unlock
from juki_center.areas.ports import Tx
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import (
    NEW_SERIAL,
    CardLife,
    hand_over_of,
    handing_in,
    resumption,
    revocation,
    suspension,
    unlocked,
    unlocking,
)
from tests.support.card_window import TARO, CardWindow
from tests.support.center import NOW, serial_of
from tests.support.leaves import leaves

ANOTHER_CLERK = "鈴木　次郎"
SERIALS = (serial_of(TARO), NEW_SERIAL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An act that is ready to be done, and the session that it consumes, if any."""

    act: Callable[..., Any]
    command: Any
    session: bytes | None = None


async def resuming(life: CardLife) -> Wanted:
    await life.window.do(suspend_card, suspension())
    session = await life.session(Purpose.CARD_CHECK)
    return Wanted(resume_card, resumption(session), session)


async def revoking(_life: CardLife) -> Wanted:
    return Wanted(revoke_card, revocation())


async def returning(life: CardLife) -> Wanted:
    session = await life.session(Purpose.CARD_CHECK)
    return Wanted(return_card, handing_in(session), session)


async def beginning_to_unlock(_life: CardLife) -> Wanted:
    return Wanted(begin_unlock, unlocking())


async def completing_an_unlock(life: CardLife) -> Wanted:
    unlock_id = await life.begin_unlock()
    await life.attempt(unlock_id)
    session = await life.session(Purpose.PIN_PROOF)
    return Wanted(complete_unlock, unlocked(unlock_id, session), session)


async def handing_over(life: CardLife) -> Wanted:
    await life.make()
    session = await life.session(Purpose.PIN_PROOF, NEW_SERIAL)
    return Wanted(hand_over, hand_over_of(session), session)


ACTS = [
    resuming,
    revoking,
    returning,
    beginning_to_unlock,
    completing_an_unlock,
    handing_over,
]
Prepare = Callable[[CardLife], Awaitable[Wanted]]


@pytest.fixture
def life(store: SQLiteStore) -> CardLife:
    """Return Tokorozawa's window, and cards."""
    return CardLife(CardWindow(store))


async def reason_of_refusal(life: CardLife, wanted: Wanted, **how: Any) -> Reason:
    """Do an act that is refused, whether or not the log shows it."""
    with pytest.raises(Refusal) as caught:
        await life.window.do(wanted.act, wanted.command, **how)
    return caught.value.reason


def everything(life: CardLife, session: bytes | None) -> object:
    """Return what acts on cards change: cards, sessions, applications, unlockings and notes."""

    def look(tx: Tx) -> tuple[list[Card | None], CardSession | None, list[object]]:
        cards = [tx.cards.card(serial) for serial in SERIALS]
        used = None if session is None else tx.cards.session(session)
        rest: list[object] = [
            (tx.card_notes.of_card(serial), tx.unlocks.open_of_card(serial)) for serial in SERIALS
        ]
        rest += [tx.applications.open_of_person(card.person) for card in cards if card]
        return cards, used, rest

    return life.store.read(look)


@pytest.mark.parametrize("prepare", ACTS)
async def test_an_act_that_comes_again_has_its_first_answer_and_no_further_effect(
    life: CardLife, prepare: Prepare
) -> None:
    wanted = await prepare(life)
    first = await life.window.do(wanted.act, wanted.command)
    before = everything(life, wanted.session), len(leaves(life.store))

    again = await life.window.do(wanted.act, wanted.command, NOW + timedelta(hours=24))

    assert again == first
    assert (everything(life, wanted.session), len(leaves(life.store))) == before


@pytest.mark.parametrize("prepare", ACTS)
async def test_the_request_of_an_act_with_another_content_is_refused(
    life: CardLife, prepare: Prepare
) -> None:
    wanted = await prepare(life)
    await life.window.do(wanted.act, wanted.command)
    other = replace(wanted, command=replace(wanted.command, clerk_name=ANOTHER_CLERK))

    assert await reason_of_refusal(life, other) is Reason.REQUEST_ID_REUSED


@pytest.mark.parametrize("prepare", ACTS)
async def test_after_a_day_the_answer_to_an_act_is_gone_and_the_act_is_not_done_again(
    life: CardLife, prepare: Prepare
) -> None:
    wanted = await prepare(life)
    await life.window.do(wanted.act, wanted.command)
    before = everything(life, wanted.session)

    reason = await reason_of_refusal(life, wanted, now=NOW + timedelta(hours=24, seconds=1))

    assert reason is Reason.ANSWER_EXPIRED
    assert everything(life, wanted.session) == before


@pytest.mark.parametrize("prepare", ACTS)
async def test_while_the_municipality_is_disconnected_nothing_of_an_act_is_done(
    life: CardLife, prepare: Prepare
) -> None:
    wanted = await prepare(life)
    before = everything(life, wanted.session)
    await life.disconnect()

    reason = await reason_of_refusal(life, wanted)

    assert reason is Reason.RESIDENCE_DISCONNECTED
    assert everything(life, wanted.session) == before
