"""The public half of the PKI folder: what a terminal or an auditor needs, and may have.

root.pem issuing.pem            X.509 authorities
crosses.pem                     issuing authorities, certified by a later root as well
center-leaves.pem               every center node's TLS certificate: the pinned trust anchors
copy-signers.pem card-signers.pem
cvca.cvcert dv.cvcert           card access authorities
links.cvcert                    each CVCA certified by the one before it
at-center-*.description.der     what the center's card access certificates are for
log-verifiers                   the keys that sign the audit log's heads, one a line; none in
                                folders of before

In a roll-over a file holds several, what is in use first; `show` explains each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from juki_pki.credential import (
    load_certificates,
    load_cv_certificate,
    load_cv_certificates,
    load_description,
)
from juki_pki.errors import Unreadable
from juki_pki.log_signer import VERIFIERS, load_verifiers
from juki_pki.profile import ATS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cryptography import x509

    from juki_audit.notes import VerifierKey
    from juki_card.cvc import CVCertificate
    from juki_card.description import CertificateDescription

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Trust:
    """All public parts, parsed; in each tuple what is in use comes first."""

    roots: tuple[x509.Certificate, ...]
    issuings: tuple[x509.Certificate, ...]
    crosses: tuple[x509.Certificate, ...]
    center_leaves: tuple[x509.Certificate, ...]
    copy_signers: tuple[x509.Certificate, ...]
    card_signers: tuple[x509.Certificate, ...]
    cvcas: tuple[CVCertificate, ...]
    links: tuple[CVCertificate, ...]
    dv: CVCertificate
    descriptions: Mapping[Kind, CertificateDescription]
    log_verifiers: tuple[VerifierKey, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Trust:
        """Read a trust folder; raise Missing or Unreadable with the file's name."""
        return cls(
            roots=_some(load_certificates, folder / "root.pem"),
            issuings=_some(load_certificates, folder / "issuing.pem"),
            crosses=_if_there(load_certificates, folder / "crosses.pem"),
            center_leaves=load_certificates(folder / "center-leaves.pem"),
            copy_signers=load_certificates(folder / "copy-signers.pem"),
            card_signers=load_certificates(folder / "card-signers.pem"),
            cvcas=_some(load_cv_certificates, folder / "cvca.cvcert"),
            links=_if_there(load_cv_certificates, folder / "links.cvcert"),
            dv=load_cv_certificate(folder / "dv.cvcert"),
            descriptions={
                kind: load_description(folder / f"{kind}.description.der") for kind in ATS
            },
            log_verifiers=_if_there(load_verifiers, folder / VERIFIERS),
        )

    @property
    def root(self) -> x509.Certificate:
        """The root in use."""
        return self.roots[0]

    @property
    def issuing(self) -> x509.Certificate:
        """The issuing authority in use."""
        return self.issuings[0]

    @property
    def cvca(self) -> CVCertificate:
        """The CVCA in use, which new cards trust."""
        return self.cvcas[0]

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """What a center takes peers' certificates on: all roots, and authorities they share.

        A peer goes on sending the chain that it has, also when the root above it was retired; a
        cross certificate stands for the one in that chain.
        """
        return self.roots + self.crosses


def _some(load: Callable[[Path], tuple[Entry, ...]], path: Path) -> tuple[Entry, ...]:
    certificates = load(path)
    if not certificates:
        raise Unreadable(str(path), "no certificate, there must be one")
    return certificates


def _if_there(load: Callable[[Path], tuple[Entry, ...]], path: Path) -> tuple[Entry, ...]:
    """Read what folders of before do not have."""
    return load(path) if path.exists() else ()
