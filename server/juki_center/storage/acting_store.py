"""What both stores do alike: queue acts to their one writer, and say how it is doing.

How questions are answered, and what lies beneath, is each store's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from juki_center.errors import Reason, Refusal
from juki_center.storage.connection import Connection, transaction, unavailable_if_broken
from juki_center.storage.jobs import new_job
from juki_center.storage.log_care import LogCare
from juki_center.storage.transaction import Transaction
from juki_center.storage.writer import Writer

Answer = TypeVar("Answer")


class ActingStore:
    """A store's side of acts."""

    def __init__(self, writer: Writer, care: LogCare) -> None:
        self._writer = writer
        self._care = care
        self._closed = False

    @property
    def is_log_writable(self) -> bool:
        """Whether the log can be written, as far as is known; acts are refused while it cannot."""
        return self._care.is_writable

    @property
    def busy_seconds(self) -> float:
        """For how long this process has been committing acts since the start, with all waits."""
        return self._writer.busy_seconds

    async def act(self, act: Callable[[Transaction], Answer], *, urgent: bool = False) -> Answer:
        """Run a changing act in the committing transaction; return after the commit is durable.

        The guards of the current call are run before it. A caller that is cancelled does not take
        the act back. While the log cannot be written, acts are refused with LOG_UNAVAILABLE; those
        that are urgent, or that an urgent method asks for, are done as long as it is possible.
        """
        if self._closed:
            raise Refusal(Reason.SHUTTING_DOWN)
        job = new_job(act, urgent=urgent)
        self._writer.put(job)
        return await job.waiter


@contextmanager
def committing_many(sql: Connection, tx: Transaction) -> Iterator[Transaction]:
    """Commit what is done inside, durably, or nothing where it raises.

    The head of the log stays unsigned: the next one that a center signs covers it.
    Raises Refusal(STORE_UNAVAILABLE).
    """
    with unavailable_if_broken(), transaction(sql):
        tx.begin()
        yield tx
        tx.log.end_act()
        tx.seal(None)
