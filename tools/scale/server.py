"""Databases on a PostgreSQL server of the measurement's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from tools.postgresql import Server


@dataclass(frozen=True, slots=True)
class Database:
    """A database, by the name that it has on its server."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        """The store's URL."""
        return self.server.url(self.name)

    def make(self) -> None:
        """Make it, unless it is there from an earlier run."""
        if not self._asked("SELECT count(*) FROM pg_database WHERE datname = %s", self.name):
            self._run(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(self._own))

    def octets(self) -> int:
        """Return its size."""
        return self._asked("SELECT pg_database_size(%s)", self.name)

    @property
    def _own(self) -> sql.Identifier:
        return sql.Identifier(self.name)

    def _asked(self, question: LiteralString, *values: str) -> int:
        with closing(self._connected()) as connection:
            row = connection.execute(question, values).fetchone()
        return int(row[0]) if row else 0

    def _run(self, statement: sql.Composed) -> None:
        with closing(self._connected()) as connection:
            connection.execute(statement)

    def _connected(self) -> psycopg.Connection[tuple[int]]:
        return psycopg.connect(self.server.url("postgres"), autocommit=True)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Run a server whose files stay in a folder. Raises ServerAbsent."""
    server = Server(folder)
    if not folder.exists():
        server.make()
    was_running = server.is_running
    if not was_running:
        server.start()
    try:
        yield server
    finally:
        if not was_running:
            # In order, so that the next run finds nothing to repair.
            server.run("pg_ctl", "--pgdata", "data", "stop", "--mode", "fast", check=False)
