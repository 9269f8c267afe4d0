"""How many acts share a sync, and what an act costs beside the bare insertion of its rows.

The act is the smallest that the store has: a request that is answered once, with its leaf and the
nodes above it. The same rows are read out of the store afterwards and inserted into an empty one,
64 acts in a transaction, by `executemany`.
"""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import uuid4

from juki_center.areas import calls
from juki_center.areas.requests.answers import Request
from juki_center.storage.connection import connect
from juki_center.storage.keys import KeyEncryptionKey, create_kek
from juki_center.storage.sqlite import SQLiteStore
from tests.bench.effort import Effort
from tests.bench.measuring import Figure, Goal, Least, Part
from tests.support.log_acts import URI, answering, new_call
from tests.support.log_keys import TroubledSigner

ACTS_PER_SYNC, CPU_RATIO = 12.0, 4.0
_TOGETHER = 64
_TABLES = ("audit_leaves", "audit_nodes", "answers")

Rows = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one turn found: acts, commits, and the CPU of an act of each kind in seconds."""

    acts: int
    syncs: int
    act: float
    bare: float


def measure(folder: Path, effort: Effort) -> Iterator[Part]:
    """Measure both halves of G5."""
    folder.mkdir(parents=True)
    create_kek(folder / "kek")
    turns = [_turn(folder / str(number), folder / "kek", effort) for number in range(effort.pairs)]
    ratio = median(one.act / one.bare for one in turns)
    per_sync = median(one.acts / one.syncs for one in turns)
    act, bare = (median(each) * 1e6 for each in zip(*((t.act, t.bare) for t in turns), strict=True))
    figures = [
        Figure("acts in the last turn", turns[-1].acts, f"{turns[-1].acts:,}"),
        Figure("acts in a sync", per_sync, f"{per_sync:.1f}"),
        Figure("CPU of an act", act, f"{act:.0f} µs"),
        Figure("CPU of its rows by executemany, 64 acts a commit", bare, f"{bare:.0f} µs"),
    ]
    beside = (Least("acts_per_sync", per_sync, ACTS_PER_SYNC),)
    goals = [Goal("G5 ratio", ratio, CPU_RATIO, beside)]
    yield Part(f"Acts, {effort.at_once} at once, with leaf, nodes and first answer", figures, goals)


def _turn(folder: Path, kek: Path, effort: Effort) -> _Turn:
    """Commit acts for some time, then insert the rows that they have left once more."""
    folder.mkdir()
    signer = TroubledSigner()
    key = KeyEncryptionKey.load(kek)
    with closing(SQLiteStore(folder / "acts.db", key, signer=signer)) as store:
        before = signer.asked
        cpu = time.process_time()
        acts = asyncio.run(_acts(store, effort))
        spent = time.process_time() - cpu
        syncs = signer.asked - before
    SQLiteStore(folder / "bare.db", key).close()
    bare = _inserted(folder / "bare.db", _rows(folder / "acts.db", acts), acts)
    return _Turn(acts, syncs, spent / acts, bare / acts)


async def _acts(store: SQLiteStore, effort: Effort) -> int:
    done = 0
    end = time.perf_counter() + effort.seconds

    async def one() -> None:
        nonlocal done
        while time.perf_counter() < end:
            calls.enter(new_call())
            await store.act(answering(Request(URI, uuid4(), b"content")))
            done += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(effort.at_once):
            tasks.create_task(one(), context=contextvars.copy_context())
    return done


def _rows(path: Path, acts: int) -> dict[str, Rows]:
    """Return the rows of each table that the acts have written; there is an answer for each."""
    with closing(sqlite3.connect(path)) as sql:
        found = {table: sql.execute(f"SELECT * FROM {table}").fetchall() for table in _TABLES}
    if len(found["answers"]) != acts:
        raise RuntimeError(f"{len(found['answers'])} answers to {acts} acts")
    return found


def _inserted(path: Path, rows: dict[str, Rows], acts: int) -> float:
    """Insert the rows of 64 acts in one transaction after the other; return the CPU of all."""
    portions = max(1, acts // _TOGETHER)
    with closing(connect(path)) as sql:
        for table in _TABLES:
            sql.execute(f"DELETE FROM {table}")
        cpu = time.process_time()
        for number in range(portions):
            sql.execute("BEGIN IMMEDIATE")
            for table, all_rows in rows.items():
                _insert(sql, table, all_rows[number::portions])
            sql.execute("COMMIT")
        return time.process_time() - cpu


def _insert(sql: sqlite3.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        places = ", ".join("?" * len(rows[0]))
        sql.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
