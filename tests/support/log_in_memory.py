"""A log whose leaves and nodes lie in memory, and that counts the questions about its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit import checkpoints
from juki_audit.checkpoints import Checkpoint
from juki_audit.notes import VerifierKey
from juki_audit.tree import Frontier
from juki_center.areas.audit.rows import StoredLeaf

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from juki_center.areas.audit.rows import Address

NOW = datetime(2026, 4, 1, tzinfo=UTC)
ORIGIN = "log.test"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = VerifierKey.of(ORIGIN, LOG_KEY)


def signed_head(leaves: Sequence[bytes], key: Ed25519PrivateKey = LOG_KEY) -> bytes:
    """Return the signed head over some leaves, as a note."""
    head = Frontier().append_all(leaves).frontier.head()
    return checkpoints.sign(Checkpoint(ORIGIN, head), key).note().encode()


@dataclass
class LogInMemory:
    """A log of some leaves, whose newest signed head is over the first `signed` of them."""

    kept: list[bytes]
    signed: int | None = None
    asked: int = 0

    def size(self) -> int:
        return len(self.kept)

    def checkpoint(self) -> bytes | None:
        return None if self.signed is None else signed_head(self.kept[: self.signed])

    def leaves(self, first: int, count: int) -> list[StoredLeaf]:
        found = list(enumerate(self.kept))[first : first + count]
        return [StoredLeaf(index, NOW, commitment, None, None) for index, commitment in found]

    def nodes(self, addresses: Collection[Address]) -> Mapping[Address, bytes]:
        self.asked += 1
        complete = Frontier().append_all(self.kept).nodes
        kept = {(node.level, node.index): node.hash for node in complete}
        return {address: kept[address] for address in addresses}
