"""What a terminal does by its hotlist: it refuses listed cards early, and dials no revoked node.

The list only ever takes away. What it lets pass, the center judges; and where it is too old to
speak of cards, it says so, and card sessions begin all the same unless the terminal requires it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from juki_client.outcome import Problem
from juki_pki.errors import IdentityError
from juki_pki.identity import identity_from_certificate
from juki_terminal import hotlist_file
from juki_terminal.paper_press import copy_signers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from juki_terminal.config import TerminalConfig
    from juki_terminal.hotlist import Hotlist


@dataclass(frozen=True, slots=True)
class HotlistGuard:
    """Stands before card sessions. `tell_old` is called where an old list is not gone by."""

    hotlist: Hotlist | None
    is_required: bool
    now: Callable[[], datetime]
    tell_old: Callable[[], object]

    def begin(self) -> None:
        """Raise Problem HOTLIST_TOO_OLD where a fresh list is required and there is none."""
        now = self.now()
        if self.hotlist is not None and self.hotlist.is_fresh(now):
            return
        if self.is_required:
            if self.hotlist is None:
                raise Problem("HOTLIST_TOO_OLD")
            self.hotlist.require_fresh(now)
        self.tell_old()

    def refuse(self, serial: bytes) -> None:
        """Raise Problem CARD_SUSPENDED or CARD_REVOKED for a card on a fresh list."""
        if self.hotlist is not None:
            self.hotlist.refuse(serial, self.now())


def load(config: TerminalConfig) -> Hotlist | None:
    """Return the list that the configuration names, None where there is none yet.

    Raises Problem HOTLIST_NOT_TRUSTED and CONFIGURATION_INVALID.
    """
    if config.hotlist is None:
        return None
    kept = hotlist_file.load(config.hotlist, copy_signers(config.trust_dir))
    return None if kept is None else kept.hotlist


def trusted_leaves(leaves_pem: bytes, hotlist: Hotlist | None) -> bytes:
    """Return the center's leaves without those of nodes that count no more.

    Raises Problem CERTIFICATE_REVOKED where none is left.
    """
    if hotlist is None or not (hotlist.node_certificates or hotlist.node_uris):
        return leaves_pem
    leaves = x509.load_pem_x509_certificates(leaves_pem)
    left = [leaf for leaf in leaves if not _is_revoked(leaf, hotlist)]
    if not left:
        raise Problem("CERTIFICATE_REVOKED", {"peer": "center"})
    return b"".join(leaf.public_bytes(Encoding.PEM) for leaf in left)


def _is_revoked(leaf: x509.Certificate, hotlist: Hotlist) -> bool:
    if leaf.fingerprint(hashes.SHA256()) in hotlist.node_certificates:
        return True
    try:
        return identity_from_certificate(leaf).uri in hotlist.node_uris
    except IdentityError:
        return False
