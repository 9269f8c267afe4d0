"""What comes and goes at the readers, seen through restarts of pcscd.

pyscard's own monitor thread dies without a word when pcscd does. This one asks
SCardGetStatusChange with a short time limit, lists the readers anew each time, and establishes a
new context for as long as it takes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem
from juki_terminal.reader import scard
from juki_terminal.reader.scard import PCSCError, ReaderState

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

_POLL_SECONDS: Final = 0.25
_ONE_INSERTION: Final = 1
_VANISHED: Final = frozenset((scard.E_UNKNOWN_READER, scard.E_READER_UNAVAILABLE))


class Happening(StrEnum):
    """What a monitor reports."""

    SERVICE_LOST = "service_lost"
    SERVICE_BACK = "service_back"
    READER_ATTACHED = "reader_attached"
    READER_DETACHED = "reader_detached"
    CARD_INSERTED = "card_inserted"
    CARD_REMOVED = "card_removed"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `reader` is empty for the service, `atr` is set on insertion."""

    happening: Happening
    reader: str = ""
    atr: bytes = b""


class Monitor:
    """Watches all readers of the resource manager."""

    def __init__(self, establish: Callable[[], scard.Context] = scard.SCardContext) -> None:
        self._establish = establish

    def events(self, stop: threading.Event) -> Iterator[Event]:
        """Yield what happens until `stop` is set; the first events tell what is there already."""
        lost = False
        while not stop.is_set():
            try:
                context = self._establish()
            except PCSCError:
                if not lost:
                    yield Event(Happening.SERVICE_LOST)
                lost = True
                stop.wait(_POLL_SECONDS)
                continue
            if lost:
                yield Event(Happening.SERVICE_BACK)
            lost = yield from self._watch(context, stop)

    def await_card(self, name: str, wait_seconds: float) -> str:
        """Return the full name of the wanted reader as soon as a card is in it.

        Raises Problem READER_NOT_FOUND where no such reader is there in that time, CARD_REMOVED
        where there is one without a card, READER_FAILED where pcscd is not running.
        """
        deadline = time.monotonic() + wait_seconds
        while True:
            states = self.look()
            wanted = select(states or (), name)
            if wanted is not None and wanted.has_card:
                return wanted.reader
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise _absent(name, states)
            time.sleep(min(_POLL_SECONDS, remaining))

    def look(self) -> list[ReaderState] | None:
        """Return the readers as they are now; None where the service does not answer."""
        try:
            context = self._establish()
        except PCSCError:
            return None
        try:
            return _states(context, {}, timeout_ms=0)
        except PCSCError:
            return None
        finally:
            context.release()

    def _watch(self, context: scard.Context, stop: threading.Event) -> Generator[Event, None, bool]:
        """Yield changes until `stop` or an error; return whether the service was lost."""
        known: dict[str, ReaderState] = {}
        try:
            while not stop.is_set():
                now = _watched_states(context, known)
                yield from _differences(known, now)
                known = now
                if not now:
                    stop.wait(_POLL_SECONDS)
        except PCSCError:
            yield Event(Happening.SERVICE_LOST)
            yield from _differences(known, {})
            return True
        finally:
            context.release()
        return False


def select(states: Sequence[ReaderState], name: str) -> ReaderState | None:
    """Return the reader of exactly this name, else the first whose name begins with it.

    Of several with the same beginning (the slots of one device), one with a card comes first.
    """
    for state in states:
        if state.reader == name:
            return state
    alike = [state for state in states if state.reader.startswith(name)]
    return next((s for s in alike if s.has_card), alike[0] if alike else None)


def _absent(name: str, states: Sequence[ReaderState] | None) -> Problem:
    if states is None:
        return Problem("READER_FAILED", {"reader": name, "service": "pcscd"})
    if select(states, name) is None:
        return Problem("READER_NOT_FOUND", {"reader": name})
    return Problem("CARD_REMOVED", {"reader": name})


def _states(
    context: scard.Context, known: Mapping[str, ReaderState], *, timeout_ms: int
) -> list[ReaderState]:
    names = context.readers()
    if not names:
        return []
    unaware = scard.STATE_UNAWARE
    return context.changes([known.get(n) or ReaderState(n, unaware) for n in names], timeout_ms)


def _watched_states(
    context: scard.Context, known: Mapping[str, ReaderState]
) -> dict[str, ReaderState]:
    """Wait for a change; a reader that vanishes between listing and asking is asked for no more."""
    try:
        states = _states(context, known, timeout_ms=int(_POLL_SECONDS * 1000))
    except PCSCError as error:
        if error.code not in _VANISHED:
            raise
        states = [known[name] for name in context.readers() if name in known]
    return {state.reader: state for state in states}


def _differences(
    before: Mapping[str, ReaderState], now: Mapping[str, ReaderState]
) -> Iterator[Event]:
    for reader in before.keys() - now.keys():
        if before[reader].has_card:
            yield Event(Happening.CARD_REMOVED, reader)
        yield Event(Happening.READER_DETACHED, reader)
    for reader, state in now.items():
        if reader not in before:
            yield Event(Happening.READER_ATTACHED, reader)
        yield from _card_changes(before.get(reader) or ReaderState(reader, 0), state)


def _card_changes(before: ReaderState, now: ReaderState) -> Iterator[Event]:
    """Tell insertion and removal apart; two events between two looks are a card exchanged."""
    exchanged = before.has_card and now.has_card and now.events - before.events > _ONE_INSERTION
    if before.has_card and (exchanged or not now.has_card):
        yield Event(Happening.CARD_REMOVED, now.reader)
    if now.has_card and (exchanged or not before.has_card):
        yield Event(Happening.CARD_INSERTED, now.reader, now.atr)
