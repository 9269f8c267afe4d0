"""What the key of an expired certificate signs, so that its owner may have a new one."""

from __future__ import annotations

import hashlib
from typing import Final

_SIGNED: Final = b"juki-net certificate recovery v1\0"
_NUMBER: Final = b"juki-net recovery number v1\0"
_NUMBER_OCTETS: Final = 16


def recovery_octets(certificate_sha256: bytes, key_sha256: bytes) -> bytes:
    """Return what is signed: a label, the expired certificate's hash and the new key's."""
    return _SIGNED + certificate_sha256 + key_sha256


def recovery_number(certificate_sha256: bytes, key_sha256: bytes) -> str:
    """Return the number under which operators know a recovery: 32 hexadecimal digits.

    It stands for the expired certificate and the new key, so that whoever compares it with what
    the terminal shows approves this key and no other.
    """
    digest = hashlib.sha256(_NUMBER + certificate_sha256 + key_sha256).digest()
    return digest[:_NUMBER_OCTETS].hex()
