"""The terminal's reader driver in a process of its own, steered by lines on standard input.

libpcsclite reads the address of pcscd once in a process, so every test has its own.
python -m tests.e2e.terminal_reader monitor|exchange READER
"""

from __future__ import annotations

import json
import sys
import threading

from juki_client.outcome import Problem
from juki_terminal.reader import connected
from juki_terminal.reader.monitor import Monitor
from juki_terminal.reader.pcsc import Limits, PCSCReader

READ_CARD_ACCESS = bytes.fromhex("00b09c0000")


def tell(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def monitor() -> None:
    """Tell what happens, until standard input ends."""
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    for event in Monitor().events(stop):
        tell(happening=event.happening, reader=event.reader)


def exchange(name: str) -> None:
    """For each line: connect, read EF.CardAccess once, tell how it ended."""
    reader = PCSCReader(name, limits=Limits(connect=5, exchange=1))
    for _ in sys.stdin:
        try:
            with connected(reader, 10):
                answer = reader.transmit(READ_CARD_ACCESS)
        except Problem as problem:
            tell(reason=problem.reason, part=problem.part)
        else:
            tell(reason="", sw=answer[-2:].hex())


if __name__ == "__main__":
    if sys.argv[1] == "monitor":
        monitor()
    else:
        exchange(sys.argv[2])
