"""Connections by which a test center is filled, and what filling one came to."""

from __future__ import annotations

from dataclasses import dataclass
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Final

from juki_center.config import CenterConfig, Environment
from juki_center.errors import ConfigInvalid
from juki_center.storage.connection import Connection, connect
from juki_center.store_url import file_of, is_server

_CACHE_KIBIBYTES: Final = 512 * 1024
_PAGES_BETWEEN_CHECKPOINTS: Final = 50_000


class NotEmpty(Exception):  # what is the case, and no defect
    """The store holds what others wrote."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a run came to: rows of this run and in all, its seconds, CPU of all its processes."""

    added: int
    total: int
    seconds: float
    cpu_seconds: float


def refuse_production(config: CenterConfig) -> None:
    """Raise ConfigInvalid for a center that is not for development or test."""
    if config.environment is Environment.PRODUCTION:
        raise ConfigInvalid("environment", "is production: only a test center is filled so")


def loading(url: str) -> Connection:
    """Open a connection that loads: durable is what it has loaded only when it is closed."""
    if is_server(url):
        from juki_center.storage.postgresql_connection import (  # noqa: PLC0415  # an extra
            PostgreSQLConnection,
        )

        server = PostgreSQLConnection(url)
        server.execute("SET synchronous_commit = off")
        return server
    sql = connect(file_of(url))
    for pragma in (
        "synchronous = OFF",
        # The rows come from one place, and those that others refer to are written first.
        "foreign_keys = OFF",
        f"cache_size = -{_CACHE_KIBIBYTES}",
        f"wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}",
    ):
        sql.execute(f"PRAGMA {pragma}")
    return sql


def reading(url: str) -> Connection:
    """Open a connection that only reads."""
    return loading(url) if is_server(url) else connect(file_of(url), read_only=True)


def spent() -> float:
    """Return the CPU of this process and of those that it has ended."""
    used = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
