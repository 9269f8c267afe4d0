"""Centers that die at a chosen write of a move: `python -m tests.support.mortal_moves`.

Each line of standard input is an `Order`; standard output tells for each whether the center was
killed. A center is a fork that opens the store of a folder, answers one call, and writes the answer
beside it. A write is a statement that changes the database, COMMIT among them: SIGKILL comes before
it runs. The one after the last write comes when all is committed and nobody has the answer yet.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.open_days import is_open
from juki_center.errors import Refusal
from juki_center.rpc import moves
from juki_center.rpc.peers import Caller, enter
from juki_center.rule_sets import RuleSet
from juki_center.storage import acts, sqlite, writer
from juki_pki.identity import PeerIdentity, Role
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.support.card_window import MUNICIPALITIES
from tests.support.center import NOW, open_test_store

_READS = ("SELECT", "PRAGMA", "BEGIN")
_END = datetime(2099, 1, 1, tzinfo=UTC)
_KEY = ec.generate_private_key(ec.SECP256R1()).public_key()


@dataclass(frozen=True)
class Order:
    """One call: its request in hexadecimals, and before which write to die, 0 for never.

    With `no_transaction` the center has a defect: each write is committed by itself.
    """

    folder: str
    method: str
    request: str
    municipality: str
    rule_set: str
    fatal: int = 0
    no_transaction: bool = False


class Countdown:
    """Counts writes, and ends the process at the fatal one."""

    def __init__(self, fatal: int) -> None:
        self._fatal = fatal
        self.writes = 0

    def statement(self, text: str) -> None:
        """Count a statement that is about to run, if it writes."""
        if not text.lstrip().upper().startswith(_READS):
            self.write()

    def write(self) -> None:
        """Count a write."""
        self.writes += 1
        if self.writes == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def run(order: Order) -> dict[str, object]:
    """Answer a call in this process; return the answer, or why it was refused."""
    if order.no_transaction:
        writer.transaction = acts.savepoint = _nothing_around  # type: ignore[attr-defined]  # a defect
    countdown = Countdown(order.fatal)
    store = counted_store(Path(order.folder), countdown)
    policy = MovePolicy(CardPolicy(RuleSet(order.rule_set), MUNICIPALITIES))
    servicer: Any = moves.Moves(moves.Parts(store, policy, lambda: NOW))
    request = getattr(pb, f"{order.method}Request").FromString(bytes.fromhex(order.request))
    enter(
        Caller(
            PeerIdentity(Role.TERMINAL, "01", order.municipality), bytes(32), _KEY, _END, _END, "1"
        )
    )
    try:
        answer = asyncio.run(getattr(servicer, order.method)(request, None))
    except Refusal as refusal:
        return {"reason": refusal.reason.value, "facts": dict(refusal.metadata)}
    countdown.write()
    told = answer.SerializeToString(deterministic=True).hex()
    return {"reason": "", "answer": told, "writes": countdown.writes}


@contextmanager
def _nothing_around(_: sqlite3.Connection) -> Iterator[None]:
    yield


def counted_store(folder: Path, countdown: Countdown) -> sqlite.SQLiteStore:
    """Open the store; what it writes from then on is counted."""
    original, opened = sqlite.connect, []

    def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
        opened.append(original(path, read_only=read_only))
        return opened[-1]

    sqlite.connect = connect  # this process is a test's
    store = open_test_store(folder)
    # The last one is the writer's; those before it have made what a new store needs.
    opened[-1].set_trace_callback(countdown.statement)
    return store


def serve() -> None:
    """Fork a center for each order; tell whether it was killed."""
    # What takes a center its first moments is done once, for all of them.
    for year in (NOW.year, NOW.year + 1):
        is_open(date(year, 1, 1))
    for line in sys.stdin:
        order = Order(**json.loads(line))
        child = os.fork()
        if not child:
            out = Path(order.folder) / "answer.json"
            out.write_text(json.dumps(run(order)), encoding="utf-8")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"killed": os.WIFSIGNALED(status)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
