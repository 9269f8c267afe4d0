"""One walk over the rows of a log and the leaf hashes of its tree, which name each other's faults.

What a row commits to and what the tree was grown from are kept apart. Where both lie at their place
and agree, nothing is remembered; so the walk needs little memory, however long the log is.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import cbor2

from juki_audit.findings import Finding, Rule
from juki_audit.leaf import SALT_OCTETS, commitment
from juki_audit.rows import Columns, Row
from juki_audit.tree import Frontier, leaf_hash, node_hash

_STEP: Final = 4096
Pair = tuple[bytes | None, bytes | None]
"""The leaf hash of a row and the one in the tree; None for what is not there."""
Progress = Callable[[int], None]


class GrowingTree:
    """A tree that only its right edge is kept of; None is appended where a leaf is unknown."""

    __slots__ = ("_is_whole", "edge", "size")

    def __init__(self) -> None:
        self.size = 0
        self.edge: list[bytes] = []
        self._is_whole = True

    def add(self, leaf: bytes | None) -> None:
        """Append the hash of a leaf."""
        if leaf is None or not self._is_whole:
            self._is_whole = False
            return
        index, node = self.size, leaf
        while index & 1:
            node = node_hash(self.edge.pop(), node)
            index >>= 1
        self.edge.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over the leaves before the first unknown one."""
        return Frontier(self.size, tuple(self.edge)).root()

    def frontier(self) -> Frontier | None:
        """Return the frontier; None from the first unknown leaf on."""
        return Frontier(self.size, tuple(self.edge)) if self._is_whole else None

    def fork(self) -> GrowingTree:
        """Return a tree of its own that goes on from here."""
        other = GrowingTree()
        other.size, other.edge, other._is_whole = self.size, [*self.edge], self._is_whole
        return other


@dataclass
class Walk:
    """What a walk has seen. `roots` are the roots at the sizes that were asked for."""

    wanted: frozenset[int]
    size: int = 0
    differing: dict[int, Pair] = field(default_factory=dict)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    tree: GrowingTree = field(default_factory=GrowingTree)
    by_rows: GrowingTree | None = None
    roots: dict[int, bytes] = field(default_factory=dict)
    roots_by_rows: dict[int, bytes] = field(default_factory=dict)
    _next_index: int = 0

    def run(
        self, rows: Iterator[Row], hashes: Iterator[tuple[int, bytes]], progress: Progress
    ) -> None:
        """Walk to the end of both."""
        self._note_roots()
        row, kept = self._next_row(rows), next(hashes, None)
        while row is not None or kept is not None:
            at = _lowest(row, kept)
            if at > self.size:
                self._gap(at)
            of_row = of_tree = None
            is_behind = kept is None
            if row is not None and row.index == at:
                of_row, row = leaf_hash(row.commitment), self._next_row(rows)
            if kept is not None and kept[0] == at:
                of_tree, kept = kept[1], next(hashes, None)
            self._step(at, of_row, of_tree, is_behind=is_behind)
            if self.size % _STEP == 0:
                progress(self.size)

    def _next_row(self, rows: Iterator[Row]) -> Row | None:
        """Return the next row at or behind the walk's place; name those that lie too late."""
        for row in rows:
            self.findings += faults_of(row)
            if row.index >= self._next_index:
                self._next_index = row.index + 1
                return row
            self._late(row)
        return None

    def _late(self, row: Row) -> None:
        """Take a row that lies behind later ones: out of its place, or there twice."""
        found = self.differing.get(row.index)
        if found is None or found[0] is not None:
            self.findings.append(Finding(Rule.ADDED, row.index, row.index, facts="twice"))
            return
        self.findings.append(Finding(Rule.REORDERED, row.index, row.index, facts="lies later"))
        self.differing[row.index] = (leaf_hash(row.commitment), found[1])

    def _step(
        self, at: int, of_row: bytes | None, of_tree: bytes | None, *, is_behind: bool
    ) -> None:
        """Take the leaf hash of a row and the one in the tree; `is_behind` where the tree ended."""
        if of_row is None or of_tree is None or not hmac.compare_digest(of_row, of_tree):
            self.differing[at] = (of_row, of_tree)
            if self.by_rows is None:
                self.by_rows = self.tree.fork()
        if not is_behind:
            self.tree.add(of_row if of_tree is None else of_tree)
        if self.by_rows is not None:
            self.by_rows.add(of_row)
        self.size = at + 1
        self._note_roots()

    def _gap(self, at: int) -> None:
        """Go on behind leaves of which neither row nor hash is there."""
        self.gaps.append((self.size, at - 1))
        self.by_rows = self.by_rows or self.tree.fork()
        self.tree.add(None)
        self.by_rows.add(None)
        self.size = at

    def _note_roots(self) -> None:
        for tree, roots in ((self.tree, self.roots), (self.by_rows, self.roots_by_rows)):
            if tree is not None and tree.size in self.wanted and tree.size not in roots:
                roots[tree.size] = tree.root()


def _lowest(row: Row | None, kept: tuple[int, bytes] | None) -> int:
    """Return the place of whichever comes first; one of them is there."""
    places = []
    if row is not None:
        places.append(row.index)
    if kept is not None:
        places.append(kept[0])
    return min(places)


def faults_of(row: Row) -> list[Finding]:
    """Return what is wrong with a row by itself."""
    if row.content is None and row.salt is None:
        return []
    opened = row.content is not None and row.salt is not None and len(row.salt) == SALT_OCTETS
    if not opened or commitment(row.salt or b"", row.content or b"") != row.commitment:
        return [Finding(Rule.CONTENT_ALTERED, row.index, row.index)]
    if row.columns is not None and row.columns != _columns_of(row.content or b""):
        return [Finding(Rule.COLUMNS_ALTERED, row.index, row.index)]
    return []


def _columns_of(content: bytes) -> Columns | None:
    """Return what a content says of its columns; None where it is no content at all."""
    try:
        entries = cbor2.loads(content)
    except (cbor2.CBORDecodeError, ValueError, OverflowError, RecursionError):
        return None
    if not isinstance(entries, dict):
        return None
    at, issuing, residence = entries.get("at"), entries.get("iss", ""), entries.get("res", "")
    if not (isinstance(at, int) and isinstance(issuing, str) and isinstance(residence, str)):
        return None
    return Columns(at, issuing, residence)
