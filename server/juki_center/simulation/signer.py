"""A copy signer of its own, for papers that nobody will ever hold."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from juki_center.areas.copies.signature import CopySigner

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated copy signer")])


def passing_signer(now: datetime) -> CopySigner:
    """Make a key and a certificate that signs itself, good for two years."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=731))
        .sign(key, hashes.SHA256())
    )
    return CopySigner(key, certificate.public_bytes(serialization.Encoding.DER))
