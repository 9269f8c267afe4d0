"""Cosignatures: what witnesses say of a head that they have seen grow (C2SP tlog-cosignature, v1).

A witness signs the head and the time with an Ed25519 key of its own, and only after it has checked
that the log grew from the last head that it cosigned. Its line stands beside the log's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from juki_audit import checkpoints, notes
from juki_audit.checkpoints import Checkpoint, SignedCheckpoint
from juki_audit.errors import LogMalformed
from juki_audit.leaf import EPOCH
from juki_audit.notes import Signature

COSIGNATURE: Final = 4
_TIME_OCTETS: Final = 8
_SIGNATURE_OCTETS: Final = 64


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The public key of a witness and its name; raises LogMalformed for what is neither."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        # The same names and lengths as for the keys of logs.
        notes.VerifierKey(self.name, self.public)

    @property
    def key_id(self) -> bytes:
        """The first 4 octets of the hash of name, kind and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._typed).digest()[:4]

    @property
    def _typed(self) -> bytes:
        return bytes([COSIGNATURE]) + self.public

    @classmethod
    def of(cls, name: str, private: Ed25519PrivateKey) -> WitnessKey:
        """Return the key that verifies what the private one cosigns."""
        return cls(name, private.public_key().public_bytes_raw())

    @classmethod
    def decode(cls, text: str) -> WitnessKey:
        """Read `name+id+key`; raises LogMalformed for anything else, a log's key too."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        typed = notes.decode_base64(encoded, "KEY_BASE64")
        if typed[:1] != bytes([COSIGNATURE]):
            raise LogMalformed("KEY_TYPE")
        key = cls(name, typed[1:])
        if key.key_id.hex() != key_id:
            raise LogMalformed("KEY_ID")
        return key

    def encode(self) -> str:
        """Return `name+id+key`."""
        return f"{self.name}+{self.key_id.hex()}+{notes.encode_base64(self._typed)}"

    def has_cosigned(self, checkpoint: Checkpoint, octets: bytes) -> bool:
        """Say whether the octets are this witness's cosignature of the checkpoint."""
        if len(octets) != _TIME_OCTETS + _SIGNATURE_OCTETS:
            return False
        seconds = int.from_bytes(octets[:_TIME_OCTETS], "big")
        key = Ed25519PublicKey.from_public_bytes(self.public)
        try:
            key.verify(octets[_TIME_OCTETS:], _message(checkpoint, seconds))
        except InvalidSignature:
            return False
        return True


def cosign(
    signed: SignedCheckpoint, name: str, key: Ed25519PrivateKey, at: datetime
) -> SignedCheckpoint:
    """Return the checkpoint with the line of a witness, in place of an older one of the same key.

    That the log grew is for the witness to check before; raises LogMalformed for no such name.
    """
    witness = WitnessKey.of(name, key)
    seconds = (at - EPOCH) // timedelta(seconds=1)
    octets = seconds.to_bytes(_TIME_OCTETS, "big") + key.sign(_message(signed.checkpoint, seconds))
    others = [one for one in signed.signatures if (one.name, one.key_id) != (name, witness.key_id)]
    line = Signature(name, witness.key_id, octets)
    return SignedCheckpoint(signed.checkpoint, (*others, line))


def cosigned_at(line: Signature) -> datetime | None:
    """Return when a witness says that it cosigned; None for a line that is no cosignature.

    The time is under the signature, so that it counts where `has_cosigned` does.
    """
    if len(line.octets) != _TIME_OCTETS + _SIGNATURE_OCTETS:
        return None
    seconds = int.from_bytes(line.octets[:_TIME_OCTETS], "big")
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None


def cosigned_by(signed: SignedCheckpoint, witnesses: Iterable[WitnessKey]) -> list[str]:
    """Return the names of those witnesses whose cosignature is there and good, each once."""
    known = {(one.name, one.key_id): one for one in witnesses}
    found = [
        one.name
        for one in signed.signatures
        if (witness := known.get((one.name, one.key_id))) is not None
        and witness.has_cosigned(signed.checkpoint, one.octets)
    ]
    return list(dict.fromkeys(found))


def _message(checkpoint: Checkpoint, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{checkpoints.body(checkpoint)}".encode()
