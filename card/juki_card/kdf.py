"""Key derivation for AES-128 (TR-03110-3, A.2.3; ICAO 9303-11, 9.7.1)."""

from __future__ import annotations

import hashlib
from typing import Final

KEY_SIZE: Final = 16
_ENCRYPTION: Final = 1
_AUTHENTICATION: Final = 2
_PASSWORD: Final = 3


def kdf(secret: bytes, counter: int) -> bytes:
    """Return KDF(K, c) = SHA-1(K || c as 32 bits), its first 16 octets.

    `secret` is a shared secret at its full, fixed length, followed by the nonce where there is one.
    """
    material = secret + counter.to_bytes(4, "big")
    return hashlib.sha1(material, usedforsecurity=True).digest()[:KEY_SIZE]  # noqa: S324  # the norm's hash for AES-128 keys


def encryption_key(secret: bytes) -> bytes:
    """Return KDF_Enc(K)."""
    return kdf(secret, _ENCRYPTION)


def authentication_key(secret: bytes) -> bytes:
    """Return KDF_MAC(K)."""
    return kdf(secret, _AUTHENTICATION)


def password_key(password: bytes) -> bytes:
    """Return KDF_pi(pi), the key of the encrypted PACE nonce."""
    return kdf(password, _PASSWORD)
