"""Terminals that die, or kill their center, at a chosen event.

`python -m tests.support.mortal_commands` runs one for each line of its standard input.

An event is what a trace sees: a command before it goes to the card, its answer, a message before it
is sent, one that was received; and what goes to a disk: the memory of a card file, a line of a
journal, before and after. At the chosen one SIGKILL ends this process, or the center: no handler,
buffer or lock is let go in order. The program is loaded once; each run is a fork of it, before gRPC
has been used for anything, and with standard streams of its own.

Standard input brings one JSON object a line, standard output gives one for each.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from juki_cardbox.cardfile import CardFile
from juki_client.line_file import LineFile
from juki_terminal.trace import Trace
from tests.e2e.shell import run_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Order:
    """One run: the command's arguments, the number of the fatal event, 0 for none.

    `victim` is the process that dies, 0 for this one.
    """

    arguments: list[str]
    stdin: str
    fatal: int
    out: str
    environment: dict[str, str]
    victim: int = 0


class Countdown:
    """Counts events, writes them down, and ends the process at the fatal one."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._seen = 0
        self._events = Path(order.out + ".events").open("w", encoding="utf-8")  # noqa: SIM115  # until death

    def event(self, name: str, *, is_message: bool) -> None:
        self._seen += 1
        told = {"number": self._seen, "name": name, "is_message": is_message}
        self._events.write(json.dumps(told) + "\n")
        self._events.flush()
        if self._seen == self._order.fatal:
            self._kill(self._order.victim or os.getpid())

    def _kill(self, victim: int) -> None:
        os.kill(victim, signal.SIGKILL)
        # Whoever started the victim may have taken note of its end already.
        with suppress(FileNotFoundError, ProcessLookupError):
            while _state_of(victim) != "Z":
                os.sched_yield()


def _state_of(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2][1]


def attach(countdown: Countdown) -> None:
    """Have every trace, card file and journal of this process tell the countdown first."""
    apdu, message = Trace.apdu, Trace.message
    around(CardFile, "save", countdown, "memory")
    around(LineFile, "append", countdown, "journal")

    def counted_apdu(trace: Trace, direction: str, octets: bytes) -> None:
        countdown.event(
            f"{direction}{octets[1:4].hex() if direction == '>' else ''}", is_message=False
        )
        apdu(trace, direction, octets)

    def counted_message(trace: Trace, direction: str, content: Any) -> None:
        countdown.event(f"{direction}{content.DESCRIPTOR.name}", is_message=True)
        message(trace, direction, content)

    Trace.apdu = counted_apdu  # type: ignore[method-assign]  # this process is a test's
    Trace.message = counted_message  # type: ignore[method-assign]  # so too


def around(kind: type, method: str, countdown: Countdown, name: str) -> None:
    """Tell the countdown before and after each call of a method."""
    original = getattr(kind, method)

    def counted(*arguments: Any) -> Any:
        countdown.event(f"{name} unwritten", is_message=False)
        answer = original(*arguments)
        countdown.event(f"{name} written", is_message=False)
        return answer

    setattr(kind, method, counted)


def run(order: Order, main: Callable[[], None]) -> None:
    """Run a terminal's command in this process, and write how it ended."""
    attach(Countdown(order))
    ended = run_here(main, order.arguments, stdin=order.stdin, environment=order.environment)
    told = {"code": ended.exit_code, "out": ended.out, "said": ended.said}
    Path(order.out).write_text(json.dumps(told), encoding="utf-8")


def load_commands(folder: Iterable[str]) -> None:
    """Load the module of every command, and with them gRPC, whose environment they settle."""
    for module in pkgutil.iter_modules(folder, "juki_terminal.cli."):
        importlib.import_module(module.name)


def serve() -> None:
    """Fork a terminal for each order; tell whether it was killed."""
    from juki_terminal import cli

    load_commands(cli.__path__)

    for line in sys.stdin:
        order = Order(**json.loads(line))
        child = os.fork()
        if not child:
            run(order, cli.main)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"killed": os.WIFSIGNALED(status)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
