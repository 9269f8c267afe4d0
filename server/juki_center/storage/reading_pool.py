"""Connections for reading acts: as many as threads read at once, each with its own keys."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import psycopg

from juki_center.errors import Reason, Refusal
from juki_center.storage.connection import unavailable_if_broken
from juki_center.storage.faults import ConnectionLost, Unreachable
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.postgresql_connection import PostgreSQLConnection
from juki_center.storage.primary import PrimaryWatch, connected
from juki_center.storage.reading import Reading
from juki_center.storage.transaction import Transaction

Answer = TypeVar("Answer")

MOST: Final = 8
"""So many connections at the most; a thread that comes later waits for one."""
_PAUSE_SECONDS: Final = 0.25


class ReadingPool:
    """Reading connections, the one that was used last given out first."""

    def __init__(self, url: str, kek: KeyEncryptionKey, watch: PrimaryWatch) -> None:
        """Connect once; the others are made when they are needed. Raises StoreFault."""
        self._url = url
        self._watch = watch
        self._kek = kek
        self._free = [self._made()]
        self._all = list(self._free)
        self._lock = threading.Lock()
        self._places = threading.Semaphore(MOST)
        self._is_down = False
        self._end = threading.Event()

    def answer(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act. Raises Refusal(STORE_UNAVAILABLE).

        While there is no server it is raised at once: whoever waits here may be the event loop.
        """
        if self._is_down:
            raise Refusal(Reason.STORE_UNAVAILABLE)
        try:
            with self._taken() as reading:
                return reading.answer(question)
        except Refusal as refusal:
            if isinstance(refusal.__cause__, ConnectionLost | Unreachable):
                self._was_lost()
            raise

    def answer_on_each(self, question: Callable[[Transaction], object]) -> None:
        """Run a reading act on every connection, waiting for those that are in use.

        Raises Refusal(STORE_UNAVAILABLE).
        """
        for _ in range(MOST):
            self._places.acquire()
        try:
            for reading in self._all:
                reading.answer(question)
        finally:
            self._places.release(MOST)

    def close(self) -> None:
        """Close all connections."""
        self._end.set()
        for reading in self._all:
            reading.close()

    @contextmanager
    def _taken(self) -> Iterator[Reading]:
        with self._places:
            reading = self._take()
            try:
                yield reading
            finally:
                self._free.append(reading)

    def _take(self) -> Reading:
        with self._lock:
            if self._free:
                return self._free.pop()
            with unavailable_if_broken():
                made = self._made()
            self._all.append(made)
            return made

    def _was_lost(self) -> None:
        with self._lock:
            is_first, self._is_down = not self._is_down, True
        if is_first:
            threading.Thread(target=self._await_server, name="store-awaited", daemon=True).start()

    def _await_server(self) -> None:
        """Look for a server on a thread of its own, until one takes a connection."""
        while not self._end.is_set():
            try:
                connected(self._url).close()
            except psycopg.Error:
                self._end.wait(_PAUSE_SECONDS)
            else:
                self._is_down = False
                return

    def _made(self) -> Reading:
        return Reading(PostgreSQLConnection(self._url, self._watch), self._kek)
