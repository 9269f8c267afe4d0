"""Explains a private key file by the key's public half."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from juki_pki.credential import parse_key
from juki_pki.errors import Unreadable
from juki_pki.explanation import Explanation

if TYPE_CHECKING:
    from datetime import datetime

PRIVATE_KEY: Final = "private-key"


def explain_key_pem(block: bytes, source: str, _now: datetime) -> Explanation:
    """Explain a PKCS#8 key in PEM."""
    return _explain(parse_key(block, source))


def explain_key_der(octets: bytes, source: str, _now: datetime) -> Explanation:
    """Explain a PKCS#8 key in DER."""
    try:
        key = serialization.load_der_private_key(octets, password=None)
    except (ValueError, TypeError):
        raise Unreadable(source, "begins like a private key, but cannot be read") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Unreadable(source, "a private key, but not on P-256")
    return _explain(key)


def _explain(key: ec.EllipticCurvePrivateKey) -> Explanation:
    public = key.public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return Explanation(
        kind=PRIVATE_KEY,
        headline="Private key on P-256. Its value is not shown; these facts are public:",
        facts={
            "curve": "P-256",
            "public_point": point.hex(),
            "public_key_sha256": hashlib.sha256(spki).hexdigest(),
        },
    )
