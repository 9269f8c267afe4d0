"""Which of several servers is the primary, and leaving one that is it no longer.

A server that nobody has told that another took its place still takes connections and shows an old
state. What gives it away is that it cannot finish a commit: no standby follows it any more. So no
connection is used before a commit was finished on it, and while connections are in use, one more
commits every second. Where no standby is required, a commit is finished on the disk alone, and who
is primary is not this module's to judge.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from contextlib import suppress
from typing import Any, Final, TypeAlias
from weakref import WeakSet

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

logger = logging.getLogger(__name__)

APPLICATION: Final = "juki-center"
PROOF_SECONDS: Final = 2.0
"""So long a commit that changes nothing may take, until the server counts as left alone."""
LOST_SECONDS: Final = 5.0
"""So long without a primary, connections that wait for one are ended."""
_INTERVAL_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.25
_CONNECT_SECONDS: Final = 2
_LISTS: Final = ("host", "hostaddr", "port")
# What a session is told once, so that a server that was configured otherwise cannot lose it.
_SETTINGS: Final = (
    b"SET synchronous_commit = on; SET client_encoding = 'UTF8'; SET search_path = public;"
    b" SET idle_in_transaction_session_timeout = '15s';"
    # Every statement asks by a key; to plan it anew for each value costs more than to run it.
    b" SET plan_cache_mode = force_generic_plan;"
)
# A message of no content is the least whose commit waits for the disk and for the standby. The rest
# is another one after each crash, each start and each change of the primary: only while it is the
# same is a transaction's number surely that of the same transaction.
_PROOF: Final = (
    b"SELECT concat_ws(' ', pg_postmaster_start_time(), stats_reset,"
    b" left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)),"
    b" pg_logical_emit_message(true, 'juki-center', '') FROM pg_stat_wal"
)


class Alone(psycopg.OperationalError):
    """A server did not finish a commit in time."""


class PrimaryConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection to a server that was the primary when it was made.

    `life` names the server between two interruptions of any kind.
    """

    life: str = ""


Options: TypeAlias = "dict[str, str]"


def each_host(url: str) -> list[Options]:
    """Return the options for each host that a URL names, in its order.

    >>> [one["port"] for one in each_host("postgresql://a:1,b:2/center")]
    ['1', '2']
    """
    options = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    lists = {name: options[name].split(",") for name in _LISTS if options.get(name)}
    count = max((len(values) for values in lists.values()), default=1)
    # One port alone is that of every host.
    return [
        options | {name: values[number % len(values)] for name, values in lists.items()}
        for number in range(count)
    ]


def connected(url: str, *, raw: bool = True) -> PrimaryConnection:
    """Return a new connection to the primary: one of ours, with `$1`, or a plain one.

    Raises psycopg.Error where no host that the URL names is a primary that finishes commits.
    """
    error: psycopg.Error = psycopg.OperationalError("no host")
    for options in each_host(url):
        try:
            return _connected(options, raw=raw)
        except psycopg.Error as failed:
            error = failed
    raise error


def _connected(options: Options, *, raw: bool) -> PrimaryConnection:
    # A standby may lag, and what it lacks would be "not found".
    told = {
        "target_session_attrs": "read-write",
        "connect_timeout": str(_CONNECT_SECONDS),
        "application_name": APPLICATION,
    }
    sql = PrimaryConnection.connect(
        make_conninfo(**options | told),
        autocommit=raw,
        cursor_factory=psycopg.RawCursor if raw else psycopg.Cursor,
    )
    prove(sql, _SETTINGS)
    return sql


def prove(sql: PrimaryConnection, before: bytes = b"") -> None:
    """Finish a commit of nothing, and learn the server's life.

    Raises Alone where it takes too long, and other errors of psycopg; the connection is closed.
    """
    try:
        results = _asked(sql.pgconn, before + _PROOF, time.monotonic() + PROOF_SECONDS)
    except BaseException:
        sql.close()
        raise
    for result in results:
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            sql.close()
            raise psycopg.errors.error_from_result(result)
    sql.life = (results[-1].get_value(0, 0) or b"").decode() if results else ""


def _asked(server: pq.abc.PGconn, statement: bytes, until: float) -> list[pq.abc.PGresult]:
    """Ask with a deadline, which only who asks can hold: the server waits for a standby forever."""
    server.send_query(statement)
    results: list[pq.abc.PGresult] = []
    while True:
        while server.is_busy() or server.flush():
            _await_octets(server.socket, until)
            server.consume_input()
        result = server.get_result()
        if result is None:
            return results
        results.append(result)


def _await_octets(descriptor: int, until: float) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise Alone("no commit in time")


class PrimaryWatch:
    """A thread that finds out within seconds when another server has become the primary.

    Connections to the server of before are ended: what waits on them for a commit, a lock or an
    answer would wait forever, or be told an old state.
    """

    def __init__(self, url: str) -> None:
        """Begin to watch."""
        self._url = url
        self._watched: WeakSet[PrimaryConnection] = WeakSet()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._seen = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="primary-watch", daemon=True)
        self._thread.start()

    def add(self, sql: PrimaryConnection) -> None:
        """Watch a connection for as long as it is used."""
        with self._lock:
            self._watched.add(sql)

    def close(self) -> None:
        """Stop watching."""
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        sql: PrimaryConnection | None = None
        while not self._end.is_set():
            try:
                if sql is None:
                    sql = connected(self._url)
                else:
                    prove(sql)
            except psycopg.Error:
                sql = None
                self._was_lost()
                self._end.wait(_PAUSE_SECONDS)
            else:
                self._seen = time.monotonic()
                self._cut_but(sql.life)
                self._end.wait(_INTERVAL_SECONDS)
        if sql is not None:
            sql.close()

    def _was_lost(self) -> None:
        if time.monotonic() - self._seen > LOST_SECONDS:
            self._cut_but("")

    def _cut_but(self, life: str) -> None:
        """End the connections to every other server, and to this one before it was interrupted."""
        with self._lock:
            others = [sql for sql in self._watched if not sql.closed and sql.life != life]
            self._watched.difference_update(others)
        for sql in others:
            logger.warning("connection ended: its server is no longer the primary")
            _cut(sql)


def _cut(sql: PrimaryConnection) -> None:
    """End the socket under a connection, so that the thread that waits on it goes on.

    The server is not told to cancel: it would show what it has not given to any standby.
    """
    with suppress(OSError, psycopg.Error):
        descriptor = os.dup(sql.fileno())
        with socket.socket(fileno=descriptor) as own:
            # Closed meanwhile, the number may be that of somebody else's socket.
            if not sql.closed:
                own.shutdown(socket.SHUT_RDWR)
