"""What a terminal trusts: the center's TLS leaves, the CVCA, the signers of copies, the log.

All of it is the public folder `trust/` of the PKI; nothing is ever taken from a document or from
the channel that it is to judge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from juki_client import anchors
from juki_client.log_proofs import trusted_log

if TYPE_CHECKING:
    from pathlib import Path

    from juki_audit.receipts import TrustedLog


@dataclass(frozen=True, slots=True)
class Trust:
    """The trust folder, read once.

    `center_leaves_pem` are the only anchors of the channel; `cvca` are the trust points of
    certificate chains, each DER with tag 7F21; `log` is the audit log whose receipts count.
    """

    folder: Path
    center_leaves_pem: bytes
    cvca: bytes
    log: TrustedLog

    @classmethod
    def load(cls, folder: Path) -> Trust:
        """Read the folder; raise Problem CONFIGURATION_INVALID naming a file that is not there."""
        return cls(
            folder=folder,
            center_leaves_pem=anchors.read_public(folder, anchors.LEAVES),
            cvca=anchors.read_public(folder, "cvca.cvcert"),
            log=trusted_log(folder),
        )

    def anchored_by(self, center_leaves_pem: bytes) -> Trust:
        """Return the same trust with other leaves of the center."""
        return replace(self, center_leaves_pem=center_leaves_pem)

    def leaf_hashes(self) -> frozenset[bytes]:
        """Return the SHA-256 of each pinned TLS leaf in DER."""
        return anchors.leaf_hashes(self.center_leaves_pem)
