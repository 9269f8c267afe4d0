"""Whether the log of a store holds, as far as a start has time for.

The frontier is checked against the nodes, the newest signed head against both and against the
log's keys, and the newest leaves against all nodes above them. What is older was checked when it
was new; a whole check reads every row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from juki_audit import checkpoints
from juki_audit.errors import LogRefused
from juki_audit.leaf import commitment
from juki_audit.tree import Frontier, Head, Node
from juki_center.areas.audit.heads import LogSigner
from juki_center.areas.audit.rows import StoredLeaf
from juki_center.errors import LogBroken
from juki_center.storage.log_growth import edge
from juki_center.storage.log_table import HeadRow, LogTable, read_head
from juki_center.storage.sql import SQL, as_number, as_octets

NEWEST: Final = 10_000
"""So many leaves are checked at a start."""
_AT_ONCE: Final = 1_000


def check_log(sql: SQL, log: LogTable, signer: LogSigner | None) -> HeadRow:
    """Return the head of a log that holds. Raises LogBroken, naming the row.

    A signature is checked where the log's keys are at hand.
    """
    head = _head(sql)
    _check_end(sql, head.frontier.size)
    if head.frontier != _frontier_of_nodes(log, head.frontier.size):
        raise LogBroken("the row of audit_head does not fit audit_nodes")
    _check_signed(log, head, signer)
    _check_newest(sql, log, head.frontier)
    return head


def _head(sql: SQL) -> HeadRow:
    try:
        return read_head(sql)
    except (LogRefused, TypeError) as error:
        raise LogBroken("the row of audit_head is none") from error


def _check_end(sql: SQL, size: int) -> None:
    row = sql.execute("SELECT coalesce(max(leaf_index) + 1, 0) FROM audit_leaves").fetchone()
    found = as_number(row[0]) if row else 0
    if found < size:
        raise LogBroken(f"row {found} of audit_leaves is missing: the head counts {size}")
    if found > size:
        raise LogBroken(f"row {size} of audit_leaves is not in the tree: the head counts {size}")


def _frontier_of_nodes(log: LogTable, size: int) -> Frontier:
    return Frontier(size, tuple(_node(log, level, index) for level, index in edge(size)))


def _node(log: LogTable, level: int, index: int) -> bytes:
    try:
        return log.node(level, index)
    except LookupError as error:
        raise LogBroken(_of_node(level, index) + " is missing") from error


def _of_node(level: int, index: int) -> str:
    return f"row ({level}, {index}) of audit_nodes"


def _check_signed(log: LogTable, head: HeadRow, signer: LogSigner | None) -> None:
    if head.checkpoint is None:
        return
    if head.signed_size > head.frontier.size:
        raise LogBroken(f"the signed head counts {head.signed_size} leaves: the last are missing")
    signed = _signed_head(head.checkpoint, signer)
    if signed != _frontier_of_nodes(log, head.signed_size).head():
        raise LogBroken("the signed head of audit_head is not one of this tree")


def _signed_head(note: bytes, signer: LogSigner | None) -> Head:
    try:
        signed = checkpoints.parse(note)
        if signer is not None:
            checkpoints.verify(signed, signer.origin, signer.verifiers)
    except LogRefused as error:
        raise LogBroken(f"the signed head of audit_head does not count: {error.rule}") from error
    return signed.checkpoint.head


def _check_newest(sql: SQL, log: LogTable, frontier: Frontier) -> None:
    """Append the newest leaves once more, and compare every node that this completes."""
    grown = _frontier_of_nodes(log, max(0, frontier.size - NEWEST))
    while grown.size < frontier.size:
        leaves = log.leaves(grown.size, _AT_ONCE)
        _check_leaves(grown.size, leaves)
        growth = grown.append_all(leaf.commitment for leaf in leaves)
        _check_nodes(sql, growth.nodes)
        grown = growth.frontier
    if grown != frontier:
        raise LogBroken("the row of audit_head does not fit audit_leaves")


def _check_leaves(first: int, leaves: Iterable[StoredLeaf]) -> None:
    for expected, leaf in enumerate(leaves, start=first):
        if leaf.index != expected:
            raise LogBroken(f"row {expected} of audit_leaves is missing")
        if leaf.salt is None or leaf.content is None:
            continue
        if commitment(leaf.salt, leaf.content) != leaf.commitment:
            raise LogBroken(f"row {expected} of audit_leaves was altered")


def _check_nodes(sql: SQL, nodes: Iterable[Node]) -> None:
    by_level: dict[int, list[Node]] = {}
    for node in nodes:
        by_level.setdefault(node.level, []).append(node)
    for level, expected in sorted(by_level.items()):
        rows = sql.execute(
            "SELECT node_index, hash FROM audit_nodes WHERE level = ?"
            " AND node_index BETWEEN ? AND ?",
            (level, expected[0].index, expected[-1].index),
        ).fetchall()
        found = {as_number(index): as_octets(kept) for index, kept in rows}
        for node in expected:
            _check_node(node, found.get(node.index))


def _check_node(node: Node, kept: bytes | None) -> None:
    if kept is None:
        raise LogBroken(_of_node(node.level, node.index) + " is missing")
    if kept == node.hash:
        return
    if node.level:
        raise LogBroken(_of_node(node.level, node.index) + " was altered")
    raise LogBroken(f"row {node.index} of audit_leaves was altered or put in another's place")
