"""The anchors of the channel: the center's TLS leaves, from the public folder `trust/`.

Nothing is ever taken from the channel that they are to judge.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from pathlib import Path

LEAVES: Final = "center-leaves.pem"


def read_public(folder: Path, name: str) -> bytes:
    """Read a file of the trust folder; raise Problem CONFIGURATION_INVALID naming it."""
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise Problem("CONFIGURATION_INVALID", {"key": "trust.dir", "file": name}) from error


def leaf_hashes(leaves_pem: bytes) -> frozenset[bytes]:
    """Return the SHA-256 of each leaf in DER; raise Problem CONFIGURATION_INVALID."""
    try:
        leaves = x509.load_pem_x509_certificates(leaves_pem)
    except ValueError as error:
        raise Problem("CONFIGURATION_INVALID", {"key": "trust.dir", "file": LEAVES}) from error
    return frozenset(hashlib.sha256(leaf.public_bytes(Encoding.DER)).digest() for leaf in leaves)
