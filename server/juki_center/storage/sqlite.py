"""The embedded store: SQLite in one process, one writer thread with group commit.

Changing acts are queued to the writer. It takes those that arrive within a short window into one
transaction, each under a savepoint of its own, and answers them after the commit is on the disk.
Where the batch as a whole fails, its acts are run again one by one. Reading acts run on the event
loop's own connection and see what is committed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.audit.heads import LogSigner
from juki_center.areas.calls import Call, current_call
from juki_center.errors import Reason, Refusal, StoreUnusable
from juki_center.storage.connection import (
    connect,
    error_name,
    savepoint,
    transaction,
    unavailable_if_broken,
)
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.migrate import migrate
from juki_center.storage.transaction import Transaction

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

WINDOW_SECONDS = 0.0025
_MOST_IN_A_BATCH = 256


class _Work(Protocol):
    """An act in the queue, whatever its answer."""

    def run(self, tx: Transaction) -> None: ...

    def fail(self, error: Exception) -> None: ...

    def release(self) -> None: ...


@dataclass(slots=True)
class _Job(Generic[Answer]):
    """An act, its outcome so far, and where its caller waits."""

    act: Callable[[Transaction], Answer]
    loop: asyncio.AbstractEventLoop
    waiter: asyncio.Future[Answer]
    _outcome: Callable[[], None] | None = None

    def run(self, tx: Transaction) -> None:
        """Run the act; its own exceptions come out."""
        answer = self.act(tx)
        self._outcome = lambda: self.waiter.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Keep the exception that the caller will be given."""
        self._outcome = lambda: self.waiter.set_exception(error)

    def release(self) -> None:
        """Give the caller the outcome; called after the commit only, from the writer's thread."""
        try:
            self.loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:
            # The caller's loop is closed: the act stands, and its request can be asked about.
            logger.debug("outcome without a listener")

    def _deliver(self) -> None:
        if self._outcome is not None and not self.waiter.done():
            self._outcome()


class _Forgetting:
    """The writer's own work: its connection forgets the keys that are closed. Nobody waits."""

    def run(self, tx: Transaction) -> None:
        """Forget."""
        tx.keys.forget_closed()

    def fail(self, error: Exception) -> None:
        """Say so; the next act that asks for such a key forgets it all the same."""
        logger.warning("keys not forgotten: %s", error_name(error))

    def release(self) -> None:
        """Tell nobody."""


class SQLiteStore:
    """A store in one file, for one process that serves and any number of operator's commands."""

    def __init__(
        self,
        path: Path,
        kek: KeyEncryptionKey,
        *,
        signer: LogSigner | None = None,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        """Open or make the store. Without a signer the heads of its log stay unsigned.

        Raises KeyUnusable where the key-encryption key is not the store's, and StoreUnusable
        where the file cannot be used.
        """
        self.path = path
        self._kek = kek
        self._signer = signer
        self._window_seconds = window_seconds
        # Not a SimpleQueue: its get() with a timeout waits for ever where the time runs out between
        # two of its looks (CPython 3.11).
        self._queue: queue.Queue[_Work | None] = queue.Queue()
        self._rings: tuple[Callable[[], None], ...] = ()
        self._closed = False
        with _unusable_if_broken(path):
            _make_file(path)
            migrate(path)
            self._make_keys()
            self._reader = connect(path, read_only=True)
            self._reading = Transaction(self._reader, kek)
            self._writing = connect(path)
        self._thread = threading.Thread(target=self._write, name="store-writer", daemon=True)
        self._thread.start()

    async def act(self, act: Callable[[Transaction], Answer]) -> Answer:
        """Run a changing act in the committing transaction; return after the commit is durable.

        The guards of the current call are run before it. A caller that is cancelled does not take
        the act back.
        """
        if self._closed:
            raise Refusal(Reason.SHUTTING_DOWN)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Answer] = loop.create_future()
        call = current_call()
        self._queue.put(_Job(act if call is None else _guarded(call, act), loop, waiter))
        return await waiter

    def read(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act on the committed state, on the calling thread."""
        with unavailable_if_broken():
            self._reader.execute("BEGIN")
            self._reading.keys.begin()
            try:
                return question(self._reading)
            finally:
                self._reader.execute("ROLLBACK")

    def forget_closed_keys(self) -> None:
        """Let the keys of municipalities that are disconnected leave the memory of this process.

        Those of the reading connection are gone on return, those of the writer's as soon as it
        comes to it. Raises Refusal(STORE_UNAVAILABLE).
        """
        self.read(lambda tx: tx.keys.forget_closed())
        if not self._closed:
            self._queue.put(_Forgetting())

    def on_control(self, ring: Callable[[], None]) -> None:
        """Call `ring` after each commit with control events in it, from the writer's thread.

        It is called before the acts' callers have their answers, so that who was answered finds
        everybody told.
        """
        self._rings = (*self._rings, ring)

    def empty_log(self) -> bool:
        """Move the write-ahead log into the database and cut it to nothing.

        What was deleted is in no file then. Tell whether it succeeded; it does not while another
        process reads an older state.
        """
        with unavailable_if_broken(), closing(connect(self.path)) as sql:
            row = sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return bool(row is not None and row[0] == 0)

    def close(self) -> None:
        """Finish what is queued, then close. Acts that come later are refused."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        self._reader.close()

    def _make_keys(self) -> None:
        with closing(connect(self.path)) as sql:
            tx = Transaction(sql, self._kek)
            with transaction(sql):
                tx.keys.make_missing_center_keys()
            tx.keys.check()

    def _write(self) -> None:
        """Be the writer thread."""
        tx = Transaction(self._writing, self._kek)
        with closing(self._writing):
            while (first := self._queue.get()) is not None:
                batch, is_last = self._gather(first)
                self._commit(tx, batch)
                if tx.control.take_news():
                    self._ring()
                for job in batch:
                    job.release()
                if is_last:
                    return

    def _ring(self) -> None:
        for ring in self._rings:
            ring()

    def _gather(self, first: _Work) -> tuple[list[_Work], bool]:
        """Return what arrives in the window after the first act, and whether the end was asked."""
        batch = [first]
        end = time.monotonic() + self._window_seconds
        while len(batch) < _MOST_IN_A_BATCH:
            try:
                job = self._queue.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return batch, False
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _commit(self, tx: Transaction, batch: list[_Work]) -> None:
        """Commit a batch; where it fails as a whole, commit its acts one by one.

        Whatever one act meets, a defect too, its neighbours and the thread go on.
        """
        try:
            self._commit_together(tx, batch)
        except Exception as error:
            if len(batch) > 1:
                for job in batch:
                    self._commit(tx, [job])
                return
            # Its text and its traceback stay out of the log: they may quote a person's data.
            logger.warning("commit failed: %s", error_name(error))
            is_storage = isinstance(error, sqlite3.Error)
            batch[0].fail(Refusal(Reason.STORE_UNAVAILABLE) if is_storage else error)

    def _commit_together(self, tx: Transaction, batch: list[_Work]) -> None:
        with transaction(self._writing):
            for job in batch:
                self._run_one(tx, job)

    def _run_one(self, tx: Transaction, job: _Work) -> None:
        """Run an act under its own savepoint; what it raises undoes it alone.

        Raises sqlite3.Error for the whole batch, but for a broken constraint: after any other one
        the transaction may be gone.
        """
        try:
            tx.keys.begin()
            with savepoint(self._writing):
                job.run(tx)
        except DeniedAttempt as denied:
            tx.keys.begin()
            with savepoint(self._writing):
                tx.audit.append(denied.event)
            job.fail(denied)
        except sqlite3.IntegrityError as error:
            job.fail(error)
        except sqlite3.Error:
            raise
        except Exception as error:
            # It is the act's own, and goes to the act's caller.
            job.fail(error)


def _guarded(call: Call, act: Callable[[Transaction], Answer]) -> Callable[[Transaction], Answer]:
    def run(tx: Transaction) -> Answer:
        call.admit(tx)
        return act(tx)

    return run


@contextmanager
def _unusable_if_broken(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        problem = error.strerror if isinstance(error, OSError) else error_name(error)
        raise StoreUnusable(f"{path}: {problem}") from error


def _make_file(path: Path) -> None:
    """Make the database's file readable by its owner alone; its side files take its mode.

    A file that is there is not even opened: closing it would take away the locks (POSIX) that
    SQLite holds on it for other connections of this process, and the next process to leave would
    think itself the last one and remove the write-ahead log from under them.
    """
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
