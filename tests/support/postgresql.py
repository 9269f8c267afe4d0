"""Databases of one test each, copied from one that is prepared once."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.postgresql import PostgreSQLStore
from juki_center.storage.transaction import Transaction
from tools.postgresql import Server

_ROOM_OCTETS = 2 << 30
URL_FILE = "store.url"
"""In a folder of a store, it names the database; the key-encryption key lies beside it."""


class Databases:
    """The databases of a server that lives as long as the tests."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._numbers = itertools.count()
        self._sql = psycopg.connect(server.url("postgres"), autocommit=True)

    def template(self, kek: KeyEncryptionKey, fill: Callable[[Transaction], object] | None) -> str:
        """Return a database that is closed and has a store in it."""
        name = self._made("template0")
        with closing(PostgreSQLStore(self.server.url(name), kek)) as store:
            if fill is not None:
                asyncio.run(store.act(fill))
        return name

    def empty(self) -> str:
        """Return a database with nothing in it."""
        return self._made("template0")

    def copy(self, template: str) -> str:
        """Return a database like another, which nobody uses."""
        return self._made(template)

    def drop(self, name: str) -> None:
        """Throw a database away, whoever uses it."""
        self._sql.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())

    def close(self) -> None:
        """Hold no connection."""
        self._sql.close()

    def _made(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        # Copying the files is faster than logging every page where nothing is flushed.
        self._sql.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'.encode()
        )
        return name


@contextmanager
def databases() -> Iterator[Databases]:
    """Run a server until the block ends; what it writes is thrown away, so nothing is flushed."""
    # Not below pytest's own folder: its server's user may not enter that, and a socket's path is
    # short.
    folder = Path(tempfile.mkdtemp(prefix="juki-pg-", dir=_fast_folder()))
    folder.chmod(0o711)
    server = Server(folder / "pg")
    try:
        server.make(is_durable=False)
        server.start()
        try:
            with closing(Databases(server)) as found:
                yield found
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _fast_folder() -> Path | None:
    """Return a folder in memory where there is one with room; None: where temporary files lie."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM_OCTETS
    return memory if has_room and os.access(memory, os.W_OK) else None
