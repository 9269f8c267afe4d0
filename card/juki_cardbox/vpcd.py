"""A card slot in a reader of vsmartcard's vpcd: two bytes of length, then the payload.

The card connects to the reader, as vpcd wants it. Measured: 44 ms an APDU unless the card asks for
a quick acknowledgement before each receive, 0.2 ms with it.
"""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from juki_card.errors import CardRemoved
from juki_cardbox.errors import CardboxError, ReaderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

logger = logging.getLogger(__name__)

DEFAULT_PORT: Final = 35_963
ABSENCE_SECONDS: Final = 0.6
"""How long a reader stays empty between two cards, or two insertions of one.

pcscd looks every 0.4 s. Where a command in the air told it that the card is gone, and the next card
is there before it looks, it believes in one card that never answers.
"""
_CONNECT_SECONDS: Final = 5.0


class Slot(Protocol):
    """A card with power and contacts; `CardSlot` is one."""

    def power_on(self) -> bytes:
        """Give power and return the ATR."""
        ...

    def transmit(self, command: bytes) -> bytes:
        """Exchange one APDU; raise CardRemoved where the card lost its power in the middle."""
        ...

    def reset(self) -> None:
        """Forget the session, keep the power."""
        ...

    def power_off(self) -> None:
        """Take the power away."""
        ...


def connect(host: str, port: int) -> socket.socket:
    """Open a connection to a vpcd reader; raise ReaderUnavailable where nothing listens."""
    try:
        return socket.create_connection((host, port), timeout=_CONNECT_SECONDS)
    except OSError as error:
        raise ReaderUnavailable(host, port, error.strerror or str(error)) from error


def serve(slot: Slot, connection: socket.socket) -> None:
    """Answer one reader until it hangs up or the card loses its power; then close the connection.

    The slot has no power afterwards. What the reader sends is obeyed in order; an unknown control
    byte ends the service, because the two sides no longer agree on the framing.
    """
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        with connection, suppress(ConnectionError, CardRemoved):
            while (message := _receive(connection)) is not None:
                answer = _obey(slot, message)
                if answer is not None:
                    connection.sendall(len(answer).to_bytes(2, "big") + answer)
    except CardboxError as error:
        logger.warning("card leaves the reader: %s", error)
    finally:
        slot.power_off()


def _obey(slot: Slot, message: bytes) -> bytes | None:
    match message:
        case b"\x00":
            slot.power_off()
        case b"\x01":
            slot.power_on()
        case b"\x02":
            slot.reset()
        case b"\x04":
            return slot.power_on()
        case _ if len(message) == 1:
            raise ConnectionError("vpcd sent an unknown control byte")
        case _:
            return slot.transmit(message)
    return None


def _receive(connection: socket.socket) -> bytes | None:
    header = _receive_exactly(connection, 2)
    return None if header is None else _receive_exactly(connection, int.from_bytes(header, "big"))


def _receive_exactly(connection: socket.socket, count: int) -> bytes | None:
    received = bytearray()
    while len(received) < count:
        # The kernel forgets this option after each acknowledgement, so it is set before each recv.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        piece = connection.recv(count - len(received))
        if not piece:
            return None
        received += piece
    return bytes(received)


class CardService:
    """A thread that holds a slot in a reader; leaving the context pulls the card.

    `dial` makes each connection, so that the reader may stand in another network namespace. With
    `redial_seconds` the card is put in again after the reader went away (a pcscd restart).
    """

    def __init__(
        self,
        slot: Slot,
        dial: Callable[[], socket.socket],
        *,
        redial_seconds: float | None = None,
    ) -> None:
        self._slot = slot
        self._dial = dial
        self._redial_seconds = redial_seconds
        self._stopped = threading.Event()
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="juki-card", daemon=True)

    def __enter__(self) -> Self:
        """Put the card in."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Pull the card."""
        self.stop()

    def start(self) -> None:
        """Connect, then serve in the background; raise ReaderUnavailable where nothing listens."""
        self._connection = self._dial()
        self._thread.start()

    def stop(self) -> None:
        """Pull the card and wait until the slot is at rest."""
        self._stopped.set()
        self._hang_up()
        if self._thread.is_alive():
            self._thread.join()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until the reader hung up for good; return whether it did."""
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _hang_up(self) -> None:
        connection = self._connection
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while self._connection is not None:
            serve(self._slot, self._connection)
            self._connection = None if self._stopped.is_set() else self._redialled()
            if self._stopped.is_set():
                self._hang_up()

    def _redialled(self) -> socket.socket | None:
        if self._redial_seconds is None:
            return None
        while not self._stopped.wait(self._redial_seconds):
            with suppress(ReaderUnavailable):
                return self._dial()
        return None
