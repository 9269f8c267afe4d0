"""Everybody who watches: one stream for each peer, a short queue before each, a line at the door.

A message is made once and put before every stream that it concerns. A stream holds at most so many
of them: who reads more slowly than things happen is ended with the cursor to go on from, so that
memory does not depend on readers. What a stream misses it is told when it comes again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_center.areas.fleet.admission import Admission, Pace, backoff
from juki_center.areas.fleet.control import ControlKind
from juki_center.errors import Delayed, Reason, Refusal
from juki_center.rpc import watch_messages as messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from prometheus_client import Gauge

    from juki_center.areas.fleet.control import ControlEvent
    from juki_center.areas.ports import Store
    from juki_center.rpc.hotlist_book import HotlistBook
    from jukinet.fleet.v1 import terminal_service_pb2 as pb

MOST_WAITING: Final = 64
PACE: Final = Pace(per_second=100.0, burst=200)
HEARTBEAT_SECONDS: Final = 30.0
STATUS_SECONDS: Final = 3600.0
_TERMINAL: Final = "terminal"


@dataclass(frozen=True, slots=True)
class Settings:
    """How streams are paced; the same for all of them."""

    pace: Pace = PACE
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    status_seconds: float = STATUS_SECONDS
    most_waiting: int = MOST_WAITING
    write_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class HubParts:
    """What the hub stands on. `steady` is a clock that never goes back, in seconds."""

    store: Store
    book: HotlistBook
    gauge: Gauge
    clock: Callable[[], datetime]
    steady: Callable[[], float]
    chance: Callable[[], float]
    settings: Settings = Settings()


class WatchStream:
    """One peer's stream: what waits for it, and how it ends."""

    __slots__ = ("_waiting", "_woken", "cursor", "ending", "is_terminal")

    def __init__(self, *, is_terminal: bool, first: Sequence[pb.WatchResponse]) -> None:
        self.is_terminal = is_terminal
        self.cursor = 0
        self.ending: Refusal | None = None
        self._waiting = deque(first)
        self._woken = asyncio.Event()

    def put(self, message: pb.WatchResponse, most: int) -> bool:
        """Let a message wait; say whether there was room for it."""
        if len(self._waiting) >= most:
            return False
        self._waiting.append(message)
        self._woken.set()
        return True

    def end(self, refusal: Refusal) -> None:
        """Let the stream end by a refusal; what waits is dropped."""
        if self.ending is None:
            self.ending = refusal
            self._waiting.clear()
            self._woken.set()

    async def next(self, seconds: float) -> pb.WatchResponse | None:
        """Return the next message, None where none comes in time; raise what ends the stream."""
        if not self._waiting and self.ending is None:
            self._woken.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
            except TimeoutError:
                return None
        if self.ending is not None:
            raise self.ending
        return self._waiting.popleft()


class WatchHub:
    """All streams, and what is put before them."""

    def __init__(self, parts: HubParts) -> None:
        self._parts = parts
        self._streams: dict[str, WatchStream] = {}
        self._admission = Admission()
        self._is_closing = False

    def __len__(self) -> int:
        """Return how many streams are open."""
        return len(self._streams)

    @property
    def settings(self) -> Settings:
        """How streams are paced."""
        return self._parts.settings

    def tell(self, events: Sequence[ControlEvent]) -> None:
        """Put events before the streams that they concern."""
        book = self._parts.book
        before = book.cursor
        has_changed = book.tell(events)
        told = [one for event in events if (one := messages.of_event(event)) is not None]
        if any(event.kind is ControlKind.CONFIGURATION_CHANGED for event in events):
            told.append(messages.configured(self.settings, self._backoff()))
        pieces = messages.hotlist(book.since(before)) if has_changed else []
        self._put(messages.in_order([*pieces, *told], before, book.cursor), terminals=True)
        self._put(messages.in_order(told, before, book.cursor), terminals=False)

    def tell_descriptions(self) -> None:
        """Let everybody fetch the center's descriptions anew: its keys are others."""
        told = messages.in_order(
            [messages.descriptions_changed()], self._parts.book.cursor, self._parts.book.cursor
        )
        self._put(told, terminals=True)
        self._put(told, terminals=False)

    @contextmanager
    def opened(self, uri: str, role: str, cursor: int) -> Iterator[WatchStream]:
        """Hold the one stream of a peer; an older one of it ends.

        Raises Refusal: OVERLOADED with the time to come back, SHUTTING_DOWN, STORE_UNAVAILABLE.
        """
        if self._is_closing:
            raise self._delayed(Reason.SHUTTING_DOWN)
        self._admit()
        stream = WatchStream(is_terminal=role == _TERMINAL, first=self._first(role, cursor))
        older = self._streams.get(uri)
        if older is not None:
            older.end(Refusal(Reason.WATCH_REPLACED))
        else:
            self._parts.gauge.inc()
        self._streams[uri] = stream
        try:
            yield stream
        finally:
            # A stream that was replaced has left its place to the newer one.
            if self._streams.get(uri) is stream:
                del self._streams[uri]
                self._parts.gauge.dec()

    def heartbeat(self, stream: WatchStream) -> pb.WatchResponse:
        """Return the message that says that nothing has happened."""
        book = self._parts.book
        pieces = book.since(book.cursor) if stream.is_terminal else []
        return messages.heartbeat(
            book.cursor, self._parts.clock(), pieces[0] if pieces else b"", self._backoff()
        )

    def pause(self) -> float:
        """Return how long a stream waits for news before it says that there is none."""
        return self.settings.heartbeat_seconds * (0.5 + self._parts.chance() / 2)

    def too_slow(self, stream: WatchStream) -> Refusal:
        """Return what ends a stream whose peer does not read."""
        return self._delayed(Reason.WATCH_TOO_SLOW, cursor=str(stream.cursor))

    def close(self) -> None:
        """End every stream with SHUTTING_DOWN, each with its own time to come back."""
        self._is_closing = True
        for stream in self._streams.values():
            stream.end(self._delayed(Reason.SHUTTING_DOWN))

    def _admit(self) -> None:
        parts = self._parts
        self._admission, wait = self._admission.asked(parts.steady(), parts.settings.pace)
        if wait > 0:
            raise Delayed(Reason.OVERLOADED, wait)

    def _first(self, role: str, cursor: int) -> list[pb.WatchResponse]:
        """Return what a stream is told first: what it missed, or the state as it is."""
        book, parts = self._parts.book, self._parts
        is_resumed = cursor > 0 and book.can_resume(cursor)
        if is_resumed:
            is_resumed = parts.store.read(lambda tx: messages.can_resume(tx, cursor))
        configuration = messages.configuration(parts.settings, self._backoff())
        if is_resumed:
            missed = parts.store.read(lambda tx: messages.missed(tx, cursor, book.cursor))
        else:
            missed = parts.store.read(messages.standing)
        known = cursor if is_resumed else 0
        first = [messages.welcome(configuration, is_snapshot=not is_resumed)]
        if role == _TERMINAL:
            first += messages.hotlist(book.since(cursor) if is_resumed else book.whole())
        return messages.in_order([*first, *missed], known, book.cursor)

    def _put(self, told: Sequence[pb.WatchResponse], *, terminals: bool) -> None:
        for stream in self._streams.values():
            if stream.is_terminal is terminals:
                for message in told:
                    if not stream.put(message, self.settings.most_waiting):
                        stream.end(self.too_slow(stream))
                        break

    def _delayed(self, reason: Reason, **facts: str) -> Delayed:
        return Delayed(reason, self._backoff(), **facts)

    def _backoff(self) -> float:
        parts = self._parts
        return backoff(parts.chance(), len(self._streams), parts.settings.pace)
