"""A log as long as wanted, written straight into the tables of a closed store."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from juki_audit.leaf import Leaf, commitment
from juki_audit.tree import Frontier
from juki_center.storage.log_table import read_head
from tests.support.center import NOW

_AT_ONCE = 10_000


def lengthen(path: Path, size: int) -> None:
    """Append leaves to the log of a store until it has `size`; its head is left unsigned."""
    content = Leaf("COPY_ISSUED", NOW, "juki://municipality/112089/terminal/01", "DONE").encode()
    with closing(sqlite3.connect(path, isolation_level=None)) as sql:
        sql.execute("PRAGMA synchronous = OFF")
        sql.execute("BEGIN")
        frontier = read_head(sql).frontier
        while frontier.size < size:
            frontier = _append(sql, frontier, min(_AT_ONCE, size - frontier.size), content)
        sql.execute("UPDATE audit_head SET frontier = ?", (frontier.encode(),))
        sql.execute("COMMIT")


def _append(sql: sqlite3.Connection, frontier: Frontier, count: int, content: bytes) -> Frontier:
    rows = []
    for index in range(frontier.size, frontier.size + count):
        salt = hashlib.sha256(index.to_bytes(8, "big")).digest()
        rows.append((index, salt, content, commitment(salt, content)))
    growth = frontier.append_all(row[3] for row in rows)
    sql.executemany(
        "INSERT INTO audit_leaves (leaf_index, at, salt, content, commitment)"
        " VALUES (?, 0, ?, ?, ?)",
        rows,
    )
    sql.executemany(
        "INSERT INTO audit_nodes (level, node_index, hash) VALUES (?, ?, ?)",
        [(node.level, node.index, node.hash) for node in growth.nodes],
    )
    return growth.frontier
