"""The key of a witness in a file: one line with its name, its id and the private half."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit import notes
from juki_audit.errors import LogRefused
from juki_audit.witnesses import COSIGNATURE, WitnessKey
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from pathlib import Path

_MARK: Final = "PRIVATE+KEY"
_SEED_OCTETS: Final = 32


@dataclass(frozen=True, slots=True)
class WitnessSecret:
    """The name of a witness, and the private half of its key."""

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> WitnessKey:
        """What verifies its cosignatures."""
        return WitnessKey.of(self.name, self.private)


def make(name: str, path: Path) -> WitnessKey:
    """Write a new key for its owner only; return the public half.

    Raises Problem USAGE_INVALID for a name that no key can have, and where there is a file already
    or the system refuses: a key is never replaced.
    """
    secret = WitnessSecret(name, Ed25519PrivateKey.generate())
    try:
        public = secret.public
    except LogRefused as error:
        raise Problem("USAGE_INVALID", {"key": "--name", "rule": error.rule}) from error
    typed = bytes([COSIGNATURE]) + secret.private.private_bytes_raw()
    parts = (_MARK, name, public.key_id.hex(), notes.encode_base64(typed))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write("+".join(parts) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        facts = {"file": path.name, "problem": error.strerror or type(error).__name__}
        raise Problem("USAGE_INVALID", facts) from error
    return public


def load(path: Path) -> WitnessSecret:
    """Read a key that `make` has written; raise Problem USAGE_INVALID naming the file."""
    try:
        return _decoded(path.read_text("utf-8").removesuffix("\n"))
    except OSError as error:
        facts = {"file": path.name, "problem": error.strerror or type(error).__name__}
        raise Problem("USAGE_INVALID", facts) from error
    except (LogRefused, ValueError):
        # The error could carry the private half on.
        raise Problem("USAGE_INVALID", {"file": path.name, "rule": "WITNESS_KEY"}) from None


def _decoded(text: str) -> WitnessSecret:
    """Read the line; raises LogRefused or ValueError for anything else."""
    mark, name, key_id, encoded = text.removeprefix(_MARK).split("+", 3)
    typed = notes.decode_base64(encoded, "KEY_BASE64")
    if mark or not text.startswith(_MARK) or typed[:1] != bytes([COSIGNATURE]):
        raise ValueError("not the key of a witness")
    if len(typed) != 1 + _SEED_OCTETS:
        raise ValueError("not a private key")
    secret = WitnessSecret(name, Ed25519PrivateKey.from_private_bytes(typed[1:]))
    if secret.public.key_id.hex() != key_id:
        raise ValueError("the id is of another key")
    return secret
