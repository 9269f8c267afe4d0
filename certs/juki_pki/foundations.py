"""Which valid certificates stand on an authority: what a retirement would take the ground from.

Peers that have enrolled have certificates that lie in no folder; whoever asks brings them along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature

from juki_pki.credential import load_certificate
from juki_pki.errors import StillNeeded
from juki_pki.generations import living
from juki_pki.identity import Role
from juki_pki.profile import Kind
from juki_pki.publishing import CERTIFICATE, CROSS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from juki_pki.folder import PKIFolder


def require_nobody_below_issuing(
    folder: PKIFolder, old: Path, now: datetime, further: Sequence[x509.Certificate]
) -> None:
    """Raise StillNeeded where an issuing authority has issued what is valid yet."""
    issuing = load_certificate(old / CERTIFICATE)
    below = [name for name, leaf in _valid(folder, now, further) if _is_issued_by(leaf, issuing)]
    if below:
        raise StillNeeded(f"the issuing authority in {old}", below)


def require_nobody_below_root(
    folder: PKIFolder, old: Path, now: datetime, further: Sequence[x509.Certificate]
) -> None:
    """Raise StillNeeded where a valid certificate leads to no root but this one."""
    root = load_certificate(old / CERTIFICATE)
    authorities = [one for one in _issuing(folder) if not _is_issued_by(one, root)]
    grounded = [authority.public_key() for authority in authorities]
    below = [
        name
        for name, leaf in _valid(folder, now, further)
        if not any(_is_issued_by(leaf, authority) for authority in authorities)
    ]
    below += [
        str(path)
        for path in living(folder.path / Kind.ISSUING)
        if load_certificate(path / CERTIFICATE).public_key() not in grounded
    ]
    if below:
        raise StillNeeded(f"the root in {old}", below)


def _issuing(folder: PKIFolder) -> Iterator[x509.Certificate]:
    for path in living(folder.path / Kind.ISSUING):
        for name in (CERTIFICATE, CROSS):
            if (path / name).exists():
                yield load_certificate(path / name)


def _valid(
    folder: PKIFolder, now: datetime, further: Sequence[x509.Certificate]
) -> Iterator[tuple[str, x509.Certificate]]:
    """Yield every certificate below the issuing authorities that has not run out, with a name."""
    for name, leaf in _known(folder):
        if leaf.not_valid_after_utc >= now:
            yield name, leaf
    for leaf in further:
        if leaf.not_valid_after_utc >= now:
            yield leaf.subject.rfc4514_string(), leaf


def _known(folder: PKIFolder) -> Iterator[tuple[str, x509.Certificate]]:
    for role in Role:
        for peer in folder.peers(role):
            for path in living(folder.peer_path(peer)):
                yield peer.uri, load_certificate(path / CERTIFICATE)
    for path in living(folder.path / Kind.COPY_SIGNER):
        yield Kind.COPY_SIGNER, load_certificate(path / CERTIFICATE)


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
