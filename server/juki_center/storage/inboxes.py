"""Inboxes: what is laid into one while a register is closed, only that register opens.

An inbox is a pair of keys (HPKE, RFC 9180) made while the register is open, the private one sealed
under the municipality's data key. So something can be laid into it while the register is closed,
and no key that the center then has opens it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from juki_center.errors import KeyUnusable

if TYPE_CHECKING:
    from juki_center.areas.residents.codes import MunicipalityCode
    from juki_center.storage.keyring import KeyRing

_PADDED_TO: Final = 512


@dataclass(frozen=True, slots=True)
class SealedInbox:
    """An inbox as it is kept: the public key, and the private one sealed."""

    public: bytes
    key_version: int
    sealed: bytes = field(repr=False)


def new_inbox(keys: KeyRing, municipality: MunicipalityCode, owner: str) -> SealedInbox:
    """Make an inbox of a register. Raises Refusal(RESIDENCE_DISCONNECTED)."""
    data_key = keys.data_key(municipality)
    inbox = X25519PrivateKey.generate()
    return SealedInbox(
        inbox.public_key().public_bytes_raw(),
        data_key.version,
        data_key.key.wrap(inbox.private_bytes_raw(), owner),
    )


def open_inbox(
    keys: KeyRing, municipality: MunicipalityCode, kept: SealedInbox, owner: str
) -> X25519PrivateKey:
    """Open an inbox. Raises Refusal(RESIDENCE_DISCONNECTED), and KeyUnusable."""
    data_key = keys.data_key(municipality, kept.key_version)
    return X25519PrivateKey.from_private_bytes(data_key.key.unwrap(kept.sealed, owner))


def lay_in(public: bytes, plain: bytes, owner: str) -> bytes:
    """Seal CBOR for an inbox; its length is told to the next 512 octets only."""
    padded = plain + bytes(-len(plain) % _PADDED_TO)
    return _suite().encrypt(padded, X25519PublicKey.from_public_bytes(public), owner.encode())


def take_out(inbox: X25519PrivateKey, sealed: bytes, owner: str) -> bytes:
    """Return the CBOR that was laid in, with what pads it. Raises KeyUnusable."""
    try:
        return _suite().decrypt(sealed, inbox, owner.encode())
    except InvalidTag:
        raise KeyUnusable(f"{owner}: the key does not open it") from None


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
