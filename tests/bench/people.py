"""A center with the terminals, cards and residents of a load test, and their card sessions."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from juki_cardbox.cardfile import CardFile
from juki_center.config import CenterConfig
from juki_client.identity import ClientIdentity
from juki_load.callers import Caller
from juki_load.calls.copy import Copies, Window
from juki_load.calls.held_card import HeldCard
from juki_load.calls.verification import Verification
from juki_load.prepare.entering import enter
from juki_load.prepare.making import Wanted, prepare
from juki_load.prepared import Prepared
from juki_load.wire.dial import Address
from tests.support.center_process import CenterProcess

if TYPE_CHECKING:
    from juki_load.wire.connection import Connection
    from juki_load.wire.streams import Listener, Stream

Sizes = list[tuple[int, int]]
_AGENCIES = 4


@dataclass(frozen=True, slots=True)
class Peopled:
    """A running center, and the folder of its callers."""

    center: CenterProcess
    folder: Prepared

    @property
    def address(self) -> Address:
        return Address.parse(self.center.address)

    def terminals(self, address: Address) -> list[Caller]:
        """Return a caller for each terminal, to this center or to another server."""
        return callers_of(self.folder, address)


@contextmanager
def peopled_center(folder: Path, *, terminals: int, cards: int) -> Iterator[Peopled]:
    """Run a center with so many terminals, and residents with a card each."""
    with CenterProcess(folder / "center", with_clerks=False) as center:
        wanted = Wanted(
            folder / "people", center.folder / "pki", terminals, cards, cards, _AGENCIES
        )
        people = prepare(wanted, _silent)
        config = CenterConfig.load(center.folder / "center.toml")
        asyncio.run(enter(people, config, _silent))
        yield Peopled(center, people)


def _silent(_what: str, _done: int, _count: int) -> None:
    """Say nothing of how far it is."""


def callers_of(people: Prepared, address: Address) -> list[Caller]:
    """Return a caller for each terminal of a folder, which connects at its first call."""
    return [
        Caller(address, people.terminal(label), people.center_leaves)
        for label in people.manifest.terminals
    ]


class CardSessions:
    """Card sessions at windows, each with one card in its reader."""

    def __init__(self, people: Prepared, callers: list[Caller]) -> None:
        self._free = deque(
            Copies([_window(people, caller, label)], [card], _UNVERIFIED, issues=False)
            for caller, label, card in zip(
                callers, people.manifest.terminals, _cards(people), strict=False
            )
        )

    async def one(self) -> None:
        """Run one session at a window that is free. Raises Over, and IndexError where none is."""
        window = self._free.popleft()
        try:
            await window.authenticate()
        finally:
            self._free.append(window)


_UNVERIFIED = Verification(None, 0.0, 0)


def _window(people: Prepared, caller: Caller, label: str) -> Window:
    files = people.terminal(label)
    return Window(caller, ClientIdentity.load(files.chain, files.key))


def _cards(people: Prepared) -> Iterator[HeldCard]:
    for one in people.cards():
        yield HeldCard(CardFile(people.path / "cards" / one.file).load())


class Overheard(Caller):
    """A caller whose streams are measured: octets said and octets told, turn by turn."""

    sizes: Sizes

    async def open(self, path: str, listener: Listener) -> tuple[Connection, Stream] | None:
        """Begin a stream whose messages are counted."""
        self.sizes = []
        opened = await super().open(path, _Heard(listener, self.sizes))
        if opened is None:
            return None
        connection, stream = opened
        return cast("Connection", _Said(connection, self.sizes)), stream


class _Heard:
    """Hands messages on, and notes their octets as the answer to what was said last."""

    def __init__(self, listener: Listener, sizes: Sizes) -> None:
        self._listener, self._sizes = listener, sizes
        self.ended = listener.ended

    def message(self, octets: bytes) -> None:
        said, _ = self._sizes[-1]
        self._sizes[-1] = (said, len(octets))
        self._listener.message(octets)


class _Said:
    """Notes the octets of what is said on a connection."""

    def __init__(self, connection: Connection, sizes: Sizes) -> None:
        self._send: Callable[[Stream, bytes], None] = connection.send
        self._sizes = sizes
        self.finish, self.cancel = connection.finish, connection.cancel

    def send(self, stream: Stream, message: bytes) -> None:
        self._sizes.append((len(message), 0))
        self._send(stream, message)
