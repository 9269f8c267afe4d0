"""The embedded store: SQLite in one process, one writer thread with group commit.

Changing acts are queued to the writer, which commits them in groups. Reading acts run on the event
loop's own connection and see what is committed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from juki_center.areas.audit.heads import LogSigner
from juki_center.errors import LogBroken, StoreUnusable
from juki_center.storage.acting_store import ActingStore
from juki_center.storage.bulk import BulkConnection
from juki_center.storage.connection import connect, unavailable_if_broken
from juki_center.storage.faults import error_name
from juki_center.storage.jobs import Forgetting
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.log_care import LogCare
from juki_center.storage.migrate import migrate
from juki_center.storage.opening import make_keys, named, open_log
from juki_center.storage.reading import Reading
from juki_center.storage.reserve import Reserve
from juki_center.storage.signing import Signing
from juki_center.storage.transaction import Transaction
from juki_center.storage.writer import WINDOW_SECONDS, Writer

Answer = TypeVar("Answer")


class SQLiteStore(ActingStore):
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
        with _unusable_if_broken(path):
            _make_file(path)
            migrate(path)
            signing = Signing(signer) if signer else None
            is_signed = self._prepare(signer, signing)
            self._reading = Reading(connect(path, read_only=True), kek)
            writing = connect(path)
        care = LogCare(signing, Reserve.beside(path, reserve_octets), is_signed=is_signed)
        tx = Transaction(writing, kek)
        super().__init__(Writer(writing, tx, signing, care, window_seconds), care)

    def read(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act on the committed state, on the calling thread.

        What the current call must pass is looked at on the same state.
        """
        return self._reading.answer(question)

    async def ask(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act at once: microseconds, less than a thread would cost."""
        return self.read(question)

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

    def bulk(self) -> BulkConnection:
        """Open a writing connection of its own. Raises Refusal(STORE_UNAVAILABLE)."""
        return BulkConnection(self.path, self._kek)

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
        self._reading.close()

    def _prepare(self, signer: LogSigner | None, signing: Signing | None) -> bool:
        """Make the keys and judge the log; tell whether its head is signed."""
        with closing(connect(self.path)) as sql:
            make_keys(sql, self._kek)
            try:
                return open_log(sql, self._kek, signer, signing)
            except LogBroken as error:
                raise named(self.path, error) from error


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
