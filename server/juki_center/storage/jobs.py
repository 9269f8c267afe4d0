"""An act on its way through the writer: what it is, how it ended, and where its caller waits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from juki_center.areas.calls import Call, Logged, Mark, current_call
from juki_center.storage.acts import run_act, run_act_openly
from juki_center.storage.connection import Connection
from juki_center.storage.faults import error_name
from juki_center.storage.log_growth import Grown, Written
from juki_center.storage.transaction import Transaction

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Work(Protocol):
    """An act in the queue, whatever its answer."""

    @property
    def is_urgent(self) -> bool: ...

    def run(self, sql: Connection, tx: Transaction, *, openly: bool) -> None: ...

    def collect(self, tx: Transaction, grown: Grown | None) -> None: ...

    def fail(self, error: Exception) -> None: ...

    def release(self, outcomes: Outcomes) -> None: ...


class Outcomes:
    """What a commit has brought to those who wait: one call for all of a loop, and not one each."""

    def __init__(self) -> None:
        self._of_loops: dict[asyncio.AbstractEventLoop, list[Callable[[], None]]] = {}

    def add(self, loop: asyncio.AbstractEventLoop, deliver: Callable[[], None]) -> None:
        """Keep what is to be called on a loop."""
        self._of_loops.setdefault(loop, []).append(deliver)

    def send(self) -> None:
        """Have everything called that was kept."""
        for loop, deliveries in self._of_loops.items():
            try:
                loop.call_soon_threadsafe(_call_all, loop, deliveries)
            except RuntimeError:
                # Their loop is closed: the acts stand, and their requests can be asked about.
                logger.debug("outcomes without a listener")


def _call_all(loop: asyncio.AbstractEventLoop, deliveries: Sequence[Callable[[], None]]) -> None:
    for deliver in deliveries:
        loop.call_soon(deliver)


@dataclass(slots=True)
class Job(Generic[Answer]):
    """An act, its outcome so far, and where its caller waits."""

    act: Callable[[Transaction], Answer]
    call: Call | None
    loop: asyncio.AbstractEventLoop
    waiter: asyncio.Future[Answer]
    is_urgent: bool = False
    _outcome: Callable[[], None] | None = None
    _written: Written = field(default_factory=Written)
    _repeated: list[Logged] = field(default_factory=list)
    _grown: Grown | None = None
    _times: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._note_time()

    def run(self, sql: Connection, tx: Transaction, *, openly: bool) -> None:
        """Run the act behind its call's guards; its own exceptions come out.

        `openly` is without a savepoint: raises HalfDone where it needed one.
        """
        self._written, self._repeated, self._grown = Written(), [], None
        self._note_time()
        run = run_act_openly if openly else run_act
        answer, self._written = run(sql, tx, self._guarded, self.call)
        self._outcome = lambda: self.waiter.set_result(answer)

    def _guarded(self, tx: Transaction) -> Answer:
        if self.call is not None:
            self.call.admit(tx)
        return self.act(tx)

    def collect(self, tx: Transaction, grown: Grown | None) -> None:
        """Keep what the call's receipt needs, while the transaction is open and its head known."""
        if self.call is not None:
            for caller_uri, request_id in self._written.found:
                self._repeated.extend(tx.audit.receipt_of(caller_uri, request_id))
            self._grown = grown if self._written.count else None

    def fail(self, error: Exception) -> None:
        """Keep the exception that the caller will be given."""
        self._outcome = lambda: self.waiter.set_exception(error)
        self._written = Written()

    def release(self, outcomes: Outcomes) -> None:
        """Give the caller the outcome; called after the commit only, from the writer's thread."""
        self._note_time()
        outcomes.add(self.loop, self._deliver)

    def _deliver(self) -> None:
        if self._outcome is None or self.waiter.done():
            return
        # Proofs are worked out here, while the writer is at the next commit.
        if self.call is not None:
            self._mark(self.call)
            self.call.logged.extend(self._repeated)
            if self._grown is not None:
                self.call.logged.extend(self._grown.logged(self._written))
        self._outcome()

    def _note_time(self) -> None:
        """Note when the act was queued, begun (again, where its batch failed), and committed."""
        if self.call is not None and self.call.marks is not None:
            self._times.append(time.time_ns())

    def _mark(self, call: Call) -> None:
        if call.marks is not None:
            queued, *begun, committed = self._times
            call.marks.append(Mark("waiting for the writer", queued, begun[-1]))
            call.marks.append(Mark("act and commit", begun[-1], committed))


def new_job(act: Callable[[Transaction], Answer], *, urgent: bool) -> Job[Answer]:
    """Return an act that the running loop waits for, with the call that it belongs to."""
    loop = asyncio.get_running_loop()
    call = current_call()
    is_urgent = urgent or (call is not None and call.is_urgent)
    return Job(act, call, loop, loop.create_future(), is_urgent)


class Forgetting:
    """The writer's own work: its connection forgets the keys that are closed. Nobody waits."""

    is_urgent = True

    def run(self, _sql: Connection, tx: Transaction, *, openly: bool) -> None:  # noqa: ARG002  # nothing to undo
        """Forget."""
        tx.keys.forget_closed()

    def collect(self, _tx: Transaction, _grown: Grown | None) -> None:
        """Have no receipt."""

    def fail(self, error: Exception) -> None:
        """Say so; the next act that asks for such a key forgets it all the same."""
        logger.warning("keys not forgotten: %s", error_name(error))

    def release(self, _outcomes: Outcomes) -> None:
        """Tell nobody."""
