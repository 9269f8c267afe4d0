"""A store whose log does not hold is not opened, and the row is named (case 43, at the start)."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from juki_center.errors import LogBroken
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.log_check import NEWEST
from juki_center.storage.sqlite import SQLiteStore
from juki_pki.log_signer import LogKey
from tests.support.log_acts import EVENT
from tests.support.log_keys import ORIGIN, log_key, verified_head
from tests.support.long_log import lengthen
from tests.support.undisturbed import Stopwatch

pytestmark = pytest.mark.embedded

LONG = bool(os.environ.get("JUKI_LONG"))
LEAVES = 37
READY_SECONDS = 5.0


def opened(folder: Path, key: LogKey | None = None) -> SQLiteStore:
    """Open the store of a folder with a log key."""
    kek = KeyEncryptionKey.load(folder / "kek")
    return SQLiteStore(folder / "center.db", kek, signer=key or log_key())


@pytest.fixture
def logged(folder: Path) -> Path:
    """Return a folder with a closed store whose log has 37 leaves and a signed head."""
    lengthen(folder / "center.db", LEAVES)
    opened(folder).close()
    return folder


def change(folder: Path, *statements: str) -> None:
    """Change a closed store behind its back."""
    with closing(sqlite3.connect(folder / "center.db")) as sql, sql:
        for statement in statements:
            sql.execute(statement)


ALTERED = {
    "content": (
        "UPDATE audit_leaves SET content = X'00' WHERE leaf_index = 20",
        "row 20 of audit_leaves was altered",
    ),
    "commitment": (
        "UPDATE audit_leaves SET commitment = zeroblob(32), salt = NULL WHERE leaf_index = 20",
        "row 20 of audit_leaves was altered or put",
    ),
    "last": (
        "DELETE FROM audit_leaves WHERE leaf_index = 36",
        "row 36 of audit_leaves is missing: the head counts 37",
    ),
    "first": ("DELETE FROM audit_leaves WHERE leaf_index = 0", "row 0 of audit_leaves is missing"),
    "middle": (
        "DELETE FROM audit_leaves WHERE leaf_index = 12",
        "row 12 of audit_leaves is missing",
    ),
    "added": (
        "INSERT INTO audit_leaves SELECT 37, at, issuing, residence, salt, content, commitment"
        " FROM audit_leaves WHERE leaf_index = 36",
        "row 37 of audit_leaves is not in the tree",
    ),
    "node": (
        "UPDATE audit_nodes SET hash = zeroblob(32) WHERE level = 2 AND node_index = 3",
        r"row \(2, 3\) of audit_nodes was altered",
    ),
    "missing node": (
        "DELETE FROM audit_nodes WHERE level = 1 AND node_index = 5",
        r"row \(1, 5\) of audit_nodes is missing",
    ),
    "frontier node": (
        "UPDATE audit_nodes SET hash = zeroblob(32) WHERE level = 5",
        "audit_head does not fit audit_nodes",
    ),
    "missing frontier node": (
        "DELETE FROM audit_nodes WHERE level = 5",
        r"row \(5, 0\) of audit_nodes is missing",
    ),
    "frontier": ("UPDATE audit_head SET frontier = X'00'", "the row of audit_head is none"),
    "head": ("DELETE FROM audit_head", "the row of audit_head is none"),
    "signed size": ("UPDATE audit_head SET signed_size = 36", "not one of this tree"),
    "signed size beyond": ("UPDATE audit_head SET signed_size = 40", "the last are missing"),
    "checkpoint": ("UPDATE audit_head SET checkpoint = X'00'", "does not count: NOTE_FORM"),
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_log_that_was_changed_is_not_opened_and_the_row_is_named(logged: Path, what: str) -> None:
    statement, named = ALTERED[what]
    change(logged, statement)

    with pytest.raises(LogBroken) as broken:
        opened(logged)

    assert str(logged / "center.db") in broken.value.problem
    assert re.search(named, broken.value.problem)


def test_two_leaves_in_each_others_place_are_named(logged: Path) -> None:
    change(
        logged,
        "UPDATE audit_leaves SET leaf_index = -1 WHERE leaf_index = 7",
        "UPDATE audit_leaves SET leaf_index = 7 WHERE leaf_index = 30",
        "UPDATE audit_leaves SET leaf_index = 30 WHERE leaf_index = -1",
    )

    with pytest.raises(LogBroken) as broken:
        opened(logged)

    assert "row 7 of audit_leaves was altered or put in another's place" in broken.value.problem


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        (log_key(2), "SIGNER_UNKNOWN"),
        (log_key(1, "log.example/other"), "ORIGIN_OTHER"),
    ],
)
def test_a_head_of_another_log_is_not_opened(logged: Path, key: LogKey, rule: str) -> None:
    with pytest.raises(LogBroken) as broken:
        opened(logged, key)

    assert rule in broken.value.problem


def test_a_signature_that_was_altered_is_not_opened(logged: Path) -> None:
    with closing(sqlite3.connect(logged / "center.db")) as sql, sql:
        (note,) = sql.execute("SELECT checkpoint FROM audit_head").fetchone()
        line = note.rindex(b" ") + 20
        changed = note[:line] + bytes([note[line] ^ 1]) + note[line + 1 :]
        sql.execute("UPDATE audit_head SET checkpoint = ?", (changed,))

    with pytest.raises(LogBroken, match="STORE_UNAVAILABLE") as broken:
        opened(logged)

    assert "does not count" in broken.value.problem
    assert ORIGIN in note.decode()


def test_a_leaf_whose_content_was_deleted_by_the_rules_holds(logged: Path) -> None:
    change(logged, "UPDATE audit_leaves SET salt = NULL, content = NULL WHERE leaf_index < 20")

    opened(logged).close()


async def test_a_log_that_is_older_than_what_a_start_reads_opens_and_grows(folder: Path) -> None:
    size = 1_000_000 if LONG else NEWEST + 2_345
    lengthen(folder / "center.db", size)

    watch = Stopwatch()
    store = opened(folder)
    seconds = watch.seconds()
    await store.act(lambda tx: tx.audit.append(EVENT))

    note = store.read(lambda tx: tx.audit.checkpoint())
    print(f"a store with {size:,} leaves opens in {seconds:.2f} s (goal <= {READY_SECONDS} s)")
    assert seconds <= READY_SECONDS
    assert note is not None
    assert verified_head(note).size == size + 1
    store.close()


def test_the_newest_leaves_of_a_long_log_are_all_looked_at(folder: Path) -> None:
    size = NEWEST + 2_345
    lengthen(folder / "center.db", size)
    opened(folder).close()
    change(folder, f"UPDATE audit_leaves SET content = X'00' WHERE leaf_index = {size - NEWEST}")

    with pytest.raises(LogBroken) as broken:
        opened(folder)

    assert f"row {size - NEWEST} of audit_leaves" in broken.value.problem
