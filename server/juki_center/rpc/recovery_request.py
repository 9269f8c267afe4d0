"""A request for recovery, checked: a certificate of ours, and a signature by its key.

Whether the certificate has expired, and how long ago, the act decides. That anything here does not
fit is one refusal: who has no such key learns nothing of why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from juki_center.areas.fleet.certificates import Presented
from juki_center.errors import Reason, Refusal
from juki_pki.errors import IdentityError
from juki_pki.identity import BROKEN, identity_from_certificate
from juki_pki.recovery import recovery_octets
from juki_pki.requests import key_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable

    from juki_pki.identity import PeerIdentity
    from juki_pki.requests import CertificateRequest
    from jukinet.fleet.v1 import enrollment_service_pb2 as pb

_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Shown:
    """The expired certificate, and whom it names."""

    identity: PeerIdentity
    certificate: Presented


def checked(
    request: pb.RecoverCertificateRequest,
    asked: CertificateRequest,
    issuers: Iterable[x509.Certificate],
) -> Shown:
    """Return what a request shows; raise Refusal(RECOVERY_REFUSED) for anything that is not so."""
    if len(request.certificate) > _LONGEST or len(request.signature) > _LONGEST:
        raise Refusal(Reason.RECOVERY_REFUSED)
    try:
        certificate = x509.load_der_x509_certificate(request.certificate)
        identity = identity_from_certificate(certificate)
        key = certificate.public_key()
    except (IdentityError, *BROKEN) as error:
        raise Refusal(Reason.RECOVERY_REFUSED) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not _is_ours(certificate, issuers):
        raise Refusal(Reason.RECOVERY_REFUSED)
    fingerprint = certificate.fingerprint(hashes.SHA256())
    signed = recovery_octets(fingerprint, asked.key_sha256)
    try:
        key.verify(request.signature, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Refusal(Reason.RECOVERY_REFUSED) from error
    shown = Presented(
        uri=identity.uri,
        fingerprint=fingerprint,
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_sha256=key_sha256(key),
    )
    return Shown(identity, shown)


def _is_ours(certificate: x509.Certificate, issuers: Iterable[x509.Certificate]) -> bool:
    return any(_is_issued_by(certificate, issuer) for issuer in issuers)


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
