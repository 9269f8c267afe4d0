"""What the audit log costs: a leaf on its way into a commit, and a start with a long log."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

from juki_center.areas.residents.records import PersonID
from juki_center.storage.connection import connect, transaction
from juki_center.storage.keys import KeyEncryptionKey, create_kek
from juki_center.storage.signing import Signing
from juki_center.storage.sqlite import SQLiteStore
from juki_center.storage.transaction import Transaction
from tests.bench.measuring import Figure, Goal, Part
from tests.support.log_acts import EVENT
from tests.support.log_keys import log_key
from tests.support.long_log import lengthen

READY_SECONDS = 5.0
_BATCHES = (1, 13, 64)
_ROUNDS = 150


def measure(folder: Path, size: int) -> Iterator[Part]:
    """Lengthen the log of an empty store, open it, and append to it."""
    folder.mkdir()
    create_kek(folder / "kek")
    kek = KeyEncryptionKey.load(folder / "kek")
    path = folder / "center.db"
    SQLiteStore(path, kek, signer=log_key()).close()
    lengthen(path, size)
    began = time.perf_counter()
    SQLiteStore(path, kek, signer=log_key()).close()
    ready = time.perf_counter() - began
    figures = [
        Figure(f"CPU of a leaf {what}, {batch} in a commit", cost, f"{cost:.1f} µs")
        for batch in _BATCHES
        for what, cost in _microseconds_a_leaf(path, kek, batch).items()
    ]
    opened = Figure("opened, its newest leaves checked", ready, f"{ready:.2f} s")
    goal = Goal(f"log-{size}-ready-s", ready, READY_SECONDS)
    yield Part(f"audit log, {size:,} leaves", [opened, *figures], [goal])


def _microseconds_a_leaf(path: Path, kek: KeyEncryptionKey, batch: int) -> dict[str, float]:
    """Return the CPU of leaves, without the commit's own: made by their acts, then appended to the
    tree, signed and written.
    """
    with closing(connect(path)) as sql:
        sql.execute("PRAGMA synchronous = OFF")
        tx, signing = Transaction(sql, kek), Signing(log_key())
        spent = [_spent(sql, tx, signing, batch) for _ in range(_ROUNDS)]
        signing.close()
    made, appended = (median(times) / batch * 1e6 for times in zip(*spent, strict=True))
    return {"made": made, "appended": appended}


def _spent(
    sql: sqlite3.Connection, tx: Transaction, signing: Signing, batch: int
) -> tuple[float, float]:
    events = [
        replace(EVENT, subjects=(PersonID(number.to_bytes(16, "big")),)) for number in range(batch)
    ]
    tx.log.begin()
    with transaction(sql):
        began = time.process_time()
        for event in events:
            tx.log.begin_act()
            tx.audit.append(event)
            tx.log.end_act()
        made = time.process_time()
        tx.log.seal(signing)
        return made - began, time.process_time() - made
