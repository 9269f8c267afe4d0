"""A terminal that is killed at one exchange of setting a PIN, before it or after it.

python -m tests.e2e.mortal_terminal ACT CARD NUMBER before|after
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from juki_card.passwords import Can, Pin, TransportPin
from juki_terminal.new_pin import FileNewPin
from juki_terminal.pin import FilePin
from juki_terminal.pin_setting import change_pin, set_first_pin, set_pin_after_unlock
from juki_terminal.reader import Reader
from juki_terminal.reader.virtual import VirtualReader

OLD, NEW, TRANSPORT, CAN = "4649", "2580", "60718", "310452"
ACTS: dict[str, Callable[[Reader], None]] = {
    "change": lambda reader: change_pin(reader, FilePin([OLD]), FileNewPin([NEW, NEW])),
    "first": lambda reader: set_first_pin(reader, TransportPin(TRANSPORT), Pin(NEW)),
    "unlocked": lambda reader: set_pin_after_unlock(reader, Can(CAN), Pin(NEW)),
}


class Deadly:
    """A reader at which this process dies as by `kill -9`."""

    def __init__(self, reader: Reader, number: int, moment: str) -> None:
        self._reader = reader
        self._left = number
        self._moment = moment

    @property
    def name(self) -> str:
        """The reader's name."""
        return self._reader.name

    def connect(self, wait_seconds: float) -> bytes:
        """Connect."""
        return self._reader.connect(wait_seconds)

    def transmit(self, command: bytes) -> bytes:
        """Exchange one APDU, and die at the chosen one."""
        self._left -= 1
        self._die("before")
        answer = self._reader.transmit(command)
        self._die("after")
        return answer

    def close(self) -> None:
        """Let the card go."""
        self._reader.close()

    def _die(self, moment: str) -> None:
        if self._left == 0 and moment == self._moment:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _, act, card, number, moment = sys.argv
    ACTS[act](Deadly(VirtualReader(Path(card)), int(number), moment))
