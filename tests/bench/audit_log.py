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
    costs = {batch: _microseconds_a_leaf(path, kek, batch) for batch in _BATCHES}
    figures = [
        Figure(f"CPU of a leaf, {batch} in a commit", cost, f"{cost:.1f} µs")
        for batch, cost in costs.items()
    ]
    opened = Figure("opened, its newest leaves checked", ready, f"{ready:.2f} s")
    goal = Goal(f"log-{size}-ready-s", ready, READY_SECONDS)
    yield Part(f"audit log, {size:,} leaves", [opened, *figures], [goal])


def _microseconds_a_leaf(path: Path, kek: KeyEncryptionKey, batch: int) -> float:
    """Return the CPU of making, signing and writing leaves, without the commit's own."""
    with closing(connect(path)) as sql:
        sql.execute("PRAGMA synchronous = OFF")
        tx, signing = Transaction(sql, kek), Signing(log_key())
        spent = [_spent(sql, tx, signing, batch) for _ in range(_ROUNDS)]
        empty = [_spent(sql, tx, signing, 0) for _ in range(_ROUNDS)]
        signing.close()
    return (median(spent) - median(empty)) / batch * 1e6


def _spent(sql: sqlite3.Connection, tx: Transaction, signing: Signing, batch: int) -> float:
    began = time.process_time()
    tx.log.begin()
    with transaction(sql):
        for number in range(batch):
            tx.log.begin_act()
            tx.audit.append(replace(EVENT, subjects=(PersonID(number.to_bytes(16, "big")),)))
            tx.log.end_act()
        tx.log.seal(signing)
    return time.process_time() - began
