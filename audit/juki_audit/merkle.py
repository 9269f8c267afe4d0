"""The Merkle tree hash of a list of octet strings (RFC 6962, 2.1), by which one leaf vouches for
many rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

LEAF_PREFIX: Final = b"\x00"
NODE_PREFIX: Final = b"\x01"


def root(entries: Sequence[bytes]) -> bytes:
    """Return the tree hash of the entries in order, 32 bytes.

    >>> root([b""]).hex()[:16]
    '6e340b9cffb37a98'
    """
    if not entries:
        return hashlib.sha256().digest()
    return _over([hashlib.sha256(LEAF_PREFIX + entry).digest() for entry in entries])


def _over(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over leaf hashes; the left part is the largest full tree before the end."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return hashlib.sha256(NODE_PREFIX + _over(hashes[:split]) + _over(hashes[split:])).digest()
