"""Explains key files: a private key by its public half, the key of blank chips by its use."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from juki_card.blank_key import MasterKey
from juki_card.errors import ParseError
from juki_pki.credential import parse_key
from juki_pki.errors import Unreadable
from juki_pki.explanation import Explanation

if TYPE_CHECKING:
    from datetime import datetime

PRIVATE_KEY: Final = "private-key"
PERSONALISATION_KEY: Final = "personalisation-key"
SECRET_KINDS: Final = frozenset((PRIVATE_KEY, PERSONALISATION_KEY))


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


def explain_personalisation_key(block: bytes, source: str, _now: datetime) -> Explanation:
    """Explain the key of blank chips; raise Unreadable. Nothing of it is public."""
    try:
        MasterKey.decode(block)
    except ParseError:
        raise Unreadable(source, "begins like a personalisation key, but is none") from None
    return Explanation(
        kind=PERSONALISATION_KEY,
        headline="Personalisation key: every blank chip's own key is derived from it. Not shown.",
        facts={"algorithm": "AES-128, derivation by CMAC over the chip serial"},
    )


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
