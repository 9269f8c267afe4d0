"""A real reader over PC/SC: one exclusive transaction for a session, and a watchdog for each call.

Each session has a context of its own, so that a restart of pcscd between two sessions is not even
noticed; a restart within a session ends it. How lengths are dealt with is in `lengths`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from juki_client.outcome import Problem
from juki_terminal.reader import scard
from juki_terminal.reader.lengths import (
    ExtendedLengthUnsupported,
    Lengths,
    card_knows_extended_length,
)
from juki_terminal.reader.monitor import Monitor
from juki_terminal.reader.scard import PCSCError
from juki_terminal.reader.watchdog import Hung, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_SHORTEST_EXTENDED: Final = 7

_REASONS: Final = {
    scard.W_REMOVED_CARD: "CARD_REMOVED",
    scard.W_UNPOWERED_CARD: "CARD_REMOVED",
    scard.W_RESET_CARD: "CARD_REMOVED",
    scard.E_NO_SMARTCARD: "CARD_REMOVED",
    # What pcscd says when a card dies in the middle of an exchange.
    scard.E_NOT_TRANSACTED: "CARD_REMOVED",
    scard.W_UNRESPONSIVE_CARD: "CARD_TIMEOUT",
    scard.E_UNKNOWN_READER: "READER_NOT_FOUND",
    scard.E_NO_READERS: "READER_NOT_FOUND",
}
"""Reasons by return code; every other code is READER_FAILED."""

_REFUSED_BEFORE_SENDING: Final = frozenset(
    f"{code:08X}"
    for code in (scard.E_INVALID_PARAMETER, scard.E_INVALID_VALUE, scard.E_INSUFFICIENT_BUFFER)
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the calls of PC/SC may take, in seconds."""

    connect: float = 10.0
    exchange: float = 15.0


class _Session:
    """One card, from connecting to giving it back; every method runs in a worker's thread."""

    def __init__(self, establish: Callable[[], scard.Context]) -> None:
        self._establish = establish
        self._context: scard.Context | None = None
        self._card: scard.Card | None = None

    def open(self, reader: str) -> bytes:
        """Connect, begin the transaction and return the answer to reset."""
        self._context = self._establish()
        self._card = self._context.connect(reader)
        self._card.begin()
        return self._card.atr()

    def card(self) -> scard.Card:
        """Return the connected card."""
        if self._card is None:
            raise PCSCError("no card is connected", scard.W_REMOVED_CARD)
        return self._card

    def give_back(self) -> None:
        """Reset the card and release everything; an error means that it is gone already."""
        card, self._card = self._card, None
        context, self._context = self._context, None
        if card is not None:
            with suppress(PCSCError):
                card.end()
            with suppress(PCSCError):
                card.disconnect()
        if context is not None:
            context.release()


class PCSCReader:
    """The reader whose name is `name`, or begins with it where only one does or has a card."""

    def __init__(
        self,
        name: str,
        *,
        establish: Callable[[], scard.Context] = scard.SCardContext,
        limits: Limits | None = None,
    ) -> None:
        self._wanted = name
        self._establish = establish
        self._limits = limits or Limits()
        self._session = _Session(establish)
        self._worker: Worker | None = None
        self._lengths = Lengths()

    @property
    def name(self) -> str:
        """The address by which it was opened."""
        return f"pcsc:{self._wanted}"

    def connect(self, wait_seconds: float) -> bytes:
        """Wait for a card, connect to it and begin the transaction; return the ATR."""
        reader = Monitor(self._establish).await_card(self._wanted, wait_seconds)
        session = _Session(self._establish)
        self._session, self._worker = session, Worker(session.give_back)
        atr = self._watched(lambda: session.open(reader), self._limits.connect)
        self._lengths = Lengths(extended=card_knows_extended_length(atr))
        return atr

    def transmit(self, command: bytes) -> bytes:
        """Send one command APDU and return the response APDU."""
        return self._lengths.transmit(command, self._exchange)

    def control(self, code: int, data: bytes) -> bytes:
        """Send a control command to the reader itself, such as those of PC/SC part 10."""
        card = self._session.card
        return self._watched(lambda: card().control(code, data), self._limits.exchange)

    def close(self) -> None:
        """Reset the card and let it go; a worker that hangs does so when its call comes back."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        with suppress(Hung):
            worker.call(self._session.give_back, self._limits.connect)
        worker.stop()

    def _exchange(self, command: bytes) -> bytes:
        card = self._session.card
        try:
            answer = self._watched(lambda: card().transmit(command), self._limits.exchange)
        except Problem as problem:
            if _is_extended(command) and problem.metadata.get("code") in _REFUSED_BEFORE_SENDING:
                raise ExtendedLengthUnsupported from problem
            raise
        if len(answer) < 2:
            # "Success" without a status word: the card died in the middle of the exchange.
            raise Problem("CARD_REMOVED", {"reader": self._wanted})
        return answer

    def _watched(self, work: Callable[[], T], seconds: float) -> T:
        if self._worker is None:
            raise Problem("CARD_REMOVED", {"reader": self._wanted})
        try:
            return self._worker.call(work, seconds)
        except Hung as error:
            raise Problem("CARD_TIMEOUT", {"reader": self._wanted}) from error
        except PCSCError as error:
            reason = _REASONS.get(error.code, "READER_FAILED")
            facts = {"reader": self._wanted, "code": f"{error.code:08X}"}
            raise Problem(reason, facts) from error


def _is_extended(command: bytes) -> bool:
    return len(command) >= _SHORTEST_EXTENDED and command[4] == 0
