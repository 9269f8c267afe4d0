"""A connection to PostgreSQL that the tables use as they use one to SQLite.

A transaction that may change something takes the writers' lock first, so that everything it reads
stays true until its commit, as under SQLite's `BEGIN IMMEDIATE`; others read meanwhile. Where the
connection goes during a commit, the server is asked what became of that transaction.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import psycopg
from psycopg import errors, pq
from psycopg.types.numeric import Int8BinaryDumper, NumericBinaryLoader
from psycopg.types.string import StrBinaryDumper

from juki_center.storage.dialect import Insertion, rows_at_once, translated
from juki_center.storage.faults import (
    ConnectionLost,
    ConstraintBroken,
    InTheWay,
    OutcomeUnknown,
    OutOfRoom,
    StoreFault,
    Unreachable,
)
from juki_center.storage.primary import PrimaryConnection, PrimaryWatch, connected, prove
from juki_center.storage.savepoints import NOTHING, Savepoints
from juki_center.storage.sql import Rows, Value

if TYPE_CHECKING:
    from psycopg.abc import Buffer

logger = logging.getLogger(__name__)

WRITERS_LOCK: Final = 0x6A756B69
"""The advisory lock of whoever is about to change the store, until its transaction has ended."""
PATIENCE_SECONDS: Final = 10.0
"""So long a server is awaited that went during a commit; a standby has taken its place by then."""
_PAUSE_SECONDS: Final = 0.1

_BEGIN_WRITING: Final = (
    f"BEGIN; SELECT pg_advisory_xact_lock({WRITERS_LOCK}), pg_current_xact_id()::text"
)
_BEGIN_READING: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PREPARED_AFTER: Final = 1
_MOST_PREPARED: Final = 500
# The first that fits counts (PostgreSQL, appendix A).
_KINDS: Final = (
    ("23", ConstraintBroken),
    ("40003", ConnectionLost),
    ("40", InTheWay),
    ("53100", OutOfRoom),
    ("08", ConnectionLost),
    ("57P", ConnectionLost),
    ("25P03", ConnectionLost),
)
_TYPES: Final = (
    "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
    " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
)
# Types of columns, as COPY's octets are made of them.
_COPIED: Final = {"bigint": "int8", "bytea": "bytea", "text": "text"}
_Cursor: TypeAlias = psycopg.Cursor[tuple[Any, ...]]


class PostgreSQLConnection:
    """One connection, for one thread at a time; it connects again before a transaction begins."""

    def __init__(self, url: str, watch: PrimaryWatch | None = None) -> None:
        """Connect; a watch ends the connection when its server is replaced. Raises StoreFault."""
        self._url = url
        self._watch = watch
        self._xid = ""
        self.total_changes = 0
        self._waiting = Savepoints()
        self._types: dict[str, dict[str, str]] = {}
        self._own_words: Mapping[str, Callable[[], Rows]] = {
            "BEGIN": self._begin_reading,
            "BEGIN IMMEDIATE": self._begin_writing,
            "ROLLBACK": self._roll_back,
            "COMMIT": self._commit,
        }
        self._sql = self._connected()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, be it a broken one."""
        return self._sql.info.transaction_status in (
            pq.TransactionStatus.INTRANS,
            pq.TransactionStatus.INERROR,
        )

    def execute(self, statement: str, parameters: Sequence[Value] = (), /) -> Rows:
        """Run a statement. Raises StoreFault."""
        if own := self._own_words.get(statement):
            return own()
        if not parameters and self._waiting.takes(statement):
            return NOTHING
        if not statement.startswith("SELECT"):
            # Whether it has changed anything does not count: more than this is not worth asking.
            self.total_changes += 1
        said, values = translated(statement, parameters)
        with faults():
            self._say_what_waits()
            return self._run(said, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Value]], /) -> Rows:
        """Run a statement for each of many rows. Raises StoreFault."""
        every = list(rows)
        if not every:
            return NOTHING
        self.total_changes += 1
        with faults():
            self._say_what_waits()
            if insertion := rows_at_once(statement):
                return self._insert(insertion, every)
            cursor = self._sql.cursor()
            cursor.executemany(translated(statement, every[0])[0], every)
            return cursor

    def _insert(self, insertion: Insertion, rows: list[Sequence[Value]]) -> Rows:
        """Insert rows by one COPY: a third of the work of any other way, here and on the server."""
        types = self._types.get(insertion.table)
        if types is None:
            found = self._sql.execute(_TYPES, (insertion.table,)).fetchall()
            types = self._types[insertion.table] = dict(found)
        cursor = self._sql.cursor()
        with cursor.copy(insertion.copied().encode()) as copy:
            copy.set_types([_COPIED[types[column]] for column in insertion.columns])
            for row in rows:
                copy.write_row(row)
        return cursor

    def _say_what_waits(self) -> None:
        if waiting := self._waiting.taken():
            self._sql.execute(waiting.encode())

    def close(self) -> None:
        """Close the connection; what was not committed is not done."""
        self._sql.close()

    def _run(self, statement: str, parameters: Sequence[object] = ()) -> _Cursor:
        return self._sql.execute(statement, parameters or None, binary=True)

    def _begin_reading(self) -> Rows:
        return self._begin(lambda: self._run(_BEGIN_READING))

    def _begin_writing(self) -> Rows:
        return self._begin(self._lock)

    def _begin(self, begin: Callable[[], Rows]) -> Rows:
        """Begin, on a new connection where the server has closed this one while it was idle."""
        self._xid = ""
        self._waiting.taken()
        if not self._sql.closed:
            with contextlib.suppress(ConnectionLost), faults():
                return begin()
        try:
            self._sql = self._connected()
        except ConnectionLost as lost:
            raise Unreachable(lost.state, lost.name) from None
        with faults():
            return begin()

    def _lock(self) -> Rows:
        cursor = self._sql.execute(_BEGIN_WRITING)
        cursor.nextset()
        row = cursor.fetchone()
        self._xid = str(row[1]) if row else ""
        return cursor

    def _roll_back(self) -> Rows:
        self._waiting.taken()
        # What only read has nothing to undo, and prepared statements outlive a commit.
        with faults():
            return self._run("ROLLBACK" if self._xid else "COMMIT")

    def _commit(self) -> Rows:
        # A commit ends every savepoint.
        self._waiting.taken()
        try:
            with faults():
                return self._run("COMMIT")
        except ConnectionLost:
            logger.warning("connection lost during a commit; asking what became of it")
            return self._what_became_of_it()

    def _what_became_of_it(self) -> Rows:
        """Return if the transaction was committed after all; raise ConnectionLost if it was not.

        Raises OutcomeUnknown where no server answers in time, or another one does, or the same one
        after a crash, that has a transaction of this number: a number that was not on the disk
        everywhere is given again. Whoever sends the same request again is told then.
        """
        until, life = time.monotonic() + PATIENCE_SECONDS, self._sql.life
        while time.monotonic() < until:
            try:
                self._sql = self._connected()
                status = self._status()
            except StoreFault:
                time.sleep(_PAUSE_SECONDS)
                continue
            if status != "committed":
                raise ConnectionLost("40003", "not committed")
            if self._sql.life == life:
                return self._run("SELECT 1")
            break
        raise OutcomeUnknown("08007", "outcome unknown")

    def _status(self) -> str:
        """Ask what became of the last transaction, behind the lock that it held to its end."""
        with faults():
            try:
                with self._sql.transaction():
                    self._sql.execute(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
                    asked = self._sql.execute("SELECT pg_xact_status($1::xid8)", (self._xid,))
                    row = asked.fetchone()
            except errors.InvalidParameterValue:
                # The server that took the other's place has never heard of it.
                return ""
            # Its wait for the standby may have been broken off: what comes behind it waits again.
            prove(self._sql)
        return str(row[0]) if row else ""

    def _connected(self) -> PrimaryConnection:
        with faults():
            sql = adapted(connected(self._url))
        if self._watch is not None:
            self._watch.add(sql)
        return sql


def adapted(sql: PrimaryConnection) -> PrimaryConnection:
    """Return a connection that keeps statements prepared, and takes values as SQLite does."""
    sql.prepare_threshold = _PREPARED_AFTER
    sql.prepared_max = _MOST_PREPARED
    sql.adapters.register_dumper(int, Int8BinaryDumper)
    sql.adapters.register_dumper(bool, Int8BinaryDumper)
    sql.adapters.register_dumper(str, StrBinaryDumper)
    sql.adapters.register_loader("numeric", _WholeNumber)
    return sql


class _WholeNumber(NumericBinaryLoader):
    """Reads a sum of whole numbers as what it is."""

    def load(self, data: Buffer) -> int:  # type: ignore[override]  # a sum is no fraction here
        return int(super().load(data))


@contextlib.contextmanager
def faults() -> Iterator[None]:
    """Raise what psycopg raises as ours, without its text, which may quote a row."""
    try:
        yield
    except psycopg.Error as error:
        raise fault_of(error) from None


def fault_of(error: psycopg.Error) -> StoreFault:
    """Return our name for an error of PostgreSQL's."""
    state = error.sqlstate or ""
    kind = _kind_of(error, state)
    return kind(state, type(error).__name__)


def _kind_of(error: psycopg.Error, state: str) -> type[StoreFault]:
    for beginning, kind in _KINDS:
        if state.startswith(beginning):
            return kind
    # A connection that goes has no state to give.
    return (
        ConnectionLost if not state and isinstance(error, psycopg.OperationalError) else StoreFault
    )
