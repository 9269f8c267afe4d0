"""The bell that hands control events to all who must act on them, in order and once each.

It rings at once for the acts of this process, and within a quarter of a second for those of
others that work on the same store, such as an operator's command beside a center that serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from juki_center.areas.fleet.control import ControlEvent
from juki_center.areas.ports import Store
from juki_center.errors import Refusal
from juki_center.rpc.beside import going_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from juki_center.areas.ports import Tx

logger = logging.getLogger(__name__)

PERIOD_SECONDS: Final = 0.2
_AT_ONCE: Final = 500

Subscriber: TypeAlias = "Callable[[Sequence[ControlEvent]], None]"
"""Is told of events on the event loop, and must neither wait nor raise."""


class RingingStore(Store, Protocol):
    """A store that says when an act of this process has committed a control event."""

    def on_control(self, ring: Callable[[], None]) -> None:
        """Call `ring` after each commit with control events in it, from any thread."""


class ControlBell:
    """Reads control events as they are committed, and hands them to its subscribers.

    What was committed before it was made is no news: who subscribes reads the state first, and is
    then told of some events that the state has already.
    """

    def __init__(self, store: RingingStore, period_seconds: float = PERIOD_SECONDS) -> None:
        self._store = store
        self._period_seconds = period_seconds
        self._subscribers: dict[int, Subscriber] = {}
        self._next = 0
        self.cursor = store.read(lambda tx: tx.control.newest())

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Tell `subscriber` of every event from now on; return what ends that."""
        number, self._next = self._next, self._next + 1
        self._subscribers[number] = subscriber
        return lambda: _forget(self._subscribers, number)

    @contextlib.contextmanager
    def subscribed(self, subscriber: Subscriber) -> Iterator[None]:
        """Tell `subscriber` of every event until the block ends."""
        end = self.subscribe(subscriber)
        try:
            yield
        finally:
            end()

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look at the store until the block ends."""
        loop = asyncio.get_running_loop()
        self._store.on_control(lambda: _call_soon(loop, self.look))
        async with going_on(self._watch()):
            yield

    async def _watch(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(self._period_seconds)

    def look(self) -> None:
        """Hand on what is new; a store that cannot be read is looked at again the next time."""
        try:
            while events := self._store.read(self._new):
                self.cursor = events[-1].cursor
                self._tell(events)
        except Refusal as refusal:
            logger.warning("no look at control events: %s", refusal.reason)

    def _new(self, tx: Tx) -> list[ControlEvent]:
        return tx.control.after(self.cursor, _AT_ONCE)

    def _tell(self, events: Sequence[ControlEvent]) -> None:
        for subscriber in tuple(self._subscribers.values()):
            try:
                subscriber(events)
            except Exception as error:
                # Nobody's defect may keep the others from what they must act on.
                logger.error("a subscriber failed: %s", type(error).__name__)  # noqa: TRY400


def _forget(subscribers: dict[int, Subscriber], number: int) -> None:
    subscribers.pop(number, None)


def _call_soon(loop: asyncio.AbstractEventLoop, look: Callable[[], None]) -> None:
    # A loop that is closed needs to know nothing any more.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(look)
