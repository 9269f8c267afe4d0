"""The hotlist of a center: which cards are on it, what changed since, and what it never shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import cbor2
import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.copies.signature import NotSignedContent
from juki_center.areas.fleet import hotlist
from juki_center.areas.fleet.control import ControlKind, forget_old_events
from juki_center.areas.fleet.hotlist import CardState, Nodes, Standing, entry_of
from juki_center.areas.fleet.revocations import OfCertificate, OfPeer
from juki_center.rpc.hotlist_book import HotlistBook
from tests.support.center import NOW, make_signer, serial_of
from tests.support.revoking import revoke_in
from tests.support.watching import said

if TYPE_CHECKING:
    from juki_center.storage.sqlite import SQLiteStore

SERIAL = serial_of("yoshida-taro")
SIGNER, TRUST = make_signer()
NODE = "juki://center/center-2"


class Clock:
    """A clock that stands."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def book_of(store: SQLiteStore, clock: Clock | None = None) -> HotlistBook:
    return HotlistBook(store, SIGNER, clock or Clock())


async def set_status(store: SQLiteStore, status: CardStatus) -> None:
    await store.act(lambda tx: tx.cards.set_status(SERIAL, status))


def key_of(store: SQLiteStore) -> bytes:
    return store.read(lambda tx: tx.control.hotlist_key())


def cards_in(cose: bytes) -> dict[bytes, int]:
    return dict(cast("list[tuple[bytes, int]]", said(cose)[10]))


def learn(book: HotlistBook, store: SQLiteStore) -> bool:
    return book.tell(store.read(lambda tx: tx.control.after(book.cursor, 100)))


async def test_suspended_card_comes_on_the_list_and_a_resumed_one_leaves_it(
    store: SQLiteStore,
) -> None:
    book = book_of(store)
    entry = entry_of(key_of(store), SERIAL)
    before = entry in cards_in(book.whole()[0])

    await set_status(store, CardStatus.SUSPENDED)
    learned = learn(book, store)
    during = cards_in(book.whole()[0]).get(entry)
    await set_status(store, CardStatus.ACTIVE)
    learn(book, store)

    assert learned
    assert (before, during) == (False, CardState.SUSPENDED)
    assert entry not in cards_in(book.whole()[0])


async def test_book_that_is_made_later_has_the_same_list(store: SQLiteStore) -> None:
    book = book_of(store)
    await set_status(store, CardStatus.REVOKED)
    learn(book, store)

    later = book_of(store)

    assert cards_in(later.whole()[0]) == cards_in(book.whole()[0])
    assert cards_in(later.whole()[0])[entry_of(key_of(store), SERIAL)] == CardState.REVOKED
    assert later.cursor == book.cursor


async def test_state_that_terminals_are_not_told_of_makes_no_event(store: SQLiteStore) -> None:
    before = store.read(lambda tx: tx.control.newest())

    await set_status(store, CardStatus.LAPSED)

    assert store.read(lambda tx: tx.control.newest()) == before


async def test_list_from_before_other_events_takes_what_follows_them(store: SQLiteStore) -> None:
    """A renewed certificate moves the cursor, and no card: a list from before it has no gap."""
    book = book_of(store)
    terminals = book.cursor
    await store.act(lambda tx: tx.control.append(ControlKind.CONFIGURATION_CHANGED, "", NOW))
    has_changed = learn(book, store)
    moved = book.cursor

    (fresh,) = book.since(moved)
    await set_status(store, CardStatus.SUSPENDED)
    learn(book, store)
    (changes,) = book.since(moved)

    assert (has_changed, moved) == (False, terminals + 1)
    assert said(fresh)[3] <= terminals  # type: ignore[operator]  # a number
    assert said(fresh)[4] == moved
    assert said(changes)[3] <= terminals  # type: ignore[operator]  # a number
    assert cards_in(changes) == {entry_of(key_of(store), SERIAL): CardState.SUSPENDED}


async def test_changes_hold_the_newest_state_of_what_changed(store: SQLiteStore) -> None:
    book = book_of(store)
    since = book.cursor
    for status in (CardStatus.SUSPENDED, CardStatus.ACTIVE, CardStatus.REVOKED):
        await set_status(store, status)
    learn(book, store)

    (piece,) = book.since(since)

    content = said(piece)
    assert content[:5] == ["juki-hotlist", 1, False, since, book.cursor]
    assert cards_in(piece) == {entry_of(key_of(store), SERIAL): CardState.REVOKED}


async def test_nothing_changed_is_said_anew_with_a_new_time(store: SQLiteStore) -> None:
    clock = Clock()
    book = book_of(store, clock)
    (first,) = book.since(book.cursor)
    clock.now += timedelta(seconds=60)

    (second,) = book.since(book.cursor)

    assert cards_in(second) == {}
    assert cast("int", said(second)[5]) == cast("int", said(first)[5]) + 60


async def test_same_moment_is_signed_once(store: SQLiteStore) -> None:
    book = book_of(store)

    assert book.whole()[0] is book.whole()[0]


async def test_other_signer_signs_from_then_on(store: SQLiteStore) -> None:
    book, (other, trust) = book_of(store), make_signer()
    before = book.whole()[0]

    book.use(other)

    assert other.key_id in book.whole()[0]
    assert other.key_id not in before
    assert other.key_id in trust


async def test_cursor_that_is_too_old_or_of_another_store_gets_the_whole_list(
    store: SQLiteStore,
) -> None:
    for status in (CardStatus.SUSPENDED, CardStatus.ACTIVE, CardStatus.SUSPENDED):
        await set_status(store, status)
    await store.act(lambda tx: forget_old_events(tx, NOW + timedelta(days=36_500)))
    book = book_of(store)

    pieces = [book.since(cursor)[0] for cursor in (0, book.cursor + 1)]

    assert [said(piece)[2] for piece in pieces] == [True, True]
    assert said(book.since(book.cursor)[0])[2] is False


async def test_only_nodes_of_the_center_are_named(store: SQLiteStore) -> None:
    book = book_of(store)
    await revoke_in(store, OfPeer("juki://municipality/131016/terminal/01"))
    quiet = learn(book, store)

    await revoke_in(store, OfPeer(NODE))
    await revoke_in(store, OfCertificate(bytes(32), NODE))
    told = learn(book, store)

    assert (quiet, told) == (False, True)
    for one in (book, book_of(store)):
        assert said(one.whole()[0])[11:] == [[bytes(32)], [NODE]]


async def test_list_shows_no_serial_and_no_number(store: SQLiteStore) -> None:
    await set_status(store, CardStatus.SUSPENDED)
    card = store.read(lambda tx: tx.cards.card(SERIAL))
    assert card is not None

    octets = b"".join(book_of(store).whole())

    assert SERIAL not in octets
    assert SERIAL[:16] not in octets
    assert str(card.number).encode() not in octets


async def test_hotlist_does_not_pass_for_a_copy(store: SQLiteStore) -> None:
    (piece,) = book_of(store).whole()

    with pytest.raises(NotSignedContent):
        TRUST.verify(piece)


def test_long_list_comes_in_pieces_that_fit_a_message() -> None:
    cards = {number.to_bytes(16): CardState.SUSPENDED for number in range(100_000)}
    standing = Standing(7, NOW, bytes(16), Nodes())

    pieces = hotlist.whole(standing, cards)

    assert [(one.part, one.parts) for one in pieces] == [(n, 50) for n in range(1, 51)]
    assert sum(len(one.cards) for one in pieces) == 100_000
    assert max(len(one.encode()) for one in pieces) < 60_000


def test_empty_list_is_one_piece() -> None:
    (piece,) = hotlist.whole(Standing(0, NOW, bytes(16), Nodes()), {})

    assert cbor2.loads(piece.encode())[8:11] == [1, bytes(16), []]


async def test_old_events_are_forgotten_after_a_week(store: SQLiteStore) -> None:
    for days in (0, 1, 9):
        at = NOW + timedelta(days=days)
        await store.act(lambda tx, at=at: tx.control.append(ControlKind.DISCONNECTED, "x", at))
    newest = store.read(lambda tx: tx.control.newest())

    await store.act(lambda tx: forget_old_events(tx, NOW + timedelta(days=8, hours=1)))

    assert store.read(lambda tx: tx.control.oldest()) >= newest - 2
    assert store.read(lambda tx: tx.control.newest()) == newest
