"""How long `audit verify` takes for a whole store: 20,000 leaves here, 1,000,000 by JUKI_LONG=1."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from juki_audit import checkpoints
from juki_audit.checkpoints import Checkpoint
from juki_audit.leaf import Leaf, commitment
from juki_audit.tree import Frontier
from juki_center.cli.commands import app
from juki_center.storage.sql import to_micros
from juki_pki.log_signer import FOLDER, LogKey
from tests.support.signed_center import NOW, URI, make_center, open_center_store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.embedded

LONG = os.environ.get("JUKI_LONG") == "1"
LEAVES = 1_000_000 if LONG else 20_000
AT_ONCE = 20_000


def fill(folder: Path, count: int) -> None:
    """Write leaves, nodes and a signed head as the center does, without its acts."""
    make_center(folder)
    open_center_store(folder).close()
    frontier = Frontier()
    with closing(sqlite3.connect(folder / "center.db")) as sql, sql:
        for first in range(0, count, AT_ONCE):
            rows = [row_of(index) for index in range(first, min(first + AT_ONCE, count))]
            growth = frontier.append_all(row[-1] for row in rows)
            frontier = growth.frontier
            sql.executemany(
                "INSERT INTO audit_leaves (leaf_index, at, issuing, residence, salt, content,"
                " commitment) VALUES (?, ?, '131016', '112089', ?, ?, ?)",
                rows,
            )
            nodes = [(node.level, node.index, node.hash) for node in growth.nodes]
            sql.executemany("INSERT INTO audit_nodes VALUES (?, ?, ?)", nodes)
        key = LogKey.load(folder / "pki" / FOLDER)
        note = key.sign(checkpoints.body(Checkpoint(key.origin, frontier.head())))
        sql.execute(
            "UPDATE audit_head SET frontier = ?, signed_size = ?, checkpoint = ?",
            (frontier.encode(), count, note),
        )


def row_of(index: int) -> tuple[int, int, bytes, bytes, bytes]:
    at = NOW + timedelta(seconds=index)
    leaf = Leaf(
        event="COPY_ISSUED",
        at=at,
        caller_uri=URI,
        outcome="DONE",
        issuing="131016",
        residence="112089",
        subjects=(secrets.token_bytes(32),),
        resource=f"131016-20261123-{index}",
    )
    salt, content = secrets.token_bytes(32), leaf.encode()
    return index, to_micros(at), salt, content, commitment(salt, content)


@pytest.mark.slow
@pytest.mark.timeout(1800 if LONG else 120)
def test_a_whole_store_is_examined_and_the_time_is_told(tmp_path: Path) -> None:
    fill(tmp_path, LEAVES)
    trust = str(tmp_path / "pki" / "trust")
    began = time.perf_counter(), time.process_time()

    done = CliRunner().invoke(
        app, ["audit", "verify", "--store", str(tmp_path / "center.db"), "--trust", trust]
    )

    took, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    print(f"audit verify: {LEAVES:,} leaves in {took:.1f} s, {cpu / LEAVES * 1e6:.0f} µs CPU each")
    assert done.exit_code == 0, done.output
    assert f"{LEAVES:,} leaves" in done.stdout
