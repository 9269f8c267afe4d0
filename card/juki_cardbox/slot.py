"""A slot: a card file with power, and the order in which it writes and answers.

The memory is on the disk before an answer leaves; what a card knew of its session is gone with the
power. One program holds a card at a time.
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from juki_card.errors import CardRemoved
from juki_card.virtual.card import proceed, process
from juki_card.virtual.session import Session
from juki_cardbox.cardfile import CardFile
from juki_cardbox.errors import CardFileError
from juki_cardbox.holding import lock
from juki_cardbox.power import CutPoint, Mains

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from juki_card.apdu import ResponseAPDU
    from juki_card.virtual.chance import Chance
    from juki_card.virtual.turn import Memory, Transition
    from juki_cardbox.power import PowerSupply

_HISTORICAL: Final = bytes.fromhex("80 54 4a554b49 73 9401c0")
"""ISO/IEC 7816-4, 12.1.1: issuer's data "JUKI"; selection by name, identifier and short identifier,
one-octet units, command chaining, extended length."""


class Observer(Protocol):
    """Somebody who watches the contacts of a card, such as a trace."""

    def exchanged(self, command: bytes, answer: bytes | None, took_us: int, /) -> None:
        """See one exchange, in microseconds; the answer is None where the power went first."""
        ...


class SystemChance:
    """The operating system's randomness."""

    def octets(self, count: int) -> bytes:
        """Return `count` octets that nobody can foresee."""
        return secrets.token_bytes(count)


class CardSlot:
    """A card file in a slot. `holder` is what another program is told when it wants the card."""

    def __init__(
        self,
        path: Path,
        *,
        chance: Chance | None = None,
        supply: PowerSupply | None = None,
        observers: Sequence[Observer] = (),
        holder: str | None = None,
    ) -> None:
        self._file = CardFile(path)
        self._chance: Chance = chance or SystemChance()
        self._supply: PowerSupply = supply or Mains()
        self._observers = tuple(observers)
        self._holder = holder or f"process {os.getpid()}"
        self._lock: BinaryIO | None = None
        self._stays = False
        self._powered: _Powered | None = None

    @property
    def is_powered(self) -> bool:
        """Whether the card has power."""
        return self._powered is not None

    def power_on(self) -> bytes:
        """Give power and return the ATR; a card that has power keeps its session.

        Raises CardFileError where there is no such card, CardBusy where another program holds it.
        """
        if self._powered is None:
            self._take()
            try:
                self._powered = _Powered(self._file, self._supply, self._chance)
            except BaseException:
                self.power_off()
                raise
        return answer_to_reset()

    def transmit(self, command: bytes) -> bytes:
        """Exchange one APDU; raise CardRemoved where the card has or keeps no power."""
        if self._powered is None:
            raise CardRemoved("the card has no power")
        answer: bytes | None = None
        began = time.perf_counter_ns()
        try:
            answer = self._powered.exchange(command)
        except CardRemoved:
            self.power_off()
            raise
        finally:
            took_us = (time.perf_counter_ns() - began) // 1_000
            for observer in self._observers:
                observer.exchanged(command, answer, took_us)
        return answer

    def reset(self) -> None:
        """Forget the session, keep the power."""
        if self._powered is not None:
            self._powered.session = Session()

    def power_off(self) -> None:
        """Take the power away; other programs may have the card, unless it is `inserted`."""
        self._powered = None
        if not self._stays:
            self._let_go()

    @contextmanager
    def inserted(self) -> Iterator[None]:
        """Hold the card while it is in a reader, with power or without.

        Raises CardFileError where there is no such card, CardBusy where another program holds it.
        """
        self._file.read()
        self._take()
        self._stays = True
        try:
            yield
        finally:
            self._stays = False
            self.power_off()

    def _take(self) -> None:
        if self._lock is None:
            self._lock = lock(self._file.path, self._holder)

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class _Powered:
    """A card between power-on and power-off."""

    def __init__(self, file: CardFile, supply: PowerSupply, chance: Chance) -> None:
        self.session = Session()
        self._file = file
        self._supply = supply
        self._chance = chance
        self._memory = file.read()
        self._exchanges = 0
        self._writes = 0

    def exchange(self, command: bytes) -> bytes:
        self._exchanges += 1
        self._writes = 0
        self._reached(CutPoint.BEFORE_COMMAND)
        answer = self._settled(process(self._memory, self.session, command, self._chance))
        while answer is None:
            answer = self._settled(proceed(self._memory, self.session))
        self._reached(CutPoint.BEFORE_ANSWER)
        return answer.encode()

    def _settled(self, outcome: Transition) -> ResponseAPDU | None:
        """Save what the card remembers before anything of the outcome is used."""
        if outcome.memory != self._memory:
            self._save(outcome.memory)
        self.session = outcome.session
        return outcome.answer

    def _save(self, memory: Memory) -> None:
        self._writes += 1
        self._reached(CutPoint.BEFORE_WRITE)
        try:
            self._file.save(memory)
        except CardFileError as error:
            raise CardRemoved("the card cannot write its memory") from error
        self._memory = memory
        self._reached(CutPoint.AFTER_WRITE)

    def _reached(self, point: CutPoint) -> None:
        self._supply.reached(point, self._exchanges, self._writes)


def answer_to_reset() -> bytes:
    """Return the ATR: T=1, historical octets, check octet (ISO/IEC 7816-3, 8)."""
    body = bytes((0x80 | len(_HISTORICAL), 0x80, 0x01)) + _HISTORICAL
    check = 0
    for octet in body:
        check ^= octet
    return b"\x3b" + body + bytes((check,))
