"""Windows that die at a chosen event: `python -m tests.e2e.mortal_window`.

An event is what a trace sees: a command before it goes to the card, its answer, a message before it
is sent, one that was received. At the chosen one the process kills itself with SIGKILL: no handler,
buffer or lock is let go in order. The program is loaded once; each run is a fork of it, made before
gRPC has been used for anything.

Standard input brings one JSON object a line, an `Order`; standard output gives one for each.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message

from juki_client.outcome import Problem
from juki_terminal.new_pin import FileNewPin
from juki_terminal.pin import FilePin
from juki_terminal.pin_setting import change_pin
from juki_terminal.reader import open_reader
from juki_terminal.trace import Trace, TracedReader
from tests.e2e.counter import Counter

DEFECT = "DEFECT"


@dataclass(frozen=True)
class Order:
    """One run: an act of ACTS with its arguments, and the number of the fatal event, 0 for none.

    `watched` are files: of each event it is told whether any of them has changed since the last.
    """

    act: str
    arguments: dict[str, str]
    folder: str
    address: str
    reader: str
    fatal: int
    watched: list[str]
    out: str
    environment: dict[str, str]


class Countdown(Trace):
    """A trace that counts, writes down what it sees, and ends the process at the fatal event."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._seen = 0
        self._digest = self._look()
        self._events = Path(order.out + ".events")
        self._events.write_text("", encoding="utf-8")

    def apdu(self, direction: str, octets: bytes) -> None:
        """Count a command or an answer."""
        self._count(direction + (octets[1:4].hex() if direction == ">" else ""))

    def message(self, direction: str, message: Message) -> None:
        """Count a message."""
        self._count(direction + message.DESCRIPTOR.name)

    def event(self, text: str) -> None:
        """Look away."""

    def _count(self, name: str) -> None:
        self._seen += 1
        digest = self._look()
        told = {"name": name, "changed": digest != self._digest}
        self._digest = digest
        with self._events.open("a", encoding="utf-8") as events:
            events.write(json.dumps(told) + "\n")
        if self._seen == self._order.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def _look(self) -> bytes:
        digest = hashlib.sha256()
        for name in self._order.watched:
            digest.update(Path(name).read_bytes() if Path(name).exists() else b"-")
        return digest.digest()


def _make(counter: Counter, *, application: str) -> dict[str, str]:
    made = counter.make(application)
    return {"number": made.card_number, "can": made.card_access_number}


def _hand_over(counter: Counter, *, application: str, pin: str) -> dict[str, str]:
    return {"number": counter.hand_over(application, pin).card.number}


def _unlock(counter: Counter, *, number: str, can: str, pin: str, mode: str) -> dict[str, str]:
    card = counter.unlock(number, can, pin, forgotten=mode == "forgotten").card
    return {"number": card.number}


def _change_pin(counter: Counter, *, old: str, new: str) -> dict[str, str]:
    reader = open_reader(counter.reader)
    traced = TracedReader(reader, counter.trace) if counter.trace is not None else reader
    change_pin(traced, FilePin([old]), FileNewPin([new, new]))
    return {}


ACTS = {"make": _make, "hand_over": _hand_over, "unlock": _unlock, "change_pin": _change_pin}


def run(order: Order) -> dict[str, object]:
    """Run an act in this process; return what it gave, or why it was refused."""
    os.environ.update(order.environment)
    counter = Counter(Path(order.folder), order.address, order.reader, Countdown(order))
    try:
        return {"result": ACTS[order.act](counter, **order.arguments), "reason": ""}  # type: ignore[operator]  # by name
    except Problem as problem:
        return {"result": dict(problem.metadata), "reason": problem.reason}
    except Exception as error:  # whatever went wrong is what the test shows
        return {"result": {"error": repr(error)}, "reason": DEFECT}


def serve() -> None:
    """Fork a window for each order; tell whether it was killed."""
    for line in sys.stdin:
        order = Order(**json.loads(line))
        child = os.fork()
        if not child:
            Path(order.out).write_text(json.dumps(run(order)), encoding="utf-8")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"killed": os.WIFSIGNALED(status)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
