"""Issues the short-lived card access certificates again, and keeps trust/ up to date.

An AT certificate lives two days and a DV certificate three months, so a center renews them at
every start. Keys stay: only certificates and descriptions are replaced, each file in one step.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes

from juki_pki.access import CVIssuer, make_below, make_description
from juki_pki.credential import load_cv_certificate, load_key
from juki_pki.errors import Inconsistent, PKIError
from juki_pki.files import exclusive, write_public
from juki_pki.profile import ATS, Kind
from juki_pki.publishing import described_leaves, refresh_trust

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from juki_card.cvc import CVCertificate
    from juki_card.description import CertificateDescription
    from juki_pki.folder import PKIFolder
    from juki_pki.profile import Profiles

_DV_AHEAD: Final = timedelta(days=14)


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
    if _is_of_another_cvca(folder):
        return True
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
    if _is_dv_due(folder, profiles, dv.certificate.body.expiration, today):
        issuer = _issuer(folder, Kind.CVCA)
        dv = CVIssuer(_issue_again(folder, Kind.DV, issuer, profiles, today), dv.key)
    for kind in ATS:
        _issue_again(folder, kind, dv, profiles, today)


def _is_dv_due(folder: PKIFolder, profiles: Profiles, ends: date, today: date) -> bool:
    """Whether the DV certificate must be issued again, or may be as the CVCA's key is at hand."""
    longest = max(profiles.cv[kind].lifetime_days for kind in ATS)
    if ends < today + timedelta(days=longest) or _is_of_another_cvca(folder):
        return True
    has_key = (folder.cv_path(Kind.CVCA) / "key.pem").exists()
    return has_key and ends < today + _DV_AHEAD


def _is_of_another_cvca(folder: PKIFolder) -> bool:
    """Whether the CVCA has a successor in use that has not issued the DV certificate yet."""
    names = (folder.cv_path(kind) / "certificate.cvcert" for kind in (Kind.DV, Kind.CVCA))
    dv, cvca = (load_cv_certificate(name) for name in names)
    return dv.car != cvca.chr


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
    """Return SHA-256 of every TLS certificate that descriptions list, 32 bytes each."""
    return [leaf.fingerprint(hashes.SHA256()) for leaf in described_leaves(folder)]
