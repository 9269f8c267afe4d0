"""Batches of cards that are cut off: no session takes them, none is made, the hotlist says so."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from typing import cast

import pytest

from juki_center.areas.cards.register import CardStatus, Purpose
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.cards.suspensions import suspend_card
from juki_center.areas.clerks.rules import require_signed_in
from juki_center.areas.fleet.disconnections import (
    Disconnect,
    Level,
    Reconnect,
    Scope,
    Subject,
    disconnect,
    reconnect,
)
from juki_center.areas.fleet.hotlist import CardState, entry_of
from juki_center.errors import Reason, Refusal
from juki_center.rpc.hotlist_book import HotlistBook
from juki_center.storage.sqlite import SQLiteStore
from tests.contract.test_making import CHIP, OTHER_CHIP, Workshop
from tests.support.card_factory import apply_for
from tests.support.card_life import NEW_SERIAL, TARO, CardLife, suspension
from tests.support.card_window import CardWindow
from tests.support.center import NOW, TOKOROZAWA, make_signer, serial_of
from tests.support.clerks import clerk_policy, enter_clerk, put_signed_in
from tests.support.leaves import leaves
from tests.support.watching import said

OPERATOR = "juki://operator/operator-1"
SAMPLES_DAY = Subject(Scope.CARD_BATCH, "juki://cards/made/2023-08-25/2023-08-25")
DAY_BEFORE = Subject(Scope.CARD_BATCH, "juki://cards/made/2023-08-01/2023-08-24")
TODAY = Subject(Scope.CARD_BATCH, "juki://cards/made/2026-11-23/2026-11-24")
LOT = Subject(Scope.CARD_BATCH, "juki://cards/chip/6363")
COPY = Purpose.CERTIFICATE_COPY
SIGNER, _ = make_signer()


@pytest.fixture
def life(store: SQLiteStore) -> CardLife:
    """Return the window of Tokorozawa."""
    return CardLife(CardWindow(store))


async def cut(store: SQLiteStore, subject: Subject) -> None:
    command = Disconnect(OPERATOR, uuid.uuid4(), subject, Level.HIGH, "a faulty lot")
    await store.act(lambda tx: disconnect(tx, command, NOW))


async def connect(store: SQLiteStore, subject: Subject) -> None:
    command = Reconnect(OPERATOR, uuid.uuid4(), subject)
    await store.act(lambda tx: reconnect(tx, command, NOW))


def cards_in(piece: bytes) -> dict[bytes, int]:
    return dict(cast("list[tuple[bytes, int]]", said(piece)[10]))


def learn(book: HotlistBook, store: SQLiteStore) -> bool:
    return book.tell(store.read(lambda tx: tx.control.after(book.cursor, 100)))


def entry(store: SQLiteStore, serial: bytes = serial_of(TARO)) -> bytes:  # a constant
    return entry_of(store.read(lambda tx: tx.control.hotlist_key()), serial)


@pytest.mark.parametrize("purpose", [COPY, Purpose.CARD_CHECK, Purpose.SPECIAL_MOVE_IN])
async def test_no_session_of_its_cards_is_recorded(life: CardLife, purpose: Purpose) -> None:
    await cut(life.store, SAMPLES_DAY)

    with pytest.raises(Refusal) as caught:
        await life.session(purpose)

    assert caught.value.reason is Reason.DISCONNECTED_CARD_BATCH
    assert leaves(life.store)[-1]["ev"] == "CARD_SESSION_REFUSED"


async def test_session_that_was_finished_before_serves_no_act(life: CardLife) -> None:
    session_id = await life.session(COPY)
    await cut(life.store, SAMPLES_DAY)

    with pytest.raises(Refusal) as caught:
        await life.store.act(lambda tx: use_session(tx, session_id, TOKOROZAWA.uri, COPY, NOW))

    assert caught.value.reason is Reason.DISCONNECTED_CARD_BATCH


@pytest.mark.parametrize("subject", [DAY_BEFORE, TODAY, LOT])
async def test_cards_of_other_batches_go_on(life: CardLife, subject: Subject) -> None:
    await cut(life.store, subject)

    assert await life.session(COPY)


async def test_connected_batch_is_served_again_and_its_sessions_with_it(life: CardLife) -> None:
    session_id = await life.session(COPY)
    await cut(life.store, SAMPLES_DAY)

    await connect(life.store, SAMPLES_DAY)

    used = await life.store.act(lambda tx: use_session(tx, session_id, TOKOROZAWA.uri, COPY, NOW))
    assert used.card_serial == serial_of(TARO)


async def test_two_batches_with_one_card_stop_it_until_both_are_connected(life: CardLife) -> None:
    whole_month = Subject(Scope.CARD_BATCH, "juki://cards/made/2023-08-01/2023-08-31")
    await cut(life.store, SAMPLES_DAY)
    await cut(life.store, whole_month)
    await connect(life.store, SAMPLES_DAY)
    during = life.card().is_cut_off

    await connect(life.store, whole_month)

    assert (during, life.card().is_cut_off) == (True, False)


async def test_card_is_known_by_the_lot_of_its_chip(life: CardLife) -> None:
    await life.make(status=CardStatus.ACTIVE)

    await cut(life.store, LOT)

    assert life.card(NEW_SERIAL).is_cut_off
    assert not life.card().is_cut_off


async def test_case_42_card_of_the_batch_is_suspended_all_the_same(life: CardLife) -> None:
    await cut(life.store, SAMPLES_DAY)

    command, policy = suspension(), life.window.policy
    done = await life.store.act(lambda tx: suspend_card(tx, command, NOW, policy))

    assert done.card.status is CardStatus.SUSPENDED
    await connect(life.store, SAMPLES_DAY)
    assert life.card().status is CardStatus.SUSPENDED


async def test_clerk_with_a_card_of_the_batch_is_signed_in_no_more(store: SQLiteStore) -> None:
    def sign_in(tx: object) -> None:
        clerk = enter_clerk(tx, "112089", NOW)  # type: ignore[arg-type]  # the store's
        put_signed_in(tx, clerk, TOKOROZAWA.uri, NOW)  # type: ignore[arg-type]  # the store's

    await store.act(sign_in)
    await cut(store, TODAY)

    with pytest.raises(Refusal) as caught:
        store.read(
            lambda tx: require_signed_in(
                tx.clerks.standing(TOKOROZAWA.uri, None), NOW, clerk_policy()
            )
        )

    assert caught.value.reason is Reason.CLERK_SIGN_IN_REQUIRED


async def test_clerks_card_of_a_day_that_is_cut_off_is_not_entered(store: SQLiteStore) -> None:
    await cut(store, TODAY)

    with pytest.raises(Refusal) as caught:
        await store.act(lambda tx: enter_clerk(tx, "112089", NOW))

    assert caught.value.reason is Reason.DISCONNECTED_CARD_BATCH


async def test_chip_of_a_lot_that_is_cut_off_becomes_no_card(store: SQLiteStore) -> None:
    workshop = Workshop(store, await store.act(apply_for))
    await cut(store, Subject(Scope.CARD_BATCH, f"juki://cards/chip/{CHIP[:4].hex()}"))

    with pytest.raises(Refusal) as caught:
        await workshop.begin()

    assert caught.value.reason is Reason.DISCONNECTED_CARD_BATCH
    assert leaves(store)[-1]["ev"] == "CARD_ACT_REFUSED"
    assert store.read(lambda tx: tx.personalisations.of_chip(CHIP)) is None
    assert (await workshop.begin(OTHER_CHIP)).personalisation.chip_serial == OTHER_CHIP


async def test_chip_whose_lot_is_cut_off_between_two_steps_becomes_a_card_afterwards(
    store: SQLiteStore,
) -> None:
    workshop = Workshop(store, await store.act(apply_for))
    begun, lot = await workshop.begin(), Subject(Scope.CARD_BATCH, "juki://cards/chip/0001")
    await cut(store, lot)
    with pytest.raises(Refusal) as caught:
        await workshop.know(begun)
    none = store.read(lambda tx: tx.cards.by_number(begun.personalisation.card_number))

    await connect(store, lot)
    written = await workshop.know(begun)

    assert (caught.value.reason, none) == (Reason.DISCONNECTED_CARD_BATCH, None)
    assert written.card_number == begun.personalisation.card_number


async def test_hotlist_tells_of_every_card_of_the_batch_and_frees_them_afterwards(
    store: SQLiteStore,
) -> None:
    book = HotlistBook(store, SIGNER, lambda: NOW)
    start = book.cursor
    await cut(store, SAMPLES_DAY)
    learned = learn(book, store)
    during, count = cards_in(book.since(start)[0]), len(book)
    cut_at = book.cursor

    await connect(store, SAMPLES_DAY)
    learn(book, store)

    assert learned
    assert during[entry(store)] == CardState.SUSPENDED
    assert count == len(during) > 1
    assert set(cards_in(book.since(cut_at)[0])) == set(during)
    assert cards_in(book.since(cut_at)[0])[entry(store)] == CardState.FREE
    assert len(book) == 0


async def test_hotlist_keeps_what_is_worse_and_what_was_there_before(store: SQLiteStore) -> None:
    await store.act(lambda tx: tx.cards.set_status(serial_of(TARO), CardStatus.SUSPENDED))
    book = HotlistBook(store, SIGNER, lambda: NOW)
    await cut(store, SAMPLES_DAY)
    learn(book, store)

    await store.act(lambda tx: tx.cards.set_status(serial_of(TARO), CardStatus.REVOKED))
    learn(book, store)
    during = cards_in(book.whole()[0])[entry(store)]
    await connect(store, SAMPLES_DAY)
    learn(book, store)

    assert during == CardState.REVOKED
    assert cards_in(book.whole()[0]) == {entry(store): CardState.REVOKED}


async def test_book_that_is_made_later_has_the_same_list_and_resumes_nobody_from_before(
    store: SQLiteStore,
) -> None:
    book = HotlistBook(store, SIGNER, lambda: NOW)
    before = book.cursor
    await cut(store, SAMPLES_DAY)
    learn(book, store)

    later = HotlistBook(store, SIGNER, lambda: NOW)

    assert cards_in(later.whole()[0]) == cards_in(book.whole()[0])
    assert not later.can_resume(before)
    assert later.can_resume(later.cursor)


async def test_expired_and_ended_cards_are_not_on_the_list(life: CardLife) -> None:
    await life.store.act(lambda tx: tx.cards.set_status(serial_of(TARO), CardStatus.LAPSED))
    await cut(life.store, SAMPLES_DAY)

    on_time = HotlistBook(life.store, SIGNER, lambda: NOW)
    late = HotlistBook(life.store, SIGNER, lambda: NOW + timedelta(days=3650))

    assert entry(life.store) not in cards_in(on_time.whole()[0])
    assert (len(on_time) > 0, len(late)) == (True, 0)


async def test_disconnection_of_anything_else_leaves_the_list(store: SQLiteStore) -> None:
    book = HotlistBook(store, SIGNER, lambda: NOW)

    await cut(store, Subject(Scope.CENTER, ""))

    assert not learn(book, store)
    assert len(book) == 0


async def test_unknown_card_is_told_apart_from_a_cut_off_one(life: CardLife) -> None:
    await cut(life.store, SAMPLES_DAY)

    with pytest.raises(Refusal) as caught:
        await life.session(COPY, hashlib.sha256(b"nobody's").digest())

    assert caught.value.reason is Reason.CARD_UNKNOWN
