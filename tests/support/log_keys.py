"""Signers of the log for tests: one that signs, one that fails or stalls on demand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit import checkpoints, tree
from juki_audit.leaf import Leaf, commitment
from juki_audit.notes import VerifierKey
from juki_audit.tree import Head
from juki_center.areas.calls import Logged
from juki_pki.log_signer import LogKey

ORIGIN = "log.example/center"


def log_key(seed: int = 1, origin: str = ORIGIN) -> LogKey:
    """Return a key that is the same for the same seed."""
    private = Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big"))
    return LogKey(private.sign, VerifierKey.of(origin, private))


@dataclass(slots=True)
class TroubledSigner:
    """Signs as `key` does, unless it is told to fail, or to wait until it is let go."""

    key: LogKey = field(default_factory=log_key)
    fails: bool = False
    free: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    def __post_init__(self) -> None:
        self.free.set()

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.key.origin

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The keys by which a head is known."""
        return self.key.verifiers

    def sign(self, text: str) -> bytes:
        """Sign, fail or wait."""
        self.asked += 1
        self.free.wait()
        if self.fails:
            raise OSError("the device is gone")
        return self.key.sign(text)


def verified_head(note: bytes, key: LogKey | None = None) -> Head:
    """Return the head of a signed note; it must verify."""
    known = key or log_key()
    return checkpoints.verify(checkpoints.parse(note), known.origin, known.verifiers).head


def verified_leaf(logged: Logged, key: LogKey | None = None) -> Leaf:
    """Return the leaf that a receipt opens; it must be in the tree of its checkpoint."""
    head = verified_head(logged.checkpoint, key)
    committed = commitment(logged.salt, logged.content)
    tree.verify_inclusion(head, committed, logged.index, logged.proof)
    return Leaf.decode(logged.content)
