"""The audit leaves of a store, as an auditor with a copy of the file reads them."""

from __future__ import annotations

import cbor2

from juki_center.areas.audit.leaf import commitment
from juki_center.storage.sqlite import SQLiteStore
from tests.support.rows import Peekable, peeking


def leaves(store: SQLiteStore) -> list[dict[str, object]]:
    """Return the content of all leaves in order; each must fit its commitment and its place."""
    return leaves_in(store)


def leaves_in(path: Peekable) -> list[dict[str, object]]:
    """Return the leaves of a database file, which a center may be serving from."""
    with peeking(path) as sql:
        rows = sql.execute(
            "SELECT leaf_index, salt, content, commitment FROM audit_leaves ORDER BY leaf_index"
        ).fetchall()
    for place, (index, salt, content, committed) in enumerate(rows):
        assert index == place
        assert committed == commitment(salt, content)
    return [cbor2.loads(row[2]) for row in rows]
