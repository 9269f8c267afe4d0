"""Terminals that die at a chosen event of their trace: `python -m tests.support.mortal_commands`.

An event is what a trace sees: a command before it goes to the card, its answer, a message before it
is sent, one that was received. At the chosen one the process kills itself with SIGKILL: no handler,
buffer or lock is let go in order. The program is loaded once; each run is a fork of it, before gRPC
has been used for anything, and with standard streams of its own.

Standard input brings one JSON object a line, standard output gives one for each.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import pkgutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from juki_terminal.trace import Trace
from tests.e2e.shell import run_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Order:
    """One run: the command's arguments, the number of the fatal event, 0 for none.

    `watched` are files; of each event it is told whether any of them has changed before it.
    """

    arguments: list[str]
    stdin: str
    fatal: int
    watched: list[str]
    out: str
    environment: dict[str, str]


class Countdown:
    """Counts events, writes them down, and ends the process at the fatal one."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._seen = 0
        self._digest = self._look()
        self._events = Path(order.out + ".events").open("w", encoding="utf-8")  # noqa: SIM115  # until death

    def event(self, name: str, *, is_message: bool) -> None:
        self._seen += 1
        digest = self._look()
        told = {"name": name, "message": is_message, "changed": digest != self._digest}
        self._digest = digest
        self._events.write(json.dumps(told) + "\n")
        self._events.flush()
        if self._seen == self._order.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def _look(self) -> bytes:
        digest = hashlib.sha256()
        for name in self._order.watched:
            digest.update(Path(name).read_bytes() if Path(name).exists() else b"")
        return digest.digest()


def attach(countdown: Countdown) -> None:
    """Have every trace of this process tell the countdown first."""
    apdu, message = Trace.apdu, Trace.message

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
