"""Reading acts: each in a transaction of its own, which sees one state and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from juki_center.areas.calls import current_call
from juki_center.storage.connection import Connection, unavailable_if_broken
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.transaction import Transaction

Answer = TypeVar("Answer")


class Reading:
    """A connection for reading acts, for one thread at a time."""

    def __init__(self, sql: Connection, kek: KeyEncryptionKey) -> None:
        self._sql = sql
        self._tx = Transaction(sql, kek)

    def answer(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act, and look at what the current call must pass on the same state.

        Raises Refusal(STORE_UNAVAILABLE).
        """
        call = current_call()
        with unavailable_if_broken():
            self._sql.execute("BEGIN")
            self._tx.forget_reads()
            self._tx.trace.clear()
            try:
                if call is not None:
                    call.look(self._tx)
                answer = question(self._tx)
                self._log_what_was_found()
                return answer
            finally:
                self._sql.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._sql.close()

    def _log_what_was_found(self) -> None:
        """Leave in the call the leaves of the answers that a reading act has read again."""
        call = current_call()
        if call is not None:
            for caller_uri, request_id in self._tx.trace.found:
                call.logged.extend(self._tx.audit.receipt_of(caller_uri, request_id))
