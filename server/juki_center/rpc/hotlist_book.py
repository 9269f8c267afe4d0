"""The hotlist of a serving center: in memory, kept by control events, signed when it is asked for.

What is signed does not depend on who asks, so one signature serves every stream that is told at
the same time. The content is made in `areas.fleet.hotlist`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_center.areas.days import day_in_japan
from juki_center.areas.fleet import hotlist
from juki_center.areas.fleet.control import ControlKind
from juki_center.areas.fleet.disconnections import Scope
from juki_center.areas.fleet.hotlist import CardState, Nodes, Standing, entry_of, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from juki_center.areas.copies.signature import CopySigner
    from juki_center.areas.fleet.control import ControlEvent
    from juki_center.areas.fleet.hotlist import Document
    from juki_center.areas.ports import Store, Tx

_REMEMBERED: Final = 10_000
_FRESH_SECONDS: Final = 2.0
_CENTERS: Final = "juki://center/"
_BATCH: Final = f"{Scope.CARD_BATCH}:"
_BATCH_KINDS: Final = frozenset({ControlKind.DISCONNECTED, ControlKind.RECONNECTED})
_NODES: Final = frozenset({ControlKind.PEER_REVOKED, ControlKind.CERTIFICATE_REVOKED})


@dataclass(frozen=True, slots=True)
class _Change:
    cursor: int
    entry: bytes
    state: CardState


@dataclass(frozen=True, slots=True)
class _Loaded:
    key: bytes
    cursor: int
    cards: dict[bytes, CardState]
    cut_off: frozenset[bytes]
    nodes: Nodes
    events: list[ControlEvent]


class HotlistBook:
    """Knows which cards are stopped and which nodes count no more, and since which cursor.

    A card is stopped by its own state, and by the batch that it is of while that is cut off.
    """

    def __init__(self, store: Store, signer: CopySigner, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        loaded = store.read(lambda tx: _load(tx, clock()))
        self._key = loaded.key
        self.cursor = loaded.cursor
        self._cards = loaded.cards
        self._cut_off = loaded.cut_off
        self._nodes = loaded.nodes
        # Whom a batch that was cut off or connected before concerned is not known any more.
        batches = [event.cursor for event in loaded.events if _is_about_batch(event)]
        self._floor = max(0, loaded.cursor - len(loaded.events), *batches)
        self._recent: deque[_Change] = deque()
        self._remember(_changes(self._key, loaded.events))
        self._signed: dict[tuple[bool, int], tuple[datetime, list[bytes]]] = {}

    def __len__(self) -> int:
        """Return how many cards are on the list."""
        return len(self._listed())

    def tell(self, events: Sequence[ControlEvent]) -> bool:
        """Learn of events that are newer than the book; say whether the list has changed."""
        new = [event for event in events if event.cursor > self.cursor]
        self._signed.clear()
        changes = _changes(self._key, new)
        for change in changes:
            if change.state:
                self._cards[change.entry] = change.state
            else:
                self._cards.pop(change.entry, None)
        nodes = self._nodes
        for event in new:
            self._nodes = _with_node(self._nodes, event)
            self.cursor = event.cursor
        changes += self._look_at_batches(new)
        self._remember(changes)
        return nodes != self._nodes or bool(changes)

    def _look_at_batches(self, new: Sequence[ControlEvent]) -> list[_Change]:
        """Read whose batch is cut off where that has changed; return the cards it concerns."""
        cursors = [event.cursor for event in new if _is_about_batch(event)]
        if not cursors:
            return []
        before, now = self._cut_off, self._clock()
        self._cut_off = self._store.read(lambda tx: _cut_off(tx, self._key, now))
        touched = sorted(before ^ self._cut_off)
        return [_Change(cursors[-1], entry, self._state(entry)) for entry in touched]

    def _state(self, entry: bytes) -> CardState:
        floor = CardState.SUSPENDED if entry in self._cut_off else CardState.FREE
        return max(self._cards.get(entry, CardState.FREE), floor)

    def _listed(self) -> dict[bytes, CardState]:
        if not self._cut_off:
            return self._cards
        return {entry: self._state(entry) for entry in self._cards.keys() | self._cut_off}

    def use(self, signer: CopySigner) -> None:
        """Sign by another key from now on."""
        self._signer = signer
        self._signed.clear()

    def can_resume(self, cursor: int) -> bool:
        """Whether what has changed since a cursor is still known."""
        return self._floor <= cursor <= self.cursor

    def whole(self) -> list[bytes]:
        """Return the whole list, signed, in one or more pieces."""
        return self._fresh((True, 0), lambda standing: hotlist.whole(standing, self._listed()))

    def since(self, cursor: int) -> list[bytes]:
        """Return what has changed since a cursor, or the whole list where that is shorter to say.

        Nothing has changed: the answer tells that the list is still as it was. It begins at the
        last change before `cursor` and not at `cursor` itself: where other events have moved the
        cursor, a list that was made before them is whole all the same, and takes the answer.
        """
        if not self.can_resume(cursor):
            return self.whole()
        touched = {one.entry for one in self._recent if one.cursor > cursor}
        if len(touched) > hotlist.MOST_ENTRIES:
            return self.whole()
        states = {entry: self._state(entry) for entry in touched}
        before = (one.cursor for one in self._recent if one.cursor <= cursor)
        begins = max(before, default=self._floor)
        return self._fresh(
            (False, cursor), lambda standing: [hotlist.changes(standing, begins, states)]
        )

    def _fresh(
        self, which: tuple[bool, int], make: Callable[[Standing], list[Document]]
    ) -> list[bytes]:
        """Return signed pieces that were made just now, for whoever asks at the same time."""
        now, kept = self._clock(), self._signed.get(which)
        if kept is not None and (now - kept[0]).total_seconds() < _FRESH_SECONDS:
            return kept[1]
        standing = Standing(self.cursor, now, self._key, self._nodes)
        # What is older serves nobody any more.
        self._signed = {one: at for one, at in self._signed.items() if at[0] == now}
        pieces = [self._signer.sign(one.encode(), hotlist.CONTENT_TYPE) for one in make(standing)]
        self._signed[which] = (now, pieces)
        return pieces

    def _remember(self, changes: Sequence[_Change]) -> None:
        self._recent.extend(changes)
        while len(self._recent) > _REMEMBERED:
            self._floor = max(self._floor, self._recent.popleft().cursor)


def _changes(key: bytes, events: Sequence[ControlEvent]) -> list[_Change]:
    return [
        _Change(
            event.cursor,
            entry_of(key, bytes.fromhex(event.subject)),
            CardState(event.content[0]),
        )
        for event in events
        if event.kind is ControlKind.CARD_CHANGED
    ]


def _is_about_batch(event: ControlEvent) -> bool:
    return event.kind in _BATCH_KINDS and event.subject.startswith(_BATCH)


def _cut_off(tx: Tx, key: bytes, now: datetime) -> frozenset[bytes]:
    serials = tx.cards.in_cut_off_batches(day_in_japan(now))
    return frozenset(entry_of(key, serial) for serial in serials)


def _load(tx: Tx, now: datetime) -> _Loaded:
    key, cursor = tx.control.hotlist_key(), tx.control.newest()
    stopped = tx.cards.stopped(day_in_japan(now))
    revoked = tx.revocations.of_centers()
    nodes = Nodes()
    for one in revoked:
        nodes = _with(nodes, one.of.subject)
    # A gap before the oldest event that is kept ends what can be resumed.
    after = max(tx.control.oldest() - 1, cursor - _REMEMBERED, 0)
    return _Loaded(
        key=key,
        cursor=cursor,
        cards={entry_of(key, serial): state_of(status) for serial, status in stopped},
        cut_off=_cut_off(tx, key, now),
        nodes=nodes,
        events=tx.control.after(after, _REMEMBERED),
    )


def _with_node(nodes: Nodes, event: ControlEvent) -> Nodes:
    """Return what counts no more behind an event; peers other than nodes are nobody's business."""
    if event.kind not in _NODES or not event.content.startswith(_CENTERS.encode()):
        return nodes
    return _with(nodes, event.subject)


def _with(nodes: Nodes, subject: str) -> Nodes:
    if subject.startswith(_CENTERS):
        return Nodes(nodes.certificates, tuple(sorted({*nodes.uris, subject})))
    return Nodes(tuple(sorted({*nodes.certificates, bytes.fromhex(subject)})), nodes.uris)
