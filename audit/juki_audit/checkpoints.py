"""Checkpoints: what the log says of itself at one size, as a signed note (C2SP tlog-checkpoint).

A log that signs one checkpoint can be held to it: two that no consistency proof joins are evidence
against it. Witnesses may add their lines; here the log's own keys alone are verified.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit import notes
from juki_audit.errors import HeadNotTrusted, LogMalformed
from juki_audit.notes import Note, Signature, VerifierKey
from juki_audit.tree import Head

_SIZE_TEXT = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Which log, and what its tree is; raises LogMalformed for lines that cannot be written.

    Logs of this center write no extension lines; those of others are kept.
    """

    origin: str
    head: Head
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or notes.is_unwritable(line):
                raise LogMalformed("CHECKPOINT_LINE")


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint and who signs for it; nothing of it counts before `verify`."""

    checkpoint: Checkpoint
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        signers = {(one.name, one.key_id) for one in self.signatures}
        if len(signers) != len(self.signatures):
            raise LogMalformed("SIGNATURE_TWICE")

    def note(self) -> Note:
        """Return it as a note; raises LogMalformed without a signature, or with too many."""
        return Note(body(self.checkpoint), self.signatures)


def body(checkpoint: Checkpoint) -> str:
    """Return the text that is signed.

    >>> body(Checkpoint("log.example", Head(1, bytes(32)))).split()[:2]
    ['log.example', '1']
    """
    head = checkpoint.head
    lines = (checkpoint.origin, str(head.size), notes.encode_base64(head.root))
    return "".join(f"{line}\n" for line in (*lines, *checkpoint.extensions))


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> SignedCheckpoint:
    """Sign as the log, whose key is named like the origin.

    Raises LogMalformed where the origin is no name for a key.
    """
    signature = notes.sign(body(checkpoint), checkpoint.origin, key)
    return SignedCheckpoint(checkpoint, (signature,))


def parse(octets: bytes) -> SignedCheckpoint:
    """Read a signed checkpoint; raises LogMalformed for anything else, and verifies nothing."""
    note = Note.decode(octets)
    lines = note.text[:-1].split("\n")
    if len(lines) < 3:
        raise LogMalformed("CHECKPOINT_LINES")
    origin, size, root, *extensions = lines
    if not _SIZE_TEXT.fullmatch(size):
        raise LogMalformed("CHECKPOINT_SIZE")
    head = Head(int(size), notes.decode_base64(root, "CHECKPOINT_ROOT"))
    return SignedCheckpoint(Checkpoint(origin, head, tuple(extensions)), note.signatures)


def verify(signed: SignedCheckpoint, origin: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Return the checkpoint if one of the keys of the log signed it, and none of them wrongly.

    Lines of other keys are passed over, whatever they hold. Raises HeadNotTrusted, and LogMalformed
    where two of the keys cannot be told apart.
    """
    checkpoint = signed.checkpoint
    if checkpoint.origin != origin:
        raise HeadNotTrusted("ORIGIN_OTHER", size=checkpoint.head.size)
    found = notes.verdicts(signed.note(), keys)
    if not found:
        raise HeadNotTrusted("SIGNER_UNKNOWN", size=checkpoint.head.size)
    if not all(found):
        raise HeadNotTrusted("SIGNATURE_INVALID", size=checkpoint.head.size)
    return checkpoint
