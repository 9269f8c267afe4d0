"""Explains key files: a private key by its public half, the key of blank chips by its use, the
verifiers of a log by what they verify."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from juki_audit.errors import LogMalformed
from juki_audit.notes import VerifierKey
from juki_card.blank_key import MasterKey
from juki_card.errors import ParseError
from juki_pki.credential import parse_key
from juki_pki.errors import Unreadable
from juki_pki.explanation import Explanation
from juki_pki.log_signer import parse_log_key

if TYPE_CHECKING:
    from datetime import datetime

PRIVATE_KEY: Final = "private-key"
PERSONALISATION_KEY: Final = "personalisation-key"
SECRET_KINDS: Final = frozenset((PRIVATE_KEY, PERSONALISATION_KEY))


def explain_key_pem(block: bytes, source: str, _now: datetime) -> Explanation:
    """Explain a PKCS#8 key in PEM."""
    log_key = parse_log_key(block)
    if log_key is not None:
        return _explain_log_key(log_key.public_key().public_bytes_raw())
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


def explain_verifiers(octets: bytes, source: str, _now: datetime) -> Explanation:
    """Explain the verifiers of a log, one a line; raise Unreadable."""
    try:
        keys = [VerifierKey.decode(line) for line in octets.decode("ascii").splitlines()]
    except (UnicodeDecodeError, LogMalformed):
        raise Unreadable(source, "begins like the verifiers of a log, but holds others") from None
    return Explanation(
        kind="log-verifiers",
        headline="Verifiers of an audit log: by these keys its signed heads are known.",
        facts={
            "origin": tuple(dict.fromkeys(key.name for key in keys)),
            "key_ids": tuple(key.key_id.hex() for key in keys),
            "public_keys": tuple(key.public.hex() for key in keys),
        },
    )


def _explain_log_key(public: bytes) -> Explanation:
    return Explanation(
        kind=PRIVATE_KEY,
        headline="Private key of an audit log. Its value is not shown; these facts are public:",
        facts={"algorithm": "Ed25519", "public_key": public.hex()},
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
