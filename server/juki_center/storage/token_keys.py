"""The key-encryption key where it lies in a PKCS#11 token: the center asks it to open each key.

What the token opens comes back as `bytes`, which nothing can zero by Python's own means; so they
are overwritten where they lie, as soon as they are in the buffer that is zeroed after use.
"""

from __future__ import annotations

import ctypes
import secrets
from pathlib import Path

from juki_center.errors import KeyUnusable
from juki_center.storage.keys import KeyEncryptionKey
from juki_pki.errors import PKIError, TokenUnusable
from juki_pki.token import Token, open_token
from juki_pki.token_reference import reference_in

_VERSION = b"\x01"
_NONCE_OCTETS = 12
# Where the octets of a bytes object begin; its last octet is a zero of C.
_HEADER_OCTETS = bytes.__basicsize__ - 1


class TokenKEK(KeyEncryptionKey):
    """A key-encryption key in a token; every method raises KeyUnusable where it does not answer."""

    def __init__(self, token: Token, label: str) -> None:
        self._token = token
        self._label = label

    def __repr__(self) -> str:
        return f"TokenKEK({self._label!r})"

    def _encrypt(self, plain: bytes | bytearray, belongs_to: str) -> bytes:
        nonce, octets = secrets.token_bytes(_NONCE_OCTETS), bytes(plain)
        try:
            sealed = self._token.encrypt(self._label, nonce, octets, belongs_to.encode())
        except TokenUnusable as error:
            raise KeyUnusable(f"{belongs_to}: {error}") from None
        finally:
            _overwrite(octets)
        return _VERSION + nonce + sealed

    def _decrypt(self, sealed: bytes, belongs_to: str) -> bytes:
        if sealed[:1] != _VERSION:
            raise KeyUnusable(f"{belongs_to}: unknown version of a sealed blob")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_OCTETS], sealed[1 + _NONCE_OCTETS :]
        try:
            return self._token.decrypt(self._label, nonce, ciphertext, belongs_to.encode())
        except TokenUnusable:
            raise KeyUnusable(f"{belongs_to}: the token does not open it") from None

    def _decrypt_into(self, sealed: bytes, belongs_to: str, buffer: bytearray) -> None:
        plain = self._decrypt(sealed, belongs_to)
        try:
            if len(plain) != len(buffer):
                raise KeyUnusable(f"{belongs_to}: the token does not open it")
            buffer[:] = plain
        finally:
            _overwrite(plain)


def token_kek(octets: bytes, path: Path) -> TokenKEK:
    """Open the key that a key's file refers to. Raises KeyUnusable."""
    try:
        reference = reference_in(octets, path)
        return TokenKEK(open_token(reference.place), reference.object)
    except PKIError as error:
        raise KeyUnusable(f"{path}: {error}") from error


def _overwrite(octets: bytes) -> None:
    """Overwrite an object that nobody else holds and that is not used again."""
    # One octet or none is an object that the whole program shares.
    if len(octets) > 1:
        ctypes.memset(id(octets) + _HEADER_OCTETS, 0, len(octets))
