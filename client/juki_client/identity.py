"""The terminal's own identity: its TLS certificate chain and key, and what it signs with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """A certificate chain (leaf first), its private key, and the hash that binds card sessions."""

    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    leaf: x509.Certificate = field(repr=False)
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def load(cls, certificate: Path, key: Path) -> ClientIdentity:
        """Read both files; raise Problem CONFIGURATION_INVALID where they do not fit each other."""
        try:
            chain_pem, key_pem = certificate.read_bytes(), key.read_bytes()
            leaf = x509.load_pem_x509_certificates(chain_pem)[0]
            private = serialization.load_pem_private_key(key_pem, password=None)
        except (OSError, ValueError, TypeError) as error:
            facts = {"key": "identity", "file": certificate.name, "rule": "PEM files are required"}
            raise Problem("CONFIGURATION_INVALID", facts) from error
        if not isinstance(private, ec.EllipticCurvePrivateKey) or (
            private.public_key() != leaf.public_key()
        ):
            facts = {"key": "identity.key", "rule": "the P-256 key of the certificate"}
            raise Problem("CONFIGURATION_INVALID", facts)
        return cls(chain_pem, key_pem, leaf, private)

    @property
    def certificate_hash(self) -> bytes:
        """SHA-256 of the leaf in DER, 32 bytes: what a plan's auxiliary data must name."""
        return hashlib.sha256(self.leaf.public_bytes(serialization.Encoding.DER)).digest()

    def sign(self, octets: bytes) -> bytes:
        """Sign by ECDSA with SHA-256; the signature is DER."""
        return self._key.sign(octets, ec.ECDSA(hashes.SHA256()))

    def is_valid_at(self, now: datetime) -> bool:
        """Say whether the certificate is within its dates."""
        return self.leaf.not_valid_before_utc <= now <= self.leaf.not_valid_after_utc
