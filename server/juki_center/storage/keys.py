"""Keys at rest: the key-encryption key from its file, and what it wraps.

Wrapped keys and sealed blobs are AES-256-GCM: version byte 1, 12 random bytes of nonce, then
ciphertext and tag. What a blob belongs to is authenticated with it, so that no row can be opened in
another row's place.

A key that was unwrapped is in one buffer of ours, which is zeroed at once, and in the cipher that
is made from it, whose memory OpenSSL cleanses when it goes. So a key that is forgotten is nowhere
in the process any more. No `bytes` may ever hold one: Python frees them as they are.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from juki_center.errors import KeyUnusable
from juki_pki.token_reference import is_reference

Key = TypeVar("Key")

KEY_OCTETS = 32
_VERSION = b"\x01"
_NONCE_OCTETS = 12
_HEAD_OCTETS = 1 + _NONCE_OCTETS
# Lengths are padded, so that a stolen database does not show how long a name or an address is.
_PADDED_TO = 512


class SealKey:
    """A key that seals and opens blobs; its bytes are not given back."""

    def __init__(self, key: bytes | bytearray) -> None:
        self._cipher: AESGCM | None = AESGCM(key)

    def __repr__(self) -> str:
        return "SealKey(***)"

    def forget(self) -> None:
        """Let go of the key, whoever still holds this object; it opens nothing any more."""
        self._cipher = None

    def seal(self, plain: bytes, belongs_to: str) -> bytes:
        """Return `plain` padded and sealed."""
        framed = len(plain).to_bytes(4, "big") + plain
        framed += bytes(-len(framed) % _PADDED_TO)
        return self._encrypt(framed, belongs_to)

    def open(self, sealed: bytes, belongs_to: str) -> bytes:
        """Return what was sealed. Raises KeyUnusable where key, blob and owner do not fit."""
        framed = self._decrypt(sealed, belongs_to)
        return framed[4 : 4 + int.from_bytes(framed[:4], "big")]

    def wrap(self, secret: bytes | bytearray, belongs_to: str) -> bytes:
        """Return a key, or another secret of a length that everybody knows, without padding."""
        return self._encrypt(secret, belongs_to)

    def unwrap(self, wrapped: bytes, belongs_to: str) -> bytes:
        """Return what was wrapped. Raises KeyUnusable."""
        return self._decrypt(wrapped, belongs_to)

    def _encrypt(self, plain: bytes | bytearray, belongs_to: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        cipher = self._cipher or _forgotten(belongs_to)
        return _VERSION + nonce + cipher.encrypt(nonce, plain, belongs_to.encode())

    def _decrypt(self, sealed: bytes, belongs_to: str) -> bytes:
        if sealed[:1] != _VERSION:
            raise KeyUnusable(f"{belongs_to}: unknown version of a sealed blob")
        nonce, ciphertext = sealed[1:_HEAD_OCTETS], sealed[_HEAD_OCTETS:]
        cipher = self._cipher or _forgotten(belongs_to)
        try:
            return cipher.decrypt(nonce, ciphertext, belongs_to.encode())
        except InvalidTag:
            raise KeyUnusable(f"{belongs_to}: the key does not open it") from None

    def _decrypt_into(self, sealed: bytes, belongs_to: str, buffer: bytearray) -> None:
        if sealed[:1] != _VERSION:
            raise KeyUnusable(f"{belongs_to}: unknown version of a sealed blob")
        nonce, ciphertext = sealed[1:_HEAD_OCTETS], sealed[_HEAD_OCTETS:]
        cipher = self._cipher or _forgotten(belongs_to)
        try:
            cipher.decrypt_into(nonce, ciphertext, belongs_to.encode(), buffer)
        except (InvalidTag, ValueError):
            # A ValueError says that what is in it has another length than a key.
            raise KeyUnusable(f"{belongs_to}: the key does not open it") from None


def _forgotten(belongs_to: str) -> NoReturn:
    raise KeyUnusable(f"{belongs_to}: the key was forgotten")


class LookUpKey:
    """A key of keyed hashes, center-wide: equal values give equal tokens, and nothing else.

    It has 32 bytes.
    """

    def __init__(self, key: bytes | bytearray) -> None:
        # The two halves of HMAC (RFC 2104) with the key already in them: a token is made from
        # copies of them, in less than half of the time that hmac.digest takes (1.8 to 4.0 µs).
        block = key.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in block))
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in block))
        self._derived: dict[str, LookUpKey] = {}

    def __repr__(self) -> str:
        return "LookUpKey(***)"

    def token(self, *parts: bytes) -> bytes:
        """Return the token of a value made of parts: 32 bytes, HMAC-SHA-256."""
        inner, outer = self._inner.copy(), self._outer.copy()
        for part in parts:
            inner.update(len(part).to_bytes(4, "big") + part)
        outer.update(inner.digest())
        return outer.digest()

    def derive(self, label: str) -> LookUpKey:
        """Return a key of its own for a part of the values, such as a prefecture."""
        if label not in self._derived:
            self._derived[label] = LookUpKey(self.token(b"derive", label.encode()))
        return self._derived[label]


class KeyEncryptionKey(SealKey):
    """The key that opens all others. It stands in a file that only its owner may read."""

    def __repr__(self) -> str:
        return "KeyEncryptionKey(***)"

    def opened(self, wrapped: bytes, belongs_to: str, kind: Callable[[bytearray], Key]) -> Key:
        """Return a wrapped key as an object of a kind, and leave no other copy of it.

        Raises KeyUnusable.
        """
        buffer = bytearray(KEY_OCTETS)
        try:
            self._decrypt_into(wrapped, belongs_to, buffer)
            return kind(buffer)
        finally:
            _zero(buffer)

    def new_key(self, belongs_to: str) -> bytes:
        """Return a new key, wrapped, and leave no other copy of it."""
        buffer = bytearray(KEY_OCTETS)
        try:
            _fill_with_randomness(buffer)
            return self.wrap(buffer, belongs_to)
        finally:
            _zero(buffer)

    @classmethod
    def load(cls, path: Path) -> KeyEncryptionKey:
        """Read the key's file: 32 bytes, mode 0600, or in which token the key lies.

        Raises KeyUnusable.
        """
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            key = path.read_bytes()
        except OSError as error:
            raise KeyUnusable(f"{path}: {error.strerror}") from error
        if mode & 0o077:
            raise KeyUnusable(f"{path}: mode {mode:04o}, must not be open to group or others")
        if is_reference(key):
            # Only who keeps keys in a token has the library for it.
            from juki_center.storage.token_keys import token_kek  # noqa: PLC0415

            return token_kek(key, path)
        if len(key) != KEY_OCTETS:
            raise KeyUnusable(f"{path}: {len(key)} bytes, must be {KEY_OCTETS}")
        return cls(key)


def _fill_with_randomness(buffer: bytearray) -> None:
    """Fill a buffer from the system's generator, which then is the only place of what was drawn."""
    descriptor = os.open("/dev/urandom", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.readv(descriptor, [buffer]) != len(buffer):
            raise KeyUnusable("/dev/urandom: gave less than was asked for")
    finally:
        os.close(descriptor)


def _zero(buffer: bytearray) -> None:
    # In place: a new object would leave the old one as it is.
    buffer[:] = bytes(len(buffer))


def create_kek(path: Path) -> None:
    """Write a new key-encryption key, mode 0600. Raises FileExistsError; never overwrites one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_OCTETS))
        file.flush()
        os.fsync(file.fileno())
