"""The public half of the PKI folder: what a terminal or an auditor needs, and may have.

root.pem issuing.pem            X.509 authorities
center-leaves.pem               every center node's TLS certificate: the pinned trust anchors
copy-signers.pem card-signers.pem
cvca.cvcert dv.cvcert           card access authorities
at-center-*.description.der     what the center's card access certificates are for
log-verifiers                   the keys that sign the audit log's heads, one a line; none in
                                folders of before
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_pki.credential import (
    load_certificate,
    load_certificates,
    load_cv_certificate,
    load_description,
)
from juki_pki.log_signer import VERIFIERS, load_verifiers
from juki_pki.profile import ATS, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cryptography import x509

    from juki_audit.notes import VerifierKey
    from juki_card.cvc import CVCertificate
    from juki_card.description import CertificateDescription


@dataclass(frozen=True, slots=True)
class Trust:
    """All public parts, parsed."""

    root: x509.Certificate
    issuing: x509.Certificate
    center_leaves: tuple[x509.Certificate, ...]
    copy_signers: tuple[x509.Certificate, ...]
    card_signers: tuple[x509.Certificate, ...]
    cvca: CVCertificate
    dv: CVCertificate
    descriptions: Mapping[Kind, CertificateDescription]
    log_verifiers: tuple[VerifierKey, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Trust:
        """Read a trust folder; raise Missing or Unreadable with the file's name."""
        return cls(
            root=load_certificate(folder / "root.pem"),
            issuing=load_certificate(folder / "issuing.pem"),
            center_leaves=load_certificates(folder / "center-leaves.pem"),
            copy_signers=load_certificates(folder / "copy-signers.pem"),
            card_signers=load_certificates(folder / "card-signers.pem"),
            cvca=load_cv_certificate(folder / "cvca.cvcert"),
            dv=load_cv_certificate(folder / "dv.cvcert"),
            descriptions={
                kind: load_description(folder / f"{kind}.description.der") for kind in ATS
            },
            log_verifiers=_log_verifiers(folder / VERIFIERS),
        )


def _log_verifiers(path: Path) -> tuple[VerifierKey, ...]:
    return load_verifiers(path) if path.exists() else ()
