"""The writer: one thread that commits the acts of a store in groups.

It takes the acts that arrive within a short window into one transaction, and answers them after
the commit is on the disk. Where one of them fails half done, the batch is run again with a
savepoint for each; where the batch as a whole fails, its acts are run again one by one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.errors import Reason, Refusal
from juki_center.storage import log_care
from juki_center.storage.acts import HalfDone
from juki_center.storage.connection import Connection, transaction
from juki_center.storage.faults import (
    BROKEN_CONSTRAINT,
    FAULTS,
    InTheWay,
    OutcomeUnknown,
    Unreachable,
    error_name,
    is_full,
)
from juki_center.storage.inbox import Inbox
from juki_center.storage.jobs import Outcomes, Work
from juki_center.storage.log_care import LogCare
from juki_center.storage.log_growth import sign_head, write_head
from juki_center.storage.log_table import read_head
from juki_center.storage.signing import HeadUnsigned, Signing
from juki_center.storage.transaction import Transaction

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 0.0025
_TIMES_IN_THE_WAY = 3


class Writer:
    """Commits acts, in the order in which they come."""

    def __init__(
        self,
        sql: Connection,
        tx: Transaction,
        signing: Signing | None,
        care: LogCare,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self._sql = sql
        self._tx = tx
        self._signing = signing
        self._care = care
        self._window_seconds = window_seconds
        self._busy: tuple[float, float | None] = (0.0, None)
        self._inbox = Inbox()
        self._rings: tuple[Callable[[], None], ...] = ()
        self._thread = threading.Thread(target=self._write, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def busy_seconds(self) -> float:
        """For how long batches were being committed since the start, one that is with them."""
        # One read of one attribute: the sum never goes back while the writer changes it.
        seconds, since = self._busy
        return seconds + (0.0 if since is None else time.monotonic() - since)

    def put(self, job: Work) -> None:
        """Queue an act."""
        self._inbox.put(job)

    def on_control(self, ring: Callable[[], None]) -> None:
        """Call `ring` after each commit with control events in it, from this thread."""
        self._rings = (*self._rings, ring)

    def close(self) -> None:
        """Finish what is queued, then close the connection."""
        self._inbox.close()
        self._thread.join()
        if self._signing is not None:
            self._signing.close()

    def _write(self) -> None:
        """Be the writer thread."""
        with closing(self._sql):
            while self._has_more():
                batch = self._inbox.take(self._window_seconds)
                self._busy = (self.busy_seconds, time.monotonic())
                self._commit(batch)
                self._busy = (self.busy_seconds, None)
                if self._tx.control.take_news():
                    self._ring()
                outcomes = Outcomes()
                for job in batch:
                    job.release(outcomes)
                outcomes.send()

    def _has_more(self) -> bool:
        """Wait for an act; meanwhile try the log again where it could not be written."""
        while not self._care.is_writable:
            if self._inbox.wait(log_care.PAUSE_SECONDS):
                return not self._inbox.is_done
            self._try_the_log()
        self._inbox.wait()
        return not self._inbox.is_done

    def _ring(self) -> None:
        for ring in self._rings:
            ring()

    def _commit(self, batch: list[Work]) -> None:
        """Commit a batch; where it fails as a whole, commit its acts one by one.

        Whatever one act meets, a defect too, its neighbours and the thread go on. While the log
        cannot be written, urgent acts alone are committed.
        """
        if not self._care.may_try():
            self._commit_urgent(batch)
            return
        try:
            self._commit_together(batch, self._signing)
        except HeadUnsigned:
            self._care.was_unsigned()
            self._commit_urgent(batch)
        except Exception as error:
            self._commit_apart(batch, error)

    def _commit_apart(self, batch: list[Work], error: Exception) -> None:
        """Commit the acts of a batch that failed one by one, or fail the one that it had."""
        if isinstance(error, OutcomeUnknown | Unreachable):
            # Run once more, they might be done twice; whoever sends a request again is told. And
            # where no server answers, none would for the next one.
            for job in batch:
                self._fail(job, error)
        elif len(batch) > 1:
            for job in batch:
                self._commit([job])
        elif batch[0].is_urgent and is_full(error):
            self._commit_urgent(batch)
        else:
            self._fail(batch[0], error)

    def _commit_urgent(self, batch: list[Work]) -> None:
        for job in batch:
            if job.is_urgent:
                self._commit_somehow(job, self._signing)
            else:
                job.fail(Refusal(Reason.LOG_UNAVAILABLE))

    def _commit_somehow(self, job: Work, signing: Signing | None) -> None:
        """Commit an urgent act: with an unsigned head where it cannot be signed, which the next
        signed head covers; and on the room of the reserve where there is no other.
        """
        try:
            self._commit_together([job], signing)
        except HeadUnsigned:
            self._care.was_unsigned()
            self._commit_somehow(job, None)
        except Exception as error:
            if is_full(error) and self._care.use_reserve():
                self._commit_somehow(job, signing)
            else:
                self._fail(job, error)

    def _fail(self, job: Work, error: Exception) -> None:
        # Its text and its traceback stay out of the log: they may quote a person's data.
        logger.warning("commit failed: %s", error_name(error))
        if is_full(error):
            self._care.was_full()
            job.fail(Refusal(Reason.LOG_UNAVAILABLE))
        else:
            is_storage = isinstance(error, FAULTS)
            job.fail(Refusal(Reason.STORE_UNAVAILABLE) if is_storage else error)

    def _commit_together(self, batch: list[Work], signing: Signing | None) -> None:
        for _ in range(_TIMES_IN_THE_WAY):
            with suppress(InTheWay):
                self._commit_once(batch, signing)
                return
        self._commit_once(batch, signing)

    def _commit_once(self, batch: list[Work], signing: Signing | None) -> None:
        try:
            self._commit_all(batch, signing, openly=True)
        except HalfDone:
            self._commit_all(batch, signing, openly=False)

    def _commit_all(self, batch: list[Work], signing: Signing | None, *, openly: bool) -> None:
        self._tx.begin()
        with transaction(self._sql):
            for job in batch:
                self._run_one(job, openly=openly)
            grown = self._tx.seal(signing)
            for job in batch:
                job.collect(self._tx, grown)
        self._care.committed(is_signed=grown is not None and grown.checkpoint is not None)

    def _try_the_log(self) -> None:
        """See whether the log can be written again: write its head, signed where there is a key."""
        if not self._care.may_try():
            return
        try:
            with transaction(self._sql):
                frontier = read_head(self._sql).frontier
                if self._signing is None:
                    write_head(self._sql, frontier, None)
                else:
                    sign_head(self._sql, frontier, self._signing)
        except HeadUnsigned:
            self._care.was_unsigned()
        except FAULTS as error:
            logger.warning("log cannot be written: %s", error_name(error))
        else:
            self._care.committed(is_signed=True)

    def _run_one(self, job: Work, *, openly: bool) -> None:
        """Run an act; what it raises undoes it alone.

        Raises a fault for the whole batch, but for a broken constraint: after any other one the
        transaction may be gone. Raises HalfDone where it cannot be undone alone.
        """
        try:
            job.run(self._sql, self._tx, openly=openly)
        except HalfDone:
            raise
        except DeniedAttempt as denied:
            job.fail(denied)
        except BROKEN_CONSTRAINT as error:
            job.fail(error)
        except FAULTS:
            raise
        except Exception as error:
            # It is the act's own, and goes to the act's caller.
            job.fail(error)
