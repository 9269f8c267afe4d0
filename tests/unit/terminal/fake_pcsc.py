"""A resource manager in memory, with readers, cards, restarts and cards that hang."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from juki_terminal.reader import scard
from juki_terminal.reader.scard import PCSCError, ReaderState

ATR = bytes.fromhex("3b8080018081")


@dataclass
class FakeCard:
    """A card whose answers are a function of the command."""

    answer: Callable[[bytes], bytes]
    log: list[str] = field(default_factory=list)

    def atr(self) -> bytes:
        return ATR

    def begin(self) -> None:
        self.log.append("begin")

    def end(self) -> None:
        self.log.append("end")

    def transmit(self, command: bytes) -> bytes:
        return self.answer(command)

    def control(self, code: int, data: bytes) -> bytes:
        return code.to_bytes(4, "big") + data

    def disconnect(self) -> None:
        self.log.append("disconnect")


@dataclass
class FakeService:
    """pcscd: call it for a context."""

    slots: dict[str, FakeCard | None] = field(default_factory=dict)
    is_running: bool = True
    generation: int = 0
    events: dict[str, int] = field(default_factory=dict)
    released: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self) -> FakeContext:
        if not self.is_running:
            raise PCSCError("SCardEstablishContext", scard.E_NO_SERVICE)
        return FakeContext(self, self.generation)

    def put(self, reader: str, card: FakeCard | None) -> None:
        with self.changed:
            self.slots[reader] = card
            self.events[reader] = self.events.get(reader, 0) + 1
            self.changed.notify_all()

    def unplug(self, reader: str) -> None:
        with self.changed:
            del self.slots[reader]
            self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self.is_running = False
            self.generation += 1
            self.changed.notify_all()

    def start(self) -> None:
        with self.changed:
            self.is_running = True
            self.changed.notify_all()

    def state(self, reader: str) -> ReaderState:
        card = self.slots[reader]
        present = scard.STATE_PRESENT if card is not None else 0
        flags = present | self.events.get(reader, 0) << 16
        return ReaderState(reader, flags, ATR if card is not None else b"")


@dataclass
class FakeContext:
    """A context that dies with the pcscd that made it."""

    service: FakeService
    generation: int

    def _alive(self) -> None:
        if not self.service.is_running or self.generation != self.service.generation:
            raise PCSCError("any call", scard.E_NO_SERVICE)

    def readers(self) -> list[str]:
        self._alive()
        return list(self.service.slots)

    def changes(self, known: Sequence[ReaderState], timeout_ms: int) -> list[ReaderState]:
        names = [state.reader for state in known]
        with self.service.changed:
            self.service.changed.wait_for(
                lambda: (
                    not self.service.is_running
                    or list(self.service.slots) != names
                    or [self.service.state(name) for name in names] != list(known)
                ),
                timeout_ms / 1000,
            )
            self._alive()
            if any(name not in self.service.slots for name in names):
                raise PCSCError("SCardGetStatusChange", scard.E_UNKNOWN_READER)
            return [self.service.state(name) for name in names]

    def connect(self, reader: str) -> FakeCard:
        self._alive()
        card = self.service.slots[reader]
        if card is None:
            raise PCSCError("SCardConnect", scard.E_NO_SMARTCARD)
        return card

    def release(self) -> None:
        self.service.released += 1
