"""Three PostgreSQL servers, each led by a Patroni: one takes writes, and never alone.

A commit is answered when it is on the disk of the primary and of a second server
(`synchronous_mode`), and not at all while there is no second one (`synchronous_mode_strict`).
"""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self
from urllib.error import URLError

import psycopg

from tests.ha.ports import free_ports
from tests.ha.programs import (
    Program,
    await_until,
    found,
    hand_over,
    is_alive,
    kill_by_number,
)
from tools.postgresql import found as found_of_postgresql

MEMBERS: Final = 3
ROLE: Final = "juki"
DATABASE: Final = "center"
TTL_SECONDS: Final = 20
"""So long a leader is held for alive that says nothing; newer Patronis take nothing shorter."""


class Member:
    """One server with its Patroni."""

    def __init__(self, folder: Path, number: int, ports: tuple[int, int]) -> None:
        """Lay it out; nothing is started."""
        self.name = f"postgresql-{number}"
        self.port, self.rest = ports
        self.home = folder / self.name
        self.home.mkdir(mode=0o700)
        hand_over(self.home)
        command = (found("patroni", "patroni"), str(self.home / "patroni.json"))
        self.patroni = Program(command, self.home, folder / f"{self.name}.log")

    def configure(self, etcd: Sequence[int], passwords: dict[str, str]) -> None:
        """Write Patroni's configuration, which has the passwords in it."""
        path = self.home / "patroni.json"
        path.touch(mode=0o600)
        # Patroni reads YAML, of which JSON is a part.
        path.write_text(json.dumps(self._settings(etcd, passwords), indent=1))
        hand_over(path)

    def _settings(self, etcd: Sequence[int], passwords: dict[str, str]) -> dict[str, object]:
        access = {name: {"username": name, "password": word} for name, word in passwords.items()}
        return {
            "scope": "center",
            "name": self.name,
            "restapi": _here(self.rest),
            "etcd3": {"hosts": [f"127.0.0.1:{port}" for port in etcd]},
            "bootstrap": {
                "dcs": _agreed(),
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, {"auth": "scram-sha-256"}],
            },
            "postgresql": {
                **_here(self.port),
                "data_dir": str(self.home / "data"),
                "bin_dir": str(found_of_postgresql("postgres").parent),
                "pgpass": str(self.home / "pgpass"),
                "basebackup": {"checkpoint": "fast"},
                "authentication": {
                    "superuser": access["postgres"],
                    "replication": access["replicator"],
                    "rewind": access["rewinder"],
                },
                "parameters": {"unix_socket_directories": str(self.home)},
                "pg_hba": [
                    "host replication replicator 127.0.0.1/32 scram-sha-256",
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "local all all scram-sha-256",
                ],
            },
        }

    @property
    def postmaster(self) -> int:
        """The server's first process; 0 where there is none."""
        try:
            line = (self.home / "data" / "postmaster.pid").read_text().split("\n", 1)[0]
        except OSError:
            return 0
        return int(line) if line.isdigit() and is_alive(int(line)) else 0

    def kill_server(self) -> None:
        """End the server's first process as a fault would; the others follow it."""
        if pid := self.postmaster:
            kill_by_number(pid)

    def is_primary(self) -> bool:
        """Whether Patroni says that this server leads."""
        return self._answers("/primary")

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}{path}", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def stop(self) -> None:
        """End Patroni and its server at once: nothing that they have is needed any more."""
        self.patroni.kill()
        self.kill_server()


class Cluster:
    """The three, and the database of the center in them."""

    def __init__(self, folder: Path, etcd: Sequence[int]) -> None:
        """Lay them out; nothing is started."""
        self.passwords = {
            name: secrets.token_hex(16) for name in ("postgres", "replicator", "rewinder", ROLE)
        }
        self._passfile = folder / "pgpass"
        self._passfile.touch(mode=0o600)
        self._passfile.write_text(f"*:*:*:{ROLE}:{self.passwords[ROLE]}\n")
        ports = free_ports(2 * MEMBERS)
        self.members = [
            Member(folder, number, (ports[2 * number - 2], ports[2 * number - 1]))
            for number in range(1, MEMBERS + 1)
        ]
        for member in self.members:
            member.configure(etcd, self.passwords)

    @property
    def url(self) -> str:
        """The URL of the center's database, wherever it is written."""
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        options = f"target_session_attrs=read-write&passfile={self._passfile}"
        return f"postgresql://{ROLE}@{hosts}/{DATABASE}?{options}"

    def __enter__(self) -> Self:
        """Start them, make the database, and return when a commit is on two servers."""
        try:
            for member in self.members:
                member.patroni.start()
            self.await_whole()
            self._make_database()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.stop()

    def primary(self) -> Member:
        """Return the server that leads. Raises TimeoutError."""
        await_until(lambda: any(member.is_primary() for member in self.members), "no primary")
        return next(member for member in self.members if member.is_primary())

    def await_whole(self) -> None:
        """Return when one leads, the others follow, and one of them has every commit."""
        await_until(self._is_whole, "the servers do not follow; see out/ha/postgresql-1.log")

    def _is_whole(self) -> bool:
        leading = [member for member in self.members if member.is_primary()]
        if len(leading) != 1:
            return False
        try:
            with self._administering(leading[0]) as sql:
                rows = sql.execute("SELECT state, sync_state FROM pg_stat_replication").fetchall()
        except psycopg.Error:
            return False
        # One that still goes back to where the new primary began does not stream yet.
        streaming = [how for state, how in rows if state == "streaming"]
        return len(streaming) == MEMBERS - 1 and "sync" in streaming

    def _administering(self, member: Member) -> psycopg.Connection[tuple[str, ...]]:
        where = f"host=127.0.0.1 port={member.port} user=postgres dbname=postgres"
        return psycopg.connect(where, password=self.passwords["postgres"], autocommit=True)

    def _make_database(self) -> None:
        with self._administering(self.primary()) as sql:
            word = self.passwords[ROLE]
            sql.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{word}'".encode())
            sql.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE} TEMPLATE template0".encode())


def _here(port: int) -> dict[str, object]:
    where = f"127.0.0.1:{port}"
    return {"listen": where, "connect_address": where}


def _agreed() -> dict[str, object]:
    """Return what all members hold to; it lies in etcd."""
    return {
        "ttl": TTL_SECONDS,
        "loop_wait": 2,
        "retry_timeout": 5,
        "maximum_lag_on_failover": 1 << 20,
        "synchronous_mode": True,
        "synchronous_mode_strict": True,
        "postgresql": {
            "use_pg_rewind": True,
            "parameters": {
                "max_connections": 100,
                "wal_log_hints": "on",
                "synchronous_commit": "on",
                "shared_buffers": "32MB",
                "max_wal_size": "256MB",
            },
        },
    }
