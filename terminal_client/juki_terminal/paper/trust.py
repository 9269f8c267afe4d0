"""The copy signers that a verifier trusts: a PEM list of leaf certificates, each pinned.

A signer is known by its key id, the first 16 bytes of the SHA-256 of its DER certificate. The
list comes from the configuration or `--trust`, never from beside the document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cwt import COSEKey
from cwt.cose_key_interface import COSEKeyInterface

from juki_terminal.paper.errors import SignerUnknown, TrustUnreadable

FILE_NAME: Final = "copy-signers.pem"


def key_id(certificate: x509.Certificate) -> bytes:
    """Return the key id of a copy signer, 16 bytes."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()[:16]


@dataclass(frozen=True, slots=True)
class CopySigners:
    """Trusted copy signers by key id."""

    certificates: Mapping[bytes, x509.Certificate]

    @classmethod
    def load(cls, trust_folder: Path) -> Self:
        """Read `copy-signers.pem` of a trust folder; raises TrustUnreadable."""
        path = trust_folder / FILE_NAME
        try:
            return cls.from_pem(path.read_bytes())
        except OSError as error:
            raise TrustUnreadable(f"{path}: {error.strerror}") from error

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read a PEM list of P-256 certificates; raises TrustUnreadable."""
        try:
            certificates = x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise TrustUnreadable("the copy signers are no list of PEM certificates") from error
        for certificate in certificates:
            _require_p256(certificate)
        return cls(MappingProxyType({key_id(leaf): leaf for leaf in certificates}))

    def key(self, identifier: bytes, *, at: datetime) -> COSEKeyInterface:
        """Return the verification key of a signer whose certificate is valid at a time.

        Raises SignerUnknown for an identifier that is not in the list, and for a time outside
        the certificate's validity.
        """
        certificate = self.certificates.get(identifier)
        if certificate is None:
            raise SignerUnknown(identifier, "is not trusted")
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise SignerUnknown(identifier, "was not valid at the time of issue")
        pem = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return COSEKey.from_pem(pem, kid=identifier)


def _require_p256(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TrustUnreadable("a copy signer's key is not on P-256")
