"""A store that is filled once, as fast as the acts allow, and need not outlive a loss of power.

Each act has its own savepoint and its refusals are logged, exactly as in the store that serves; but
many acts share a commit, and no commit waits for the disk. The heads of its log are unsigned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from juki_center.storage.acts import run_act
from juki_center.storage.connection import connect, transaction
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.sqlite import SQLiteStore
from juki_center.storage.transaction import Transaction

Answer = TypeVar("Answer")

_CACHE_KIBIBYTES = 160 * 1024


class PassingStore:
    """Runs acts on the thread that made it, inside of `committing` only."""

    def __init__(self, path: Path, kek: KeyEncryptionKey) -> None:
        """Open or make the store of a file. Raises KeyUnusable and StoreUnusable."""
        with closing(SQLiteStore(path, kek)):
            pass
        self._sql = connect(path)
        self._sql.execute("PRAGMA synchronous = OFF")
        self._sql.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
        self._tx = Transaction(self._sql, kek)

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Commit all acts that are done inside, or none where it raises."""
        self._tx.begin()
        with transaction(self._sql):
            yield
            self._tx.seal(None)

    def do(self, act: Callable[[Transaction], Answer]) -> Answer:
        """Run an act; what it raises undoes it alone, and a refusal that counts is logged."""
        return run_act(self._sql, self._tx, act)[0]

    async def act(
        self,
        act: Callable[[Transaction], Answer],
        *,
        urgent: bool = False,  # noqa: ARG002
    ) -> Answer:
        """Run an act, as the store that serves is asked to."""
        return self.do(act)

    def read(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act on what was done so far."""
        self._tx.forget_reads()
        return question(self._tx)

    async def ask(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act, as the store that serves is asked to."""
        return self.read(question)

    def empty_log(self) -> bool:
        """Leave the write-ahead log as it is: it is thrown away with the store."""
        return True

    def close(self) -> None:
        """Close the store."""
        self._sql.close()
