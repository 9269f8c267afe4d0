"""The append-only Merkle tree over the log's leaves, and the proofs about it (RFC 9162, 2.1).

A node has an address: its level, 0 for leaf hashes, and its index in that level. The node
(level, index) stands over the leaves from index * 2**level on, 2**level of them; it is complete
when they all exist, and never changes from then on. Appending needs the `Frontier` alone, proofs
need the complete nodes. `merkle.root` computes the same hash by another way, from all the entries.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from juki_audit.errors import LogMalformed, ProofInvalid
from juki_audit.merkle import LEAF_PREFIX, NODE_PREFIX

MAX_SIZE: Final = 1 << 63
HASH_OCTETS: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()
_SIZE_OCTETS = 8

ReadNode = Callable[[int, int], bytes]
"""Returns the hash of the complete node (level, index)."""


def leaf_hash(commitment: bytes) -> bytes:
    """Return the hash of a leaf, which is the node at level 0.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return hashlib.sha256(LEAF_PREFIX + commitment).digest()


@dataclass(frozen=True, slots=True)
class Head:
    """What a tree is at one size; raises LogMalformed for what no tree can have."""

    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise LogMalformed("TREE_SIZE")
        if len(self.root) != HASH_OCTETS:
            raise LogMalformed("ROOT_LENGTH")
        if not self.size and self.root != EMPTY_ROOT:
            raise LogMalformed("ROOT_OF_EMPTY_TREE")


@dataclass(frozen=True, slots=True)
class Node:
    """A complete node: nothing that is appended later changes it."""

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Growth:
    """What appending gives: the frontier afterwards, and the nodes that became complete."""

    frontier: Frontier
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that appending needs of a tree: the hashes of the full subtrees that it consists of.

    The largest stands first; there is one for each bit that is set in the size. Raises LogMalformed
    where there are others.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise LogMalformed("TREE_SIZE")
        if len(self.hashes) != self.size.bit_count():
            raise LogMalformed("FRONTIER_LENGTH")
        if any(len(one) != HASH_OCTETS for one in self.hashes):
            raise LogMalformed("FRONTIER_HASH_LENGTH")

    @classmethod
    def decode(cls, octets: bytes) -> Frontier:
        """Read what `encode` wrote; raises LogMalformed for anything else."""
        if len(octets) < _SIZE_OCTETS or (len(octets) - _SIZE_OCTETS) % HASH_OCTETS:
            raise LogMalformed("FRONTIER_LENGTH")
        starts = range(_SIZE_OCTETS, len(octets), HASH_OCTETS)
        hashes = tuple(octets[start : start + HASH_OCTETS] for start in starts)
        return cls(int.from_bytes(octets[:_SIZE_OCTETS], "big"), hashes)

    def encode(self) -> bytes:
        """Return the size in 8 octets, then the hashes."""
        return self.size.to_bytes(_SIZE_OCTETS, "big") + b"".join(self.hashes)

    def append(self, commitment: bytes) -> Growth:
        """Append one leaf; raises LogMalformed in a full tree."""
        return self.append_all([commitment])

    def append_all(self, commitments: Iterable[bytes]) -> Growth:
        """Append the leaves in order; raises LogMalformed if the tree cannot hold them."""
        size, edge = self.size, list(self.hashes)
        nodes: list[Node] = []
        for commitment in commitments:
            nodes.extend(_completed(size, commitment, edge))
            size += 1
        return Growth(Frontier(size, tuple(edge)), tuple(nodes))

    def root(self) -> bytes:
        """Return the tree hash, 32 octets."""
        return _joined(self.hashes) if self.hashes else EMPTY_ROOT

    def head(self) -> Head:
        """Return the size and the root."""
        return Head(self.size, self.root())


def inclusion_proof(read_node: ReadNode, index: int, size: int) -> tuple[bytes, ...]:
    """Prove that the leaf `index` is in the tree of the first `size` leaves (RFC 9162, 2.1.3.1).

    Raises LogMalformed where that tree has no such leaf.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise LogMalformed("LEAF_INDEX")
    # The steps of `_path`, in place: a server proves each leaf that it appends.
    proof, level, last = [], 0, size - 1
    while last:
        if (beside := index ^ 1) <= last:
            proof.append(_sibling(read_node, level, beside, size))
        level, index, last = level + 1, index >> 1, last >> 1
    return tuple(proof)


def consistency_proof(read_node: ReadNode, first: int, second: int) -> tuple[bytes, ...]:
    """Prove that the tree of `second` leaves begins with that of `first` (RFC 9162, 2.1.4.1).

    The proof is empty where there is nothing to prove: from the empty tree, or to the same size.
    Raises LogMalformed where the second is the smaller.
    """
    if not 0 <= first <= second <= MAX_SIZE:
        raise LogMalformed("TREE_SIZES")
    if first in {0, second}:
        return ()
    level, index = _last_subtree(first)
    start = (read_node(level, index),) if index else ()
    path = _path(level, index, second)
    return start + tuple(_sibling(read_node, step.level, step.position, second) for step in path)


def verify_inclusion(head: Head, commitment: bytes, index: int, proof: Sequence[bytes]) -> None:
    """Check that the leaf `index` under this head is the commitment (RFC 9162, 2.1.3.2).

    Raises ProofInvalid. What is computed depends on the index and the size alone.
    """
    if not 0 <= index < head.size:
        raise ProofInvalid("LEAF_INDEX", start=index, size=head.size)
    path = tuple(_path(0, index, head.size))
    _verify_form(proof, len(path), start=index, size=head.size)
    root = leaf_hash(commitment)
    for step, sibling in zip(path, proof, strict=True):
        root = node_hash(sibling, root) if step.is_left else node_hash(root, sibling)
    if not hmac.compare_digest(root, head.root):
        raise ProofInvalid("ROOT", start=index, size=head.size)


def verify_consistency(older: Head, newer: Head, proof: Sequence[bytes]) -> None:
    """Check that the newer tree only appended to the older one (RFC 9162, 2.1.4.2).

    Every tree follows the empty one. Raises ProofInvalid. What is computed depends on the sizes
    alone.
    """
    if older.size > newer.size:
        raise ProofInvalid("TREE_SIZES", start=older.size, size=newer.size)
    if older.size in {0, newer.size}:
        _verify_form(proof, 0, start=older.size, size=newer.size)
        first, second = (newer.root, older.root) if older.size else (older.root, newer.root)
    else:
        first, second = _roots_by(older, newer, proof)
    is_older = hmac.compare_digest(first, older.root)
    is_newer = hmac.compare_digest(second, newer.root)
    if not (is_older and is_newer):
        raise ProofInvalid("ROOT", start=older.size, size=newer.size)


def _roots_by(older: Head, newer: Head, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the roots of both trees that follow from the proof."""
    level, index = _last_subtree(older.size)
    path = tuple(_path(level, index, newer.size))
    _verify_form(proof, len(path) + bool(index), start=older.size, size=newer.size)
    # A full older tree is a node of the newer one, and its root need not be sent again.
    start, *siblings = proof if index else (older.root, *proof)
    first = second = start
    for step, sibling in zip(path, siblings, strict=True):
        if step.is_left:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
        else:
            second = node_hash(second, sibling)
    return first, second


def _verify_form(proof: Sequence[bytes], length: int, *, start: int, size: int) -> None:
    if len(proof) != length:
        raise ProofInvalid("PROOF_LENGTH", start=start, size=size)
    if any(len(one) != HASH_OCTETS for one in proof):
        raise ProofInvalid("HASH_LENGTH", start=start, size=size)


class _Step(NamedTuple):
    """The node that is hashed with the one on the path; it may be incomplete at the right edge."""

    level: int
    position: int
    is_left: bool


def _path(level: int, index: int, size: int) -> Iterator[_Step]:
    """Yield the siblings from a node up to the root of the tree of `size` leaves.

    The last node of a level goes up alone where it is a left one: it has no sibling.
    """
    last = (size - 1) >> level
    while last:
        if index & 1:
            yield _Step(level, index - 1, True)
        elif index < last:
            yield _Step(level, index + 1, False)
        level, index, last = level + 1, index >> 1, last >> 1


def _sibling(read_node: ReadNode, level: int, index: int, size: int) -> bytes:
    """Return the hash over the leaves of a node that are in the tree."""
    if (index + 1) << level <= size:
        return read_node(level, index)
    subtrees = _full_subtrees(index << level, size)
    return _joined([read_node(*address) for address in subtrees])


def _full_subtrees(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the addresses of the full subtrees over [begin, end), the largest first.

    `begin` is the first leaf of a node that reaches to `end` or beyond.
    """
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield level, begin >> level
        begin += 1 << level


def _last_subtree(size: int) -> tuple[int, int]:
    """Return the address of the smallest full subtree of a tree, the last of its frontier."""
    level = (size & -size).bit_length() - 1
    return level, (size - 1) >> level


def _completed(size: int, commitment: bytes, edge: list[bytes]) -> Iterator[Node]:
    """Append one leaf to the edge of a tree; yield the nodes that it completes, upwards."""
    level, index, node = 0, size, leaf_hash(commitment)
    yield Node(level, index, node)
    while index & 1:
        level, index, node = level + 1, index >> 1, node_hash(edge.pop(), node)
        yield Node(level, index, node)
    edge.append(node)


def _joined(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over subtrees that stand side by side, each larger than the next."""
    *rest, joined = hashes
    for left in reversed(rest):
        joined = node_hash(left, joined)
    return joined


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two nodes."""
    return hashlib.sha256(NODE_PREFIX + left + right).digest()
