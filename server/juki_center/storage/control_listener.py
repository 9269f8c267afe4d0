"""Waits on the server for control events that other processes commit, and rings.

Whether it hears is a matter of milliseconds only: the bell looks at the rows every so often, too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

import psycopg

from juki_center.storage.postgresql_connection import fault_of
from juki_center.storage.postgresql_schema import CHANNEL
from juki_center.storage.primary import connected

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 1.0


class ControlListener:
    """A thread with a connection of its own."""

    def __init__(self, url: str) -> None:
        """Begin to listen; a server that cannot be reached is tried again."""
        self._url = url
        self._rings: tuple[Callable[[], None], ...] = ()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="control-listener", daemon=True)
        self._thread.start()

    def on_control(self, ring: Callable[[], None]) -> None:
        """Call `ring` from this thread after each commit with control events in it."""
        self._rings = (*self._rings, ring)

    def close(self) -> None:
        """Stop listening."""
        self._end.set()
        self._thread.join()

    def _listen(self) -> None:
        while not self._end.is_set():
            try:
                self._hear()
            except psycopg.Error as error:
                logger.warning("not listening for control events: %s", fault_of(error))
                self._end.wait(_PAUSE_SECONDS)

    def _hear(self) -> None:
        with connected(self._url) as sql:
            sql.execute(f"LISTEN {CHANNEL}".encode())
            while not self._end.is_set():
                for _ in sql.notifies(timeout=_PATIENCE_SECONDS, stop_after=1):
                    for ring in self._rings:
                        ring()
