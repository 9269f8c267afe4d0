"""Whether a log is whole, checked by another way than the store's own."""

from __future__ import annotations

from juki_audit import tree
from juki_audit.leaf import commitment
from juki_audit.merkle import root
from juki_center.storage.sqlite import SQLiteStore
from tests.support.log_keys import verified_head
from tests.support.rows import peeking


def check_whole(store: SQLiteStore) -> int:
    """Check a store's leaves, nodes and head against each other; return the tree's size."""
    size = store.read(lambda tx: tx.audit.size())
    leaves = store.read(lambda tx: tx.audit.leaves(0, size + 1))
    assert [leaf.index for leaf in leaves] == list(range(size))
    for leaf in leaves:
        if leaf.salt is not None and leaf.content is not None:
            assert leaf.commitment == commitment(leaf.salt, leaf.content)
    commitments = [leaf.commitment for leaf in leaves]
    with peeking(store) as sql:
        frontier, signed_size, note = sql.execute(
            "SELECT frontier, signed_size, checkpoint FROM audit_head"
        ).fetchone()
        nodes = sql.execute("SELECT level, node_index, hash FROM audit_nodes").fetchall()
    assert tree.Frontier.decode(frontier).root() == root(commitments)
    assert sorted(nodes) == sorted(
        (level, index, root(commitments[index << level : (index + 1) << level]))
        for level in range(size.bit_length())
        for index in range(size >> level)
    )
    if note is not None:
        assert verified_head(note) == tree.Head(signed_size, root(commitments[:signed_size]))
    return size
