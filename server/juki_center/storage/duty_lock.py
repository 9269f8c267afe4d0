"""The one process among all that work on a database which does what must be done once.

It holds an advisory lock of the server's, on a connection of its own. When it dies, or the
connection goes, the lock is free, and the next that asks has it. Between the loss and its being
noticed two may be at work for a moment: what is done on duty are acts, which look again inside
their transaction whether there is anything to do.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from juki_center.storage.faults import StoreFault
from juki_center.storage.postgresql_connection import faults
from juki_center.storage.primary import connected, prove

if TYPE_CHECKING:
    from juki_center.storage.primary import PrimaryConnection

_LOCK: Final = 0x6A756B6A
_TAKE: Final = f"SELECT pg_try_advisory_lock({_LOCK})".encode()


class DutyLock:
    """The lock, for one thread at a time."""

    def __init__(self, url: str) -> None:
        """Connect to nothing yet."""
        self._url = url
        self._sql: PrimaryConnection | None = None

    def take(self) -> bool:
        """Try to get the lock; a server that does not answer gives it to nobody."""
        try:
            with faults():
                if self._sql is None:
                    self._sql = connected(self._url)
                found = self._sql.execute(_TAKE).fetchone()
        except StoreFault:
            self.close()
            return False
        return bool(found and found[0])

    def holds(self) -> bool:
        """Whether the lock is still held, on the server that is the primary."""
        if self._sql is None:
            return False
        try:
            with faults():
                prove(self._sql)
        except StoreFault:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Let the lock go."""
        if self._sql is not None:
            with suppress(StoreFault), faults():
                self._sql.close()
            self._sql = None
