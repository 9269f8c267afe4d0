"""Issues the short-lived card access certificates again, and keeps trust/ up to date.

An AT certificate lives two days and a DV certificate three months, so a center renews them at
every start. Keys stay: only certificates and descriptions are replaced, each file in one step.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes

from juki_pki.access import CVIssuer, make_below, make_description
from juki_pki.certify import certificate_pem
from juki_pki.credential import load_certificate, load_cv_certificate, load_key
from juki_pki.errors import Inconsistent, PKIError
from juki_pki.files import exclusive, read_public, write_public
from juki_pki.identity import Role
from juki_pki.log_signer import VERIFIERS
from juki_pki.profile import ATS, Kind

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from cryptography import x509

    from juki_card.cvc import CVCertificate
    from juki_card.description import CertificateDescription
    from juki_pki.folder import PKIFolder
    from juki_pki.profile import Profiles


def renew_access(folder: PKIFolder, profiles: Profiles, now: datetime) -> None:
    """Issue all AT certificates and descriptions again, and the DV certificate where it is due.

    Raises IssuerExpires where the CVCA itself comes to its end.
    """
    with exclusive(folder.path):
        issue_access(folder, profiles, utc_day(now))
        refresh_trust(folder)


def renew_access_if_due(folder: PKIFolder, profiles: Profiles, now: datetime) -> bool:
    """Renew as `renew_access` does unless all is of today and lists the center; say whether."""
    if not _is_due(folder, utc_day(now)):
        return False
    renew_access(folder, profiles, now)
    return True


def _is_due(folder: PKIFolder, today: date) -> bool:
    leaves = set(center_leaf_hashes(folder))
    for kind in ATS:
        try:
            credential = folder.cv(kind)
        except Inconsistent:
            # A renewal was interrupted between the description and its certificate.
            return True
        listed = credential.description.comm_certificates if credential.description else ()
        if credential.certificate.body.effective != today or set(listed) != leaves:
            return True
    return False


def issue_access(folder: PKIFolder, profiles: Profiles, today: date) -> None:
    """Issue the DV certificate where it is due, then all AT certificates.

    The caller holds the folder's lock and refreshes trust/ afterwards.
    """
    dv = _issuer(folder, Kind.DV)
    longest = max(profiles.cv[kind].lifetime_days for kind in ATS)
    if dv.certificate.body.expiration < today + timedelta(days=longest):
        issuer = _issuer(folder, Kind.CVCA)
        dv = CVIssuer(_issue_again(folder, Kind.DV, issuer, profiles, today), dv.key)
    for kind in ATS:
        _issue_again(folder, kind, dv, profiles, today)


def _issuer(folder: PKIFolder, kind: Kind) -> CVIssuer:
    credential = folder.cv(kind)
    return CVIssuer(credential.certificate, credential.key)


def _issue_again(
    folder: PKIFolder, kind: Kind, issuer: CVIssuer, profiles: Profiles, today: date
) -> CVCertificate:
    path = folder.cv_path(kind)
    _, key = load_key(path / "key.pem")
    previous = load_cv_certificate(path / "certificate.cvcert")
    description = make_description(profiles.cv[kind], center_leaf_hashes(folder))
    certificate = make_below(
        profiles.cv[kind],
        key.public_key(),
        issuer,
        today,
        previous=previous,
        description=description,
    )
    write_access(path, certificate, description)
    return certificate


def write_access(
    path: Path, certificate: CVCertificate, description: CertificateDescription | None
) -> None:
    """Write or replace a card access certificate and, before it, its description."""
    if description is not None:
        write_public(path / "description.der", description.encode())
    write_public(path / "certificate.cvcert", certificate.encode())


def utc_day(now: datetime) -> date:
    """Return the day that CV certificates are dated with; raise PKIError without a zone."""
    if now.tzinfo is None:
        raise PKIError("a time without a zone is no time to issue a certificate at")
    return now.astimezone(UTC).date()


def center_leaf_hashes(folder: PKIFolder) -> list[bytes]:
    """Return SHA-256 of every center node's TLS certificate, 32 bytes each."""
    return [leaf.fingerprint(hashes.SHA256()) for leaf in _center_leaves(folder)]


def _center_leaves(folder: PKIFolder) -> list[x509.Certificate]:
    nodes = folder.peers(Role.CENTER)
    return [load_certificate(folder.peer_path(node) / "certificate.pem") for node in nodes]


def refresh_trust(folder: PKIFolder) -> None:
    """Write every public part anew from what the folder holds; no private key is read."""
    trust = folder.trust_path
    leaves = b"".join(map(certificate_pem, _center_leaves(folder)))
    write_public(trust / "root.pem", _certificate(folder, Kind.ROOT))
    write_public(trust / "issuing.pem", _certificate(folder, Kind.ISSUING))
    write_public(trust / "center-leaves.pem", leaves)
    write_public(trust / "copy-signers.pem", _certificate(folder, Kind.COPY_SIGNER))
    write_public(trust / "card-signers.pem", _certificate(folder, Kind.CARD_SIGNER))
    for kind in (Kind.CVCA, Kind.DV):
        octets = read_public(folder.cv_path(kind) / "certificate.cvcert")
        write_public(trust / f"{kind}.cvcert", octets)
    for kind in ATS:
        octets = read_public(folder.cv_path(kind) / "description.der")
        write_public(trust / f"{kind}.description.der", octets)
    verifier = folder.log_signer_path / "verifier"
    if verifier.exists():
        write_public(trust / VERIFIERS, read_public(verifier))


def _certificate(folder: PKIFolder, kind: Kind) -> bytes:
    return certificate_pem(load_certificate(folder.path / kind / "certificate.pem"))
