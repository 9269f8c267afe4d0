"""A log in memory that a test may damage wherever it likes, as an examination reads it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from juki_audit.leaf import Leaf, commitment
from juki_audit.rows import Row
from juki_audit.tree import Frontier
from tests.support.log_in_memory import signed_head

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGAN = datetime(2026, 4, 1, tzinfo=UTC)


def row_of(index: int, resource: str = "") -> Row:
    """Return a row with a content of its own."""
    leaf = Leaf(
        event="COPY_ISSUED",
        at=BEGAN + timedelta(seconds=index),
        caller_uri="juki://municipality/131016/terminal/01",
        outcome="DONE",
        resource=resource or f"number-{index}",
    )
    salt = hashlib.sha256(f"salt {index}".encode()).digest()
    content = leaf.encode()
    return Row(index, commitment(salt, content), salt, content)


@dataclass
class Records:
    """Rows, nodes, head and note of a log; all of them can be changed."""

    kept: list[Row]
    tree: dict[tuple[int, int], bytes]
    head: Frontier
    note: bytes
    keeps_tree: bool = True

    @classmethod
    def of(cls, size: int) -> Records:
        """Make a sound log."""
        rows = [row_of(index) for index in range(size)]
        leaves = [row.commitment for row in rows]
        growth = Frontier().append_all(leaves)
        nodes = {(node.level, node.index): node.hash for node in growth.nodes}
        return cls(rows, nodes, growth.frontier, signed_head(leaves))

    @property
    def size(self) -> int:
        return len(self.kept)

    def rows(self) -> Iterator[Row]:
        return iter(self.kept)

    def nodes(self, level: int) -> Iterator[tuple[int, bytes]]:
        found = sorted(place for place in self.tree if place[0] == level)
        return ((index, self.tree[level, index]) for _, index in found)

    def checkpoint(self) -> bytes:
        return self.note

    def frontier(self) -> Frontier | None:
        return self.head

    def renumber(self) -> None:
        """Give the rows the numbers of their places."""
        self.kept = [replace(row, index=place) for place, row in enumerate(self.kept)]

    def regrow(self) -> None:
        """Grow the tree anew from the rows, as one who has the database but not the key can."""
        fresh = Frontier().append_all([row.commitment for row in self.kept])
        self.tree = {(node.level, node.index): node.hash for node in fresh.nodes}
        self.head = fresh.frontier
