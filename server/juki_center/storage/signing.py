"""Asking the log's signer for a signature, on a thread of its own and with a deadline.

The key may lie in a device that is slow, gone or jammed. The writer of the store waits for it no
longer than the deadline; while an answer is still due after that, nothing more is asked.
"""

from __future__ import annotations

import logging
import queue
import threading
import time

from juki_audit import checkpoints
from juki_audit.checkpoints import Checkpoint
from juki_audit.tree import Head
from juki_center.areas.audit.heads import LogSigner

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 2.0


class HeadUnsigned(Exception):  # what happened, and no defect
    """The signer failed, or did not answer in time."""


class Order:
    """A head that is to be signed."""

    def __init__(self, text: str, seconds: float) -> None:
        self.text = text
        self._due = time.monotonic() + seconds
        self._done = threading.Event()
        self._note: bytes | None = None

    def note(self) -> bytes:
        """Wait for the signed note. Raises HeadUnsigned."""
        if not self._done.wait(max(0.0, self._due - time.monotonic())):
            raise HeadUnsigned("no answer in time")
        if self._note is None:
            raise HeadUnsigned("no signature")
        return self._note

    def is_overdue(self) -> bool:
        """Whether the signer has still not answered, well or badly, after the deadline."""
        return not self._done.is_set() and time.monotonic() > self._due

    def carry_out(self, signer: LogSigner) -> None:
        """Sign, on the signer's thread."""
        try:
            note = signer.sign(self.text)
            if note.startswith(f"{self.text}\n".encode()):
                self._note = note
        except Exception as error:
            # Whatever the signer's device meets, the store goes on; its text may name files.
            logger.warning("head not signed: %s", type(error).__name__)
        finally:
            self._done.set()


class Signing:
    """A signer, as the writer of a store uses it."""

    def __init__(self, signer: LogSigner) -> None:
        self._signer = signer
        self._last: Order | None = None
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        # A signer that never answers must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, name="log-signer", daemon=True)
        self._thread.start()

    def begin(self, head: Head) -> Order:
        """Have a head signed. Raises HeadUnsigned while an earlier answer is overdue."""
        if self.is_stalled():
            raise HeadUnsigned("an answer is overdue")
        text = checkpoints.body(Checkpoint(self._signer.origin, head))
        self._last = Order(text, DEADLINE_SECONDS)
        self._orders.put(self._last)
        return self._last

    def is_stalled(self) -> bool:
        """Whether an answer is overdue."""
        return self._last is not None and self._last.is_overdue()

    def close(self) -> None:
        """Ask no more."""
        self._orders.put(None)

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            order.carry_out(self._signer)
