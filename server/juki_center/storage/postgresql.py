"""The store on a PostgreSQL server, for several processes that serve at once.

As in the embedded store, changing acts are queued to the one writer of this process, which commits
them in groups; writers of different processes take turns by a lock on the server. Reading acts
take a connection from a pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import TypeVar

from juki_center.areas.audit.heads import LogSigner
from juki_center.errors import LogBroken
from juki_center.storage.acting_store import ActingStore, committing_many
from juki_center.storage.connection import unavailable_if_broken
from juki_center.storage.control_listener import ControlListener
from juki_center.storage.faults import unusable_if_broken
from juki_center.storage.jobs import Forgetting
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.log_care import LogCare
from juki_center.storage.log_records import StoredLog
from juki_center.storage.opening import make_keys, named, open_log
from juki_center.storage.postgresql_connection import PostgreSQLConnection
from juki_center.storage.postgresql_schema import migrate_server
from juki_center.storage.primary import PrimaryWatch
from juki_center.storage.reading_pool import MOST, ReadingPool
from juki_center.storage.reserve import Reserve
from juki_center.storage.signing import Signing
from juki_center.storage.transaction import Transaction
from juki_center.storage.writer import WINDOW_SECONDS, Writer
from juki_center.store_url import shown

Answer = TypeVar("Answer")


class PostgreSQLStore(ActingStore):
    """A store in one database, for any number of processes."""

    def __init__(
        self,
        url: str,
        kek: KeyEncryptionKey,
        *,
        signer: LogSigner | None = None,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        """Open or fill the database. Without a signer the heads of its log stay unsigned.

        Raises KeyUnusable where the key-encryption key is not the store's, StoreUnusable where
        the database cannot be used, and LogBroken where its log does not hold.
        """
        self.name = shown(url)
        self.url = url
        self._kek = kek
        with unusable_if_broken(self.name):
            migrate_server(url, self.name)
            signing = Signing(signer) if signer else None
            is_signed = self._prepare(signer, signing)
            self._watch = PrimaryWatch(url)
            self._reading = ReadingPool(url, kek, self._watch)
            writing = PostgreSQLConnection(url, self._watch)
        # Room on the server's disk is the server's own affair.
        care = LogCare(signing, Reserve(Path(), 0), is_signed=is_signed)
        tx = Transaction(writing, kek)
        super().__init__(Writer(writing, tx, signing, care, window_seconds), care)
        self._listener: ControlListener | None = None
        self._threads = ThreadPoolExecutor(MOST, "store-reader")

    def __repr__(self) -> str:
        return f"PostgreSQLStore({self.name!r})"

    def read(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act on the committed state, on the calling thread."""
        return self._reading.answer(question)

    async def ask(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act on a thread of its own, as part of the current call."""
        loop, run = asyncio.get_running_loop(), copy_context().run
        return await loop.run_in_executor(self._threads, run, self._reading.answer, question)

    def forget_closed_keys(self) -> None:
        """Let the keys of municipalities that are disconnected leave the memory of this process.

        Those of the reading connections are gone on return, those of the writer's as soon as it
        comes to it. Raises Refusal(STORE_UNAVAILABLE).
        """
        self._reading.answer_on_each(lambda tx: tx.keys.forget_closed())
        if not self._closed:
            self._writer.put(Forgetting())

    def on_control(self, ring: Callable[[], None]) -> None:
        """Call `ring` after each commit with control events in it, by whatever process.

        For the acts of this process it is called before their callers have their answers.
        """
        self._writer.on_control(ring)
        if self._listener is None:
            self._listener = ControlListener(self.url)
        self._listener.on_control(ring)

    def bulk(self) -> PostgreSQLBulk:
        """Open a writing connection of its own. Raises Refusal(STORE_UNAVAILABLE)."""
        return PostgreSQLBulk(self.url, self._kek, self._watch)

    def empty_log(self) -> bool:
        """Do nothing: the server reuses and archives its write-ahead log as it is told to."""
        return True

    def close(self) -> None:
        """Finish what is queued, then close. Acts that come later are refused."""
        if self._closed:
            return
        self._closed = True
        if self._listener is not None:
            self._listener.close()
        self._writer.close()
        self._threads.shutdown()
        self._reading.close()
        self._watch.close()

    def _prepare(self, signer: LogSigner | None, signing: Signing | None) -> bool:
        """Make the keys and judge the log; tell whether its head is signed."""
        with closing(PostgreSQLConnection(self.url)) as sql:
            make_keys(sql, self._kek)
            try:
                return open_log(sql, self._kek, signer, signing)
            except LogBroken as error:
                raise named(self.name, error) from error


class PostgreSQLBulk:
    """Commits many rows, on the thread that made it."""

    def __init__(self, url: str, kek: KeyEncryptionKey, watch: PrimaryWatch | None = None) -> None:
        """Connect. Raises Refusal(STORE_UNAVAILABLE)."""
        with unavailable_if_broken():
            self._sql = PostgreSQLConnection(url, watch)
        self._tx = Transaction(self._sql, kek)

    @property
    def is_far(self) -> bool:
        """Tell that each statement goes to a server."""
        return True

    def committing(self) -> AbstractContextManager[Transaction]:
        """Commit as `committing_many` does."""
        return committing_many(self._sql, self._tx)

    def others_wrote(self) -> bool:
        """Tell that nobody needs to be given a turn: the server gives turns in order."""
        return False

    def close(self) -> None:
        """Close the connection."""
        self._sql.close()


@contextmanager
def server_log(url: str) -> Iterator[StoredLog]:
    """Open the log of a database in one state. Raises StoreUnusable for what is no store."""
    name = shown(url)
    with unusable_if_broken(name), closing(PostgreSQLConnection(url)) as sql:
        sql.execute("BEGIN")
        sql.execute("SELECT count(*) FROM audit_head")
        yield StoredLog(sql)
