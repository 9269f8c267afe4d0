"""Writes trust/: every public part that the folder holds, of all generations that are trusted.

What is in use comes first in each file. No private key is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_pki.certify import certificate_pem
from juki_pki.credential import load_certificate
from juki_pki.files import read_public, write_public
from juki_pki.generations import NEXT, living, predecessors, retired
from juki_pki.identity import Role
from juki_pki.log_signer import VERIFIERS
from juki_pki.profile import ATS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509

    from juki_pki.folder import PKIFolder

CERTIFICATE: Final = "certificate.pem"
CHAIN: Final = "chain.pem"
CROSS: Final = "cross.pem"
CV_CERTIFICATE: Final = "certificate.cvcert"
LINK: Final = "link.cvcert"
VERIFIER: Final = "verifier"
_ALWAYS: Final = (CERTIFICATE, CV_CERTIFICATE, VERIFIER)
_FILES: Final = {
    "root.pem": Kind.ROOT,
    "issuing.pem": Kind.ISSUING,
    "copy-signers.pem": Kind.COPY_SIGNER,
    "card-signers.pem": Kind.CARD_SIGNER,
}


def refresh_trust(folder: PKIFolder) -> None:
    """Write every public part anew; each file is replaced in one step."""
    trust = folder.trust_path
    for name, kind in _FILES.items():
        write_public(trust / name, _joined(folder.path / kind, CERTIFICATE))
    write_public(trust / "crosses.pem", _joined(folder.path / Kind.ISSUING, CROSS))
    leaves = b"".join(map(certificate_pem, center_leaves(folder)))
    write_public(trust / "center-leaves.pem", leaves)
    cvca = folder.cv_path(Kind.CVCA)
    write_public(trust / "cvca.cvcert", _joined(cvca, CV_CERTIFICATE))
    write_public(trust / "links.cvcert", _links(cvca))
    write_public(trust / "dv.cvcert", read_public(folder.cv_path(Kind.DV) / CV_CERTIFICATE))
    for kind in ATS:
        octets = read_public(folder.cv_path(kind) / "description.der")
        write_public(trust / f"{kind}.description.der", octets)
    if folder.log_signer_path.exists():
        write_public(trust / VERIFIERS, _joined(folder.log_signer_path, VERIFIER))


def _joined(path: Path, name: str) -> bytes:
    """Return a file of every living generation; only what does not come from init may lack it."""
    files = [generation / name for generation in living(path)]
    found = [file for file in files if file.exists() or name in _ALWAYS]
    if name.endswith(".pem"):
        return b"".join(certificate_pem(load_certificate(file)) for file in found)
    return b"".join(map(read_public, found))


def _links(cvca: Path) -> bytes:
    """Return the link certificates in the order in which the CVCAs followed each other.

    Who trusts an old one alone goes on from link to link.
    """
    successors = (path for path in living(cvca) if path.name == NEXT)
    in_order = (*(one.path for one in reversed(predecessors(cvca))), cvca, *successors)
    return b"".join(read_public(path / LINK) for path in in_order if (path / LINK).exists())


def center_leaves(folder: PKIFolder) -> list[x509.Certificate]:
    """Return the TLS certificates that terminals may meet, of every center node."""
    return [
        load_certificate(generation / CERTIFICATE)
        for node in _nodes(folder)
        for generation in living(node)
    ]


def described_leaves(folder: PKIFolder) -> list[x509.Certificate]:
    """Return the TLS certificates that the descriptions list, which are more.

    A terminal wants every leaf that it has pinned to be listed, and one that has not heard yet
    that a leaf was retired must not be shut out by that.
    """
    gone = [
        load_certificate(generation / CERTIFICATE)
        for node in _nodes(folder)
        for generation in retired(node)
    ]
    return center_leaves(folder) + gone


def _nodes(folder: PKIFolder) -> Iterator[Path]:
    return (folder.peer_path(node) for node in folder.peers(Role.CENTER))
