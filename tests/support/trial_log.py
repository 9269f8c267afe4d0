"""An audit log in memory, honest or not: leaves, signed heads, receipts and proofs.

It stands beside the center's own, so that what a client accepts is not what the center happens to
write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit import checkpoints
from juki_audit.checkpoints import Checkpoint
from juki_audit.leaf import DONE, Leaf, commitment
from juki_audit.notes import VerifierKey
from juki_audit.receipts import LoggedLeaf, Receipt, TrustedLog
from juki_audit.tree import Frontier, Head, consistency_proof, inclusion_proof

ORIGIN = "log.example/trial"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TERMINAL = "juki://municipality/131016/terminal/w1"


def leaf_of(event: str, caller_uri: str = TERMINAL, request_id: bytes = b"") -> Leaf:
    """Return a leaf of an act that was done."""
    return Leaf(event, AT, caller_uri, DONE, request_id=request_id)


@dataclass
class TrialLog:
    """A log that signs whatever it is told to."""

    origin: str = ORIGIN
    key: Ed25519PrivateKey = KEY
    frontier: Frontier = field(default_factory=Frontier)
    heads: list[Head] = field(default_factory=lambda: [Frontier().head()])
    leaves: list[tuple[bytes, bytes]] = field(default_factory=list)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)

    @property
    def trusted(self) -> TrustedLog:
        """What its clients trust."""
        return TrustedLog(self.origin, (VerifierKey.of(self.origin, self.key),))

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self.frontier.size

    def append(self, leaf: Leaf) -> int:
        """Append a leaf; return its index."""
        return self.append_octets(leaf.encode())

    def append_octets(self, content: bytes) -> int:
        """Append what may be the content of a leaf; return its index."""
        index = self.size
        salt = hashlib.sha256(b"salt %d" % index).digest()
        growth = self.frontier.append(commitment(salt, content))
        self.frontier = growth.frontier
        self.nodes |= {(node.level, node.index): node.hash for node in growth.nodes}
        self.heads.append(self.frontier.head())
        self.leaves.append((salt, content))
        return index

    def append_others(self, count: int) -> None:
        """Append leaves of acts that somebody else has done."""
        for number in range(count):
            event = f"OTHER_{self.size}_{number}"
            self.append(leaf_of(event, "juki://municipality/112089/terminal/w9"))

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete node."""
        return self.nodes[level, index]

    def logged(self, index: int, size: int | None = None) -> LoggedLeaf:
        """Return a leaf with its proof to a tree, by default the newest."""
        salt, content = self.leaves[index]
        proof = inclusion_proof(self.node, index, self.size if size is None else size)
        return LoggedLeaf(index, salt, content, proof)

    def checkpoint(self, size: int | None = None) -> bytes:
        """Return the signed head of a size, by default the newest."""
        head = self.heads[self.size if size is None else size]
        return checkpoints.sign(Checkpoint(self.origin, head), self.key).note().encode()

    def receipt(self, indexes: Sequence[int], size: int | None = None) -> Receipt:
        """Return the receipt of some leaves under the head of a size."""
        leaves = tuple(self.logged(index, size) for index in indexes)
        return Receipt(leaves, self.checkpoint(size))

    def receipt_of(self, leaf: Leaf) -> Receipt:
        """Append a leaf; return its receipt."""
        return self.receipt([self.append(leaf)])

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Prove that the tree of `second` leaves begins with that of `first`."""
        return consistency_proof(self.node, first, second)

    def forked_at(self, size: int) -> TrialLog:
        """Return a log of the same name and key that shares the first leaves only."""
        fork = replace(self, frontier=Frontier(), heads=[Frontier().head()], leaves=[], nodes={})
        for _, content in self.leaves[:size]:
            fork.append(Leaf.decode(content))
        return fork
