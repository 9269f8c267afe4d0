"""The embedded store: SQLite in one process, one writer thread with group commit.

Changing acts are queued to the writer, which commits them in groups. Reading acts run on the event
loop's own connection and see what is committed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from juki_center.areas.audit.heads import LogSigner
from juki_center.areas.calls import current_call
from juki_center.errors import LogBroken, Reason, Refusal, StoreUnusable
from juki_center.storage.connection import (
    connect,
    error_name,
    transaction,
    unavailable_if_broken,
)
from juki_center.storage.jobs import Forgetting, Job
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.log_care import LogCare
from juki_center.storage.log_check import check_log
from juki_center.storage.log_growth import sign_head
from juki_center.storage.log_table import read_head
from juki_center.storage.migrate import migrate
from juki_center.storage.reserve import Reserve
from juki_center.storage.signing import HeadUnsigned, Signing
from juki_center.storage.transaction import Transaction
from juki_center.storage.writer import WINDOW_SECONDS, Writer

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class SQLiteStore:
    """A store in one file, for one process that serves and any number of operator's commands."""

    def __init__(
        self,
        path: Path,
        kek: KeyEncryptionKey,
        *,
        signer: LogSigner | None = None,
        reserve_octets: int = 0,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        """Open or make the store. Without a signer the heads of its log stay unsigned.

        The reserve is room that a file beside the store keeps for urgent acts.
        Raises KeyUnusable where the key-encryption key is not the store's, StoreUnusable where
        the file cannot be used, and LogBroken where its log does not hold.
        """
        self.path = path
        self._kek = kek
        self._closed = False
        with _unusable_if_broken(path):
            _make_file(path)
            migrate(path)
            self._make_keys()
            signing = Signing(signer) if signer else None
            is_signed = self._open_log(signer, signing)
            self._reader = connect(path, read_only=True)
            self._reading = Transaction(self._reader, kek)
            writing = connect(path)
        self._care = LogCare(signing, Reserve.beside(path, reserve_octets), is_signed=is_signed)
        tx = Transaction(writing, kek)
        self._writer = Writer(writing, tx, signing, self._care, window_seconds)

    @property
    def is_log_writable(self) -> bool:
        """Whether the log can be written, as far as is known; acts are refused while it cannot."""
        return self._care.is_writable

    async def act(self, act: Callable[[Transaction], Answer], *, urgent: bool = False) -> Answer:
        """Run a changing act in the committing transaction; return after the commit is durable.

        The guards of the current call are run before it. A caller that is cancelled does not take
        the act back. While the log cannot be written, acts are refused with LOG_UNAVAILABLE; those
        that are urgent, or that an urgent method asks for, are done as long as it is possible.
        """
        if self._closed:
            raise Refusal(Reason.SHUTTING_DOWN)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Answer] = loop.create_future()
        call = current_call()
        is_urgent = urgent or (call is not None and call.is_urgent)
        self._writer.put(Job(act, call, loop, waiter, is_urgent))
        return await waiter

    def read(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act on the committed state, on the calling thread.

        What the current call must pass is looked at on the same state.
        """
        call = current_call()
        with unavailable_if_broken():
            self._reader.execute("BEGIN")
            self._reading.keys.begin()
            self._reading.trace.clear()
            try:
                if call is not None:
                    call.look(self._reading)
                answer = question(self._reading)
                self._log_what_was_found()
                return answer
            finally:
                self._reader.execute("ROLLBACK")

    def forget_closed_keys(self) -> None:
        """Let the keys of municipalities that are disconnected leave the memory of this process.

        Those of the reading connection are gone on return, those of the writer's as soon as it
        comes to it. Raises Refusal(STORE_UNAVAILABLE).
        """
        self.read(lambda tx: tx.keys.forget_closed())
        if not self._closed:
            self._writer.put(Forgetting())

    def on_control(self, ring: Callable[[], None]) -> None:
        """Call `ring` after each commit with control events in it, from the writer's thread.

        It is called before the acts' callers have their answers, so that who was answered finds
        everybody told.
        """
        self._writer.on_control(ring)

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
        self._writer.close()
        self._reader.close()

    def _log_what_was_found(self) -> None:
        """Leave in the call the leaves of the answers that a reading act has read again."""
        call = current_call()
        if call is not None:
            for caller_uri, request_id in self._reading.trace.found:
                call.logged.extend(self._reading.audit.receipt_of(caller_uri, request_id))

    def _open_log(self, signer: LogSigner | None, signing: Signing | None) -> bool:
        """Check the log, and sign its head where that was left unsigned; tell whether it is."""
        with closing(connect(self.path)) as sql:
            sql.execute("BEGIN")
            try:
                head = check_log(sql, Transaction(sql, self._kek).audit, signer)
            except LogBroken as error:
                raise LogBroken(f"{self.path}: {error.problem}") from error
            finally:
                sql.execute("ROLLBACK")
            return head.is_signed or (signing is not None and _sign_head(sql, signing))

    def _make_keys(self) -> None:
        with closing(connect(self.path)) as sql:
            tx = Transaction(sql, self._kek)
            with transaction(sql):
                tx.keys.make_missing_center_keys()
            tx.keys.check()


@contextmanager
def _unusable_if_broken(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        problem = error.strerror if isinstance(error, OSError) else error_name(error)
        raise StoreUnusable(f"{path}: {problem}") from error


def _sign_head(sql: sqlite3.Connection, signing: Signing) -> bool:
    try:
        with transaction(sql):
            sign_head(sql, read_head(sql).frontier, signing)
    except HeadUnsigned as error:
        # What needs no head is served, and the writer tries again.
        logger.warning("head not signed: %s", error)
        return False
    return True


def _make_file(path: Path) -> None:
    """Make the database's file readable by its owner alone; its side files take its mode.

    A file that is there is not even opened: closing it would take away the locks (POSIX) that
    SQLite holds on it for other connections of this process, and the next process to leave would
    think itself the last one and remove the write-ahead log from under them.
    """
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
