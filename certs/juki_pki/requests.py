"""Certificate requests (PKCS#10, RFC 2986): made of a new key, and read as narrowly as possible.

Of a request nothing but its key is taken, and the proof that whoever made it has that key. Whom the
certificate names, for how long and for what, its profile says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import SignatureAlgorithmOID

from juki_pki.certify import signed
from juki_pki.errors import RequestRefused
from juki_pki.profile import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from juki_pki.certify import Issuer
    from juki_pki.identity import PeerIdentity
    from juki_pki.profile import Profiles

LONGEST_REQUEST: Final = 4096
_BROKEN: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the parser raises, most of it only when a part is looked at."""


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A request whose key is on P-256 and whose maker has shown to have it."""

    public_key: ec.EllipticCurvePublicKey = field(repr=False)

    @property
    def key_sha256(self) -> bytes:
        """SHA-256 of the key as SubjectPublicKeyInfo in DER, 32 bytes."""
        return key_sha256(self.public_key)


def key_sha256(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the SHA-256 of a public key as SubjectPublicKeyInfo in DER (RFC 5280, 4.1.2.7)."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return digest.finalize()


def make_request(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a request (DER) that shows the key and names nobody."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def parse_request(octets: bytes) -> CertificateRequest:
    """Read a request in DER.

    Raises RequestRefused with the rule that it breaks: TOO_LONG, NOT_PKCS10, KEY_NOT_P256,
    NOT_ECDSA_SHA256, or SIGNATURE_WRONG where its key has not signed it.
    """
    if len(octets) > LONGEST_REQUEST:
        raise RequestRefused("TOO_LONG")
    try:
        request = x509.load_der_x509_csr(octets)
        key = request.public_key()
        algorithm = request.signature_algorithm_oid
    except _BROKEN as error:
        raise RequestRefused("NOT_PKCS10") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RequestRefused("KEY_NOT_P256")
    if algorithm != SignatureAlgorithmOID.ECDSA_WITH_SHA256:
        raise RequestRefused("NOT_ECDSA_SHA256")
    _require_possession(request)
    return CertificateRequest(key)


def _require_possession(request: x509.CertificateSigningRequest) -> None:
    try:
        is_signed = request.is_signature_valid
    except _BROKEN as error:
        raise RequestRefused("SIGNATURE_WRONG") from error
    if not is_signed:
        raise RequestRefused("SIGNATURE_WRONG")


def certify(
    request: CertificateRequest,
    identity: PeerIdentity,
    profiles: Profiles,
    issuer: Issuer,
    now: datetime,
) -> x509.Certificate:
    """Issue a peer's certificate for the key of a request.

    Subject, URI, usage and lifetime are those of the profile of the peer's role. Raises
    IssuerExpires where the certificate would outlive the issuing authority.
    """
    profile = profiles.x509[Kind(identity.role.value)]
    return signed(profile, request.public_key, issuer, now, identity)
