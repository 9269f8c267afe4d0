"""A writing connection of its own for an import, beside a center that may be serving.

Each of its transactions is short enough for the center's acts to wait for; between two of them the
importer reads on, and the center has its turn.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from juki_center.storage.acting_store import committing_many
from juki_center.storage.connection import connect, unavailable_if_broken
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.transaction import Transaction

# The indexes are written in random order: what fits into memory is not read again.
_CACHE_KIBIBYTES: Final = 160 * 1024
# A page that many lines touch goes back into the file once and not once a transaction; more than
# this would have to be taken over by the next act of the center that commits.
_PAGES_BETWEEN_CHECKPOINTS: Final = 4_000


class BulkConnection:
    """Commits many rows, on the thread that made it."""

    def __init__(self, path: Path, kek: KeyEncryptionKey, *, is_durable: bool = True) -> None:
        """Open the store of a file. Raises Refusal(STORE_UNAVAILABLE).

        One that is not durable may be torn by a loss of power: for a store that is thrown away.
        """
        with unavailable_if_broken():
            self._sql = connect(path)
            if not is_durable:
                self._sql.execute("PRAGMA synchronous = OFF")
            self._sql.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
            self._sql.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}")
            self._seen = self._data_version()
        self._tx = Transaction(self._sql, kek)

    @property
    def is_far(self) -> bool:
        """Tell that the file is here."""
        return False

    def committing(self) -> AbstractContextManager[Transaction]:
        """Commit as `committing_many` does."""
        return committing_many(self._sql, self._tx)

    def others_wrote(self) -> bool:
        """Tell whether anybody else has committed since this was asked last.

        Raises Refusal(STORE_UNAVAILABLE).
        """
        with unavailable_if_broken():
            now = self._data_version()
        before, self._seen = self._seen, now
        return now != before

    def _data_version(self) -> int:
        """Return a number that changes when another connection commits, and only then."""
        return int(self._sql.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Give the log's pages back to the file as far as nobody reads them, and close."""
        self._sql.close()
