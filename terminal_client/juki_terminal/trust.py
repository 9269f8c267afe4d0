"""What a terminal trusts: the center's TLS leaves, the CVCA, the signers of copies.

All of it is the public folder `trust/` of the PKI; nothing is ever taken from a document or from
the channel that it is to judge.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from juki_terminal.outcome import Problem

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Trust:
    """The trust folder, read once.

    `center_leaves_pem` are the only anchors of the channel; `cvca` are the trust points of
    certificate chains, each DER with tag 7F21.
    """

    folder: Path
    center_leaves_pem: bytes
    cvca: bytes

    @classmethod
    def load(cls, folder: Path) -> Trust:
        """Read the folder; raise Problem CONFIGURATION_INVALID naming a file that is not there."""
        return cls(
            folder=folder,
            center_leaves_pem=_read(folder / "center-leaves.pem"),
            cvca=_read(folder / "cvca.cvcert"),
        )

    def leaf_hashes(self) -> frozenset[bytes]:
        """Return the SHA-256 of each pinned TLS leaf in DER."""
        try:
            leaves = x509.load_pem_x509_certificates(self.center_leaves_pem)
        except ValueError as error:
            facts = {"key": "trust.dir", "file": "center-leaves.pem"}
            raise Problem("CONFIGURATION_INVALID", facts) from error
        return frozenset(hashlib.sha256(c.public_bytes(Encoding.DER)).digest() for c in leaves)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Problem("CONFIGURATION_INVALID", {"key": "trust.dir", "file": path.name}) from error
