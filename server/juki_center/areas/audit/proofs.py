"""What anybody may ask of the log: its newest head, and proofs about its tree.

The nodes that a proof needs are known from the sizes alone, so they are read in one question.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from juki_audit import checkpoints, tree
from juki_audit.tree import EMPTY_ROOT, ReadNode
from juki_center.areas.audit.rows import Address, StoredLeaf
from juki_center.errors import Reason, Refusal

Proof = tuple[bytes, ...]


class ProvableLog(Protocol):
    """What the store answers about the log's tree, all of one committed state."""

    def size(self) -> int:
        """Return how many leaves there are."""

    def checkpoint(self) -> bytes | None:
        """Return the newest signed head with its cosignatures; None where none was signed."""

    def leaves(self, first: int, count: int) -> list[StoredLeaf]:
        """Return at most `count` leaves in order, from the leaf `first` on."""

    def nodes(self, addresses: Collection[Address]) -> Mapping[Address, bytes]:
        """Return the hashes of complete nodes, in one question to the database."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That a leaf is in the tree of `size` leaves; `checkpoint` is empty for a size asked for."""

    size: int
    commitment: bytes
    proof: Proof
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the tree of `size` leaves follows an older one; `checkpoint` as above."""

    size: int
    proof: Proof
    checkpoint: bytes


def newest_checkpoint(log: ProvableLog) -> bytes:
    """Return the newest signed head; raises Refusal(LOG_NOT_SIGNED)."""
    note = log.checkpoint()
    if not note:
        raise Refusal(Reason.LOG_NOT_SIGNED)
    return note


def prove_inclusion(log: ProvableLog, index: int, size: int | None) -> Inclusion:
    """Prove that a leaf is in the tree of `size` leaves, or of the newest signed head.

    Raises Refusal: LOG_SHORTER where there is no such leaf or size, LOG_NOT_SIGNED, and
    FIELD_INVALID for a leaf that is not among the first `size`.
    """
    upto, checkpoint = _size(log, size)
    if index >= upto:
        if size is None:
            raise Refusal(Reason.LOG_SHORTER, treeSize=str(upto))
        raise Refusal(Reason.FIELD_INVALID, field="leaf_index", rule="LEAF_INDEX")
    proof = _proof(log, lambda read_node: tree.inclusion_proof(read_node, index, upto))
    return Inclusion(upto, log.leaves(index, 1)[0].commitment, proof, checkpoint)


def prove_consistency(log: ProvableLog, first: int, second: int | None) -> Consistency:
    """Prove that the tree of `second` leaves, or of the newest signed head, begins with `first`.

    Raises Refusal: LOG_SHORTER where the log never was so large, LOG_NOT_SIGNED, and FIELD_INVALID
    where the second tree is the smaller.
    """
    upto, checkpoint = _size(log, second)
    if first > upto:
        if second is None:
            raise Refusal(Reason.LOG_SHORTER, treeSize=str(upto))
        raise Refusal(Reason.FIELD_INVALID, field="first_size", rule="TREE_SIZES")
    proof = _proof(log, lambda read_node: tree.consistency_proof(read_node, first, upto))
    return Consistency(upto, proof, checkpoint)


def _size(log: ProvableLog, size: int | None) -> tuple[int, bytes]:
    """Return the size of the tree that a proof is for; with it the head, where none was named."""
    if size is None:
        checkpoint = newest_checkpoint(log)
        return checkpoints.parse(checkpoint).checkpoint.head.size, checkpoint
    newest = log.size()
    if size > newest:
        raise Refusal(Reason.LOG_SHORTER, treeSize=str(newest))
    return size, b""


def _proof(log: ProvableLog, prove: Callable[[ReadNode], Proof]) -> Proof:
    """Make a proof from nodes that are all read at once."""
    wanted: list[Address] = []

    def note(level: int, index: int) -> bytes:
        wanted.append((level, index))
        return EMPTY_ROOT

    prove(note)
    if not wanted:
        return prove(note)
    found = log.nodes(wanted)
    return prove(lambda level, index: found[level, index])
