"""The vpcd wire, with a reader of our own on a port of its choosing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from juki_card.errors import CardRemoved
from juki_cardbox import vpcd
from juki_cardbox.errors import ReaderUnavailable

ATR = b"\x3b\x00"
LIMIT_SECONDS = 5


@dataclass
class EchoCard:
    """A card that answers with what it gets, and notes what is done to it."""

    deeds: list[str] = field(default_factory=list)
    dies_at: bytes | None = None

    def power_on(self) -> bytes:
        """Return the ATR."""
        self.deeds.append("on")
        return ATR

    def transmit(self, command: bytes) -> bytes:
        """Echo."""
        if command == self.dies_at:
            raise CardRemoved
        return command + b"\x90\x00"

    def reset(self) -> None:
        """Note it."""
        self.deeds.append("reset")

    def power_off(self) -> None:
        """Note it."""
        self.deeds.append("off")


class Reader:
    """The reader's end."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(LIMIT_SECONDS)
        self.port: int = self._listener.getsockname()[1]

    def dial(self) -> socket.socket:
        """Connect as the card does."""
        return vpcd.connect("127.0.0.1", self.port)

    def accept(self) -> socket.socket:
        """Wait for a card."""
        connection, _ = self._listener.accept()
        connection.settimeout(LIMIT_SECONDS)
        return connection

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


@pytest.fixture
def reader() -> Iterator[Reader]:
    """A reader that listens."""
    reader = Reader()
    yield reader
    reader.close()


def say(connection: socket.socket, payload: bytes) -> None:
    """Send one message."""
    connection.sendall(len(payload).to_bytes(2, "big") + payload)


def hear(connection: socket.socket) -> bytes:
    """Receive one message."""
    header = receive(connection, 2)
    return receive(connection, int.from_bytes(header, "big"))


def receive(connection: socket.socket, count: int) -> bytes:
    """Receive so many octets."""
    found = b""
    while len(found) < count:
        piece = connection.recv(count - len(found))
        if not piece:
            raise EOFError
        found += piece
    return found


def test_reader_gets_atr_and_answers_and_controls_the_power(reader: Reader) -> None:
    card = EchoCard()

    with vpcd.CardService(card, reader.dial):
        connection = reader.accept()
        say(connection, b"\x04")
        atr = hear(connection)
        for control in (b"\x01", b"\x02", b"\x00"):
            say(connection, control)
        say(connection, b"\x00\xb0\x9c\x00\x00")
        answer = hear(connection)

    assert (atr, answer) == (ATR, b"\x00\xb0\x9c\x00\x00\x90\x00")
    assert card.deeds == ["on", "on", "reset", "off", "off"]


def test_message_in_pieces_is_one_command(reader: Reader) -> None:
    with vpcd.CardService(EchoCard(), reader.dial):
        connection = reader.accept()
        for octet in b"\x00\x05\x00\xb0\x9c\x00\x00":
            connection.sendall(bytes((octet,)))

        assert hear(connection) == b"\x00\xb0\x9c\x00\x00\x90\x00"


def test_longest_command_passes(reader: Reader) -> None:
    command = b"\x00" * 65_000

    with vpcd.CardService(EchoCard(), reader.dial):
        connection = reader.accept()
        say(connection, command)

        assert hear(connection) == command + b"\x90\x00"


def test_unknown_control_octet_ends_the_service(reader: Reader) -> None:
    card = EchoCard()
    service = vpcd.CardService(card, reader.dial)
    service.start()

    say(reader.accept(), b"\x09")

    assert service.wait(LIMIT_SECONDS)
    assert card.deeds == ["off"]


def test_card_that_loses_its_power_leaves_the_reader(reader: Reader) -> None:
    service = vpcd.CardService(EchoCard(dies_at=b"\x00\xb0"), reader.dial)
    service.start()
    connection = reader.accept()

    say(connection, b"\x00\xb0")

    assert connection.recv(1) == b""
    assert service.wait(LIMIT_SECONDS)


def test_reader_that_hangs_up_ends_the_service(reader: Reader) -> None:
    service = vpcd.CardService(EchoCard(), reader.dial)
    service.start()

    reader.accept().close()

    assert service.wait(LIMIT_SECONDS)


def test_card_that_stays_comes_back_when_the_reader_does(reader: Reader) -> None:
    with vpcd.CardService(EchoCard(), reader.dial, redial_seconds=0.001):
        reader.accept().close()

        connection = reader.accept()
        say(connection, b"\x04")

        assert hear(connection) == ATR


def test_card_that_stays_can_be_pulled_while_the_reader_is_away(reader: Reader) -> None:
    service = vpcd.CardService(EchoCard(), reader.dial, redial_seconds=0.001)
    service.start()
    connection = reader.accept()
    reader.close()
    connection.close()

    service.stop()

    assert service.wait(0)


def test_pulled_card_leaves_the_reader(reader: Reader) -> None:
    service = vpcd.CardService(EchoCard(), reader.dial)
    service.start()
    connection = reader.accept()

    service.stop()

    assert connection.recv(1) == b""


def test_reader_that_is_not_there_is_named(reader: Reader) -> None:
    port = reader.port
    reader.close()

    with pytest.raises(ReaderUnavailable) as refusal:
        vpcd.CardService(EchoCard(), partial(vpcd.connect, "127.0.0.1", port)).start()

    assert refusal.value.port == port
