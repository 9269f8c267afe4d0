"""The key that signs the heads of the audit log: made once, read with its verifier.

It is Ed25519, as the notes of logs are signed, and has no certificate: who checks the log knows it
by its verifier, `name+id+key`. The name is the log's origin and is drawn with the key, so that no
two logs are called alike.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from juki_audit.errors import LogMalformed
from juki_audit.notes import Note, Signature, VerifierKey
from juki_pki.errors import Inconsistent, Unreadable
from juki_pki.files import new_folder, read_key, read_public, write_key, write_public
from juki_pki.generations import living
from juki_pki.token_reference import is_reference, reference_in

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "log-signer"
VERIFIERS: Final = "log-verifiers"
_NAME_OCTETS: Final = 8


@dataclass(frozen=True, slots=True)
class LogKey:
    """The log's signing key and what verifies it."""

    signs: Callable[[bytes], bytes] = field(repr=False)
    """Returns the Ed25519 signature over octets; the key itself may lie in a token."""
    verifier: VerifierKey
    others: tuple[VerifierKey, ...] = ()
    """Those of the log's earlier keys, and of the next one where it is published."""

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.verifier.name

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The keys by which a head of this log is known."""
        return (self.verifier, *self.others)

    def sign(self, text: str) -> bytes:
        """Return the text as a note signed by this key; raises LogMalformed for no such text."""
        signature = Signature(self.origin, self.verifier.key_id, self.signs(text.encode()))
        return Note(text, (signature,)).encode()

    @classmethod
    def load(cls, folder: Path) -> LogKey:
        """Read key.pem and verifier; raise PKIError for what is missing, broken or exposed."""
        signs, public = _open_key(folder / "key.pem")
        verifier = load_verifiers(folder / "verifier")
        if len(verifier) != 1:
            raise Unreadable(str(folder / "verifier"), f"{len(verifier)} lines, there must be one")
        if verifier[0] != VerifierKey(verifier[0].name, public.public_bytes_raw()):
            raise Inconsistent(folder, "the key is not the verifier's")
        generations = (path for path in living(folder) if path != folder)
        others = [known for path in generations for known in load_verifiers(path / "verifier")]
        return cls(signs, verifier[0], tuple(others))


def _open_key(path: Path) -> tuple[Callable[[bytes], bytes], Ed25519PublicKey]:
    """Return how a key signs, and its public half; it stands in its file, or in a token."""
    octets = read_key(path)
    if is_reference(octets):
        # Only who keeps keys in a token has the library for it.
        from juki_pki.token import open_token  # noqa: PLC0415

        at = reference_in(octets, path)
        token = open_token(at.place)
        return partial(token.sign_log, at.object), token.log_public_key(at.object)
    private = parse_log_key(octets)
    if private is None:
        raise Unreadable(str(path), "not an unencrypted Ed25519 key in PEM")
    return private.sign, private.public_key()


def parse_log_key(octets: bytes) -> Ed25519PrivateKey | None:
    """Return the Ed25519 key of a PKCS#8 PEM block; None for anything else."""
    try:
        key = serialization.load_pem_private_key(octets, password=None)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, Ed25519PrivateKey) else None


def load_verifiers(path: Path) -> tuple[VerifierKey, ...]:
    """Read verifiers, one a line; raise Missing, or Unreadable for a line that is none."""
    try:
        return tuple(map(VerifierKey.decode, read_public(path).decode("ascii").splitlines()))
    except (UnicodeDecodeError, LogMalformed) as error:
        raise Unreadable(str(path), "not the verifiers of a log, one a line") from error


def make_log_key(path: Path) -> None:
    """Make a log's key in a new folder; raise AlreadyExists where there is one."""
    with new_folder(path) as temporary:
        write_log_key(temporary, f"jukinet/log-{secrets.token_hex(_NAME_OCTETS)}")


def write_log_key(folder: Path, name: str) -> None:
    """Make a key for the log of this name, which a successor keeps, and write it with its verifier.

    Raises AlreadyExists where the folder has a key.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_key(folder / "key.pem", pem)
    write_verifier(folder, name, private.public_key())


def write_verifier(folder: Path, name: str, public: Ed25519PublicKey) -> None:
    """Write what verifies the signatures of a log's key."""
    verifier = VerifierKey(name, public.public_bytes_raw())
    write_public(folder / "verifier", f"{verifier.encode()}\n".encode())
